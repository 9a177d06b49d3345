//! Dead letters.

pub(crate) mod store;

use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, TransportError},
};

/// Returns the error of a request for dead letters.
pub(crate) fn unsupported() -> TransportError {
    error(
        ErrorKind::Unsupported,
        "dead letters are not available here",
    )
    .hint("`pf caps` says why")
}
