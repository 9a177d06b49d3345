//! The front door of the library.
/// A connection with defaults for publishing and consuming.
#[derive(Debug, Clone)]
pub struct Service {}
/// Why a service call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] crate::transport::TransportError),
    /// The event breaks a rule.
    #[error(transparent)]
    Event(#[from] crate::event::EventError),
}
