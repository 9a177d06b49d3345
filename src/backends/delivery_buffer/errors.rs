//! Errors that a subscription has not returned yet.

use std::collections::VecDeque;

use crate::transport::{ErrorKind, TransportError};

/// Errors that wait for the caller of `next`: every notice in its order, and of the failures the latest.
///
/// Gaps and warnings are notices: nothing ends with them, and each is reported exactly once. A failure repeats itself as
/// long as its cause lasts, so that the latest says it all.
#[derive(Debug, Default)]
pub(crate) struct PendingErrors {
    notices: VecDeque<TransportError>,
    failure: Option<TransportError>,
}

impl PendingErrors {
    /// Adds an error: a notice behind the others, a failure in place of the one before.
    pub(crate) fn push(&mut self, error: TransportError) {
        if matches!(error.kind(), ErrorKind::Gap | ErrorKind::Warning) {
            self.notices.push_back(error);
        } else {
            self.failure = Some(error);
        }
    }

    /// Takes out the first notice.
    pub(crate) fn take_notice(&mut self) -> Option<TransportError> {
        self.notices.pop_front()
    }

    /// Takes out all notices.
    pub(crate) fn take_notices(&mut self) -> VecDeque<TransportError> {
        std::mem::take(&mut self.notices)
    }

    /// Takes out the failure.
    pub(crate) fn take_failure(&mut self) -> Option<TransportError> {
        self.failure.take()
    }

    /// Takes out the failure if repeating the call cannot help.
    pub(crate) fn take_permanent_failure(&mut self) -> Option<TransportError> {
        self.failure.take_if(|failure| !failure.is_transient())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_notice_is_forgotten_for_a_failure() {
        let error = |kind, text: &'static str| TransportError::new("test", kind, text);
        let mut errors = PendingErrors::default();
        errors.push(error(ErrorKind::Unavailable, "away"));
        errors.push(error(ErrorKind::Gap, "first"));
        errors.push(error(ErrorKind::Warning, "second"));
        errors.push(error(ErrorKind::Unavailable, "still away"));
        assert!(errors.take_permanent_failure().is_none());
        assert_eq!(errors.take_notice().unwrap().message(), "first");
        assert_eq!(errors.take_failure().unwrap().message(), "still away");
        errors.push(error(ErrorKind::Denied, "no"));
        assert_eq!(errors.take_permanent_failure().unwrap().message(), "no");
        assert!(errors.take_failure().is_none());
        assert_eq!(errors.take_notices().len(), 1);
    }
}
