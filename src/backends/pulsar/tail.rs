//! Reading without a group.

use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, TransportError},
};

/// Returns the error of a request to read without a group.
pub(crate) fn unsupported() -> TransportError {
    error(
        ErrorKind::Unsupported,
        "reading without a group is not available here",
    )
    .hint("`pf caps` says why")
}
