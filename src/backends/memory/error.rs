//! Errors of this transport.

use crate::transport::{ErrorKind, TransportError};

/// The URL scheme.
pub(super) const SCHEME: &str = "memory";

/// Returns an error of this transport.
pub(super) fn error(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}
