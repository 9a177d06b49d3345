//! The last dead letters of a consumer, and which failure is most frequent among them: what an open breaker reports.

use std::collections::VecDeque;

use crate::transport::Failure;

/// Failures that are kept: as many as the breaker counts by default.
const KEPT: usize = 100;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct RecentFailures(VecDeque<Failure>);

impl RecentFailures {
    /// Notes why an event was dead-lettered.
    pub(super) fn note(&mut self, failure: &Failure) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        // Its detail may be long.
        let detail = None;
        self.0.push_back(Failure {
            fingerprint: failure.fingerprint.clone(),
            class: failure.class.clone(),
            message: failure.message.clone(),
            detail,
            duration: failure.duration,
        });
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the latest failure of the most frequent kind, and how many are of that kind.
    pub(super) fn most_frequent(&self) -> Option<(&Failure, usize)> {
        let count = |failure: &Failure| {
            let alike = |other: &&Failure| other.fingerprint == failure.fingerprint;
            self.0.iter().filter(alike).count()
        };
        let counted = self.0.iter().map(|failure| (failure, count(failure)));
        counted.max_by_key(|(_, count)| *count)
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::describe_failure;

    #[test]
    fn the_most_frequent_failure_is_found_and_few_are_kept() {
        let mut recent = RecentFailures::default();
        assert!(recent.most_frequent().is_none());
        for n in 0..150 {
            let message = if n % 3 == 0 { "timeout" } else { "refused" };
            recent.note(&describe_failure("handler", message, None));
        }
        let (failure, count) = recent.most_frequent().unwrap();
        assert_eq!((failure.message.as_str(), count), ("refused", 67));
        assert_eq!(recent.len(), KEPT);
    }
}
