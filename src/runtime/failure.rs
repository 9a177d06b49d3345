//! Failures as data: fingerprints and captured panics.
use crate::transport::{Failure, Fingerprint};
use std::any::Any;
/// Names the sort of a failure: ids, numbers, hosts and paths in the message do not count.
#[must_use]
pub fn fingerprint(class: &str, message: &str) -> Fingerprint {
    let _ = (class, message);
    todo!()
}
/// Describes a captured panic.
#[must_use]
pub fn panic_failure(panic: &(dyn Any + Send)) -> Failure {
    let _ = panic;
    todo!()
}
