//! Groups.

use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, TransportError},
};

/// Returns the error of a request to join a group.
pub(crate) fn unsupported() -> TransportError {
    error(ErrorKind::Unsupported, "groups are not available here").hint("`pf caps` says why")
}
