//! Failures as data: fingerprints, captured panics, bounded texts.

mod describe;
mod normalise;

pub(super) use self::describe::panic_failure;
pub use self::describe::{describe_failure, fingerprint};
