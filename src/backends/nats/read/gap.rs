//! What a reader lost: limits and purges remove messages without a word, so that it is reckoned from how far the
//! reader was, how far its consumer is, and what the stream still holds.
//!
//! The server keeps no number of what it removed under a subject. Where a reader does not read all of a stream, what is
//! missing at its front is therefore a bound; what was pending and is neither delivered nor pending any more is certain.

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        connection::{names::covers, stream::info::Facts},
        error::error,
    },
    transport::{ErrorKind, TransportError},
};

/// How far a reader is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// What it reads was delivered up to this number, or reported as gone.
    pub(crate) read: u64,
    /// Deliveries made so far.
    pub(crate) deliveries: u64,
    /// Messages that were not delivered yet.
    pub(crate) pending: u64,
    /// Messages that were given back, or held back, by the member that wrote this.
    pub(crate) returned: u64,
}

/// What the server says of a stream, and of a consumer a moment later.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sight {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The last message that was delivered.
    pub(crate) delivered: u64,
    pub(crate) deliveries: u64,
    pub(crate) pending: u64,
    pub(crate) unacked: u64,
}

/// What came to this reader since the mark was made.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Own {
    pub(crate) count: u64,
    /// The last number.
    pub(crate) last: u64,
}

/// What was removed unread.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// That many are certain.
    pub(crate) surely: u64,
    /// That many may be.
    pub(crate) at_most: u64,
}

impl Mark {
    /// Returns how far the consumer is by its own account.
    pub(crate) fn of(sight: &Sight) -> Self {
        Self {
            read: sight.delivered,
            deliveries: sight.deliveries,
            pending: sight.pending,
            returned: 0,
        }
    }

    /// Returns up to which number everything was delivered: to this reader, or else to others of its consumer.
    fn reached(&self, sight: &Sight, own: Own) -> u64 {
        let reached = self.read.max(own.last);
        let deliveries = sight.deliveries.saturating_sub(self.deliveries);
        if deliveries > own.count {
            reached.max(sight.delivered)
        } else {
            reached
        }
    }

    /// Returns how far the reader is after a look.
    pub(crate) fn after(&self, sight: &Sight, own: Own) -> Self {
        let reached = self.reached(sight, own);
        let passed = match sight.pending {
            0 => sight.last,
            _ => sight.first.saturating_sub(1),
        };
        Self {
            read: reached.max(passed),
            ..Self::of(sight)
        }
    }

    /// Returns what is missing. Whoever was waiting all the time missed nothing at the front.
    pub(crate) fn lost(&self, sight: &Sight, own: Own, was_waiting: bool) -> Lost {
        let deliveries = sight.deliveries.saturating_sub(self.deliveries);
        let surely = self.pending.saturating_sub(deliveries + sight.pending);
        let front = sight.first.saturating_sub(1);
        let front = front.saturating_sub(self.reached(sight, own));
        Lost {
            surely,
            at_most: surely.max(if was_waiting { 0 } else { front }),
        }
    }
}

impl Lost {
    pub(crate) fn is_none(&self) -> bool {
        self.at_most == 0
    }

    /// Says it.
    pub(crate) fn told(self, stream: &str, reader: &str, is_exact: bool) -> TransportError {
        let Self { surely, at_most } = self;
        let (count, which) = if is_exact || surely == at_most {
            (counted(at_most), String::new())
        } else {
            let least = match surely {
                0 => "it is not known how many of them were for it".to_owned(),
                surely => format!("at least {surely} of them were for it"),
            };
            (format!("up to {}", counted(at_most)), format!(" ({least})"))
        };
        gap(format!(
            "limits or a purge removed {count} from the stream `{stream}` before {reader} read them{which}"
        ))
        .hint(format!(
            "raise the stream's limits (`nats stream edit {stream}`), or read more often"
        ))
    }
}

/// Returns the error of messages that are gone.
pub(crate) fn gap(message: String) -> TransportError {
    error(ErrorKind::Gap, message)
}

pub(crate) fn counted(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

/// Reports whether every message of a stream matches, so that what is missing can be counted.
pub(crate) fn reads_all(facts: &Facts, filters: &[String]) -> bool {
    let mut subjects = facts.config.subjects.iter();
    subjects.all(|subject| filters.iter().any(|filter| covers(filter, subject)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark {
        read: 10,
        deliveries: 10,
        pending: 0,
        returned: 0,
    };

    fn sight(first: u64, last: u64, pending: u64) -> Sight {
        Sight {
            first,
            last,
            delivered: 10,
            deliveries: 10,
            pending,
            unacked: 0,
        }
    }

    fn lost(mark: Mark, sight: Sight) -> (u64, u64) {
        let lost = mark.lost(&sight, Own::default(), false);
        (lost.surely, lost.at_most)
    }

    #[test]
    fn what_is_missing_at_the_front_may_be_lost() {
        assert_eq!(lost(MARK, sight(1, 20, 10)), (0, 0));
        assert_eq!(lost(MARK, sight(11, 20, 10)), (0, 0));
        assert_eq!(lost(MARK, sight(16, 20, 5)), (0, 5));
        assert_eq!(lost(MARK, sight(21, 20, 0)), (0, 10));
    }

    #[test]
    fn what_was_pending_and_was_not_delivered_is_lost() {
        let mark = Mark { pending: 7, ..MARK };
        assert_eq!(lost(mark, sight(1, 20, 7)), (0, 0));
        assert_eq!(lost(mark, sight(1, 20, 4)), (3, 3));
        let delivered = Sight {
            deliveries: 12,
            ..sight(1, 20, 4)
        };
        assert_eq!(lost(mark, delivered), (1, 1));
        assert_eq!(lost(mark, sight(16, 20, 4)), (3, 5));
    }

    #[test]
    fn whoever_waited_missed_nothing() {
        let now = sight(100, 120, 0);
        assert!(MARK.lost(&now, Own::default(), true).is_none());
        let after = MARK.after(&now, Own::default());
        assert_eq!(after.read, 120);
        assert!(
            after
                .lost(&sight(121, 120, 0), Own::default(), false)
                .is_none()
        );
    }

    #[test]
    fn what_others_of_the_group_read_is_not_lost() {
        let now = Sight {
            delivered: 90,
            deliveries: 60,
            ..sight(80, 120, 20)
        };
        assert_eq!(lost(MARK, now), (0, 0));
        let own = Own {
            count: 50,
            last: 60,
        };
        assert_eq!(MARK.lost(&now, own, false).at_most, 19);
    }

    #[test]
    fn a_bound_is_told_from_a_count() {
        let lost = Lost {
            surely: 2,
            at_most: 5,
        };
        let text = lost.told("S", "group `g`", false).to_string();
        assert!(text.contains("up to 5 messages"), "{text}");
        assert!(text.contains("at least 2"), "{text}");
        let text = lost.told("S", "group `g`", true).to_string();
        assert!(text.contains("removed 5 messages from"), "{text}");
    }
}
