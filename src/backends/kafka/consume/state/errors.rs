//! Errors that the next call for messages returns: every gap and warning, and of other errors the latest.

use std::collections::VecDeque;

use crate::transport::{ErrorKind, TransportError};

/// Errors that no caller has seen.
#[derive(Debug, Default)]
pub(crate) struct PendingErrors(VecDeque<TransportError>);

impl PendingErrors {
    /// Adds an error; one that is neither gap nor warning replaces the former of its kind.
    pub(crate) fn push(&mut self, failed: TransportError) {
        if !is_kept(&failed) {
            self.retain_reports();
        }
        self.0.push_back(failed);
    }

    /// Drops everything but gaps and warnings.
    pub(crate) fn retain_reports(&mut self) {
        self.0.retain(is_kept);
    }

    /// Takes an error that will not pass by itself.
    pub(crate) fn take_fatal(&mut self) -> Option<TransportError> {
        let is_fatal = |failed: &TransportError| !failed.is_transient() && !is_kept(failed);
        let at = self.0.iter().position(is_fatal)?;
        self.0.remove(at)
    }

    /// Takes a gap or a warning.
    pub(crate) fn take_report(&mut self) -> Option<TransportError> {
        let at = self.0.iter().position(is_kept)?;
        self.0.remove(at)
    }

    /// Takes the oldest.
    pub(crate) fn take_first(&mut self) -> Option<TransportError> {
        self.0.pop_front()
    }

    /// Takes the latest.
    pub(crate) fn take_last(&mut self) -> Option<TransportError> {
        self.0.pop_back()
    }
}

/// Reports whether an error is returned in any case; the subscription goes on after it.
fn is_kept(failed: &TransportError) -> bool {
    matches!(failed.kind(), ErrorKind::Gap | ErrorKind::Warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::kafka::{codec::topic_partition::TopicPartition, error::error, read::gap};

    #[test]
    fn another_error_replaces_no_gap() {
        let mut errors = PendingErrors::default();
        let at = |partition| TopicPartition::new("orders", partition);
        errors.push(error(ErrorKind::Unavailable, "gone"));
        errors.push(gap::removed(&at(0), 1, 5));
        errors.push(gap::removed(&at(1), 1, 9));
        errors.push(error(ErrorKind::Unavailable, "gone again"));
        errors.push(error(ErrorKind::Denied, "not yours"));
        assert_eq!(errors.take_fatal().unwrap().kind(), ErrorKind::Denied);
        let left: Vec<ErrorKind> =
            std::iter::from_fn(|| errors.take_first().map(|failed| failed.kind())).collect();
        assert_eq!(left, [ErrorKind::Gap, ErrorKind::Gap]);
    }
}
