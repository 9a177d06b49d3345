//! Failures out of captured panics.

use std::any::Any;

use crate::transport::Failure;

pub use crate::transport::{describe_failure, fingerprint};

/// Describes a captured panic.
pub(super) fn panic_failure(panic: &(dyn Any + Send)) -> Failure {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    describe_failure("panic", message, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_keeps_its_message() {
        let text = std::panic::catch_unwind(|| panic!("no stock for {}", 7)).unwrap_err();
        assert_eq!(panic_failure(&*text).message, "no stock for 7");
        let other = std::panic::catch_unwind(|| std::panic::panic_any(5_u8)).unwrap_err();
        assert_eq!(panic_failure(&*other).message, "a panic without a message");
        assert_eq!(panic_failure(&*other).class, "panic");
    }
}
