//! The retry decision, as a pure function.

use std::time::Duration;

/// What to do with a delivery whose run failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Try again after a pause.
    Retry(Duration),
    /// Give up.
    DeadLetter,
}

/// Exponential back-off with a ceiling and full jitter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Runs that an event gets in all.
    pub max_attempts: u32,
    /// The pause after the first failed run, before jitter.
    pub base: Duration,
    /// Each pause is so many times the one before.
    pub factor: f64,
    /// No pause is longer than this.
    pub cap: Duration,
    /// Draw each pause from zero to its full length.
    pub jitter: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base: Duration::from_secs(1),
            factor: 2.0,
            cap: Duration::from_secs(300),
            jitter: true,
        }
    }
}

impl RetryPolicy {
    /// Decides after the `attempt`th run failed. `asked` is the pause that the handler wants; `dice` is drawn
    /// from 0 to 1.
    #[must_use]
    pub fn decide(&self, attempt: u32, asked: Option<Duration>, dice: f64) -> Decision {
        let _ = (attempt, asked, dice);
        todo!()
    }
}
