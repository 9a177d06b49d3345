//! Jobs that replay and purge dead letters.

use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, TransportError},
};

/// Returns the error of a request for a job.
pub(crate) fn unsupported() -> TransportError {
    error(
        ErrorKind::Unsupported,
        "jobs on dead letters are not available here",
    )
    .hint("`pf caps` says why")
}
