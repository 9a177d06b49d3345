//! Delayed events: the broker keeps them in their topic, and neither lists nor cancels them.

use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, TransportError},
};

/// Returns the error of a request for the schedules.
pub(crate) fn unsupported() -> TransportError {
    error(
        ErrorKind::Unsupported,
        "Pulsar neither lists nor cancels delayed events",
    )
    .hint("`pf caps` says why")
}
