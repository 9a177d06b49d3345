//! Stops taking events when nearly everything fails. Pure: time is an argument.
/// When the breaker opens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerOptions {
    /// Final failures in a row.
    pub in_a_row: u32,
    /// Out of the last so many ...
    pub window: u32,
    /// ... more than this share.
    pub share: f64,
}
impl Default for BreakerOptions {
    fn default() -> Self {
        Self {
            in_a_row: 20,
            window: 100,
            share: 0.5,
        }
    }
}
/// See the module.
#[derive(Debug)]
pub struct Breaker {}
