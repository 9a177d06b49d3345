//! Messages that a reader has lost. Limits and purges remove messages without any notice to consumers, so the loss is
//! computed from the position of the reader, the state of its consumer, and what the stream still holds.
//!
//! The server does not count what it removed per subject. For a reader of only some subjects, the messages missing at the
//! front of the stream are therefore an upper bound; a message that was pending and is now neither delivered nor pending
//! is certainly lost.

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::{
        connection::{consumer::ConsumerInfo, names::covers, stream::info::StreamInfo},
        error::error,
    },
    transport::{ErrorKind, TransportError},
};

/// The position of a reader.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReadMark {
    /// The sequence up to which everything was delivered, or reported as lost.
    pub(crate) read: u64,
    /// The number of deliveries so far.
    pub(crate) deliveries: u64,
    /// The number of messages that were not delivered yet.
    pub(crate) pending: u64,
    /// The number of messages that the member that wrote this returned, or left waiting for a retry.
    pub(crate) returned: u64,
}

/// A stream and, a moment later, one of its consumers.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Snapshot {
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// The last message that was delivered.
    pub(crate) delivered: u64,
    pub(crate) deliveries: u64,
    pub(crate) pending: u64,
    pub(crate) unacked: u64,
}

/// What was delivered to this reader since the mark.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OwnDeliveries {
    pub(crate) count: u64,
    /// The last sequence.
    pub(crate) last: u64,
}

/// Messages that were removed before they were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loss {
    /// This many certainly.
    pub(crate) at_least: u64,
    /// This many at most.
    pub(crate) at_most: u64,
}

impl ReadMark {
    /// Returns the position of the consumer itself.
    pub(crate) fn of(snapshot: &Snapshot) -> Self {
        Self {
            read: snapshot.delivered,
            deliveries: snapshot.deliveries,
            pending: snapshot.pending,
            returned: 0,
        }
    }

    /// Returns the sequence up to which everything was delivered, to this reader or to others of its consumer.
    fn reached(&self, snapshot: &Snapshot, own: OwnDeliveries) -> u64 {
        let reached = self.read.max(own.last);
        let deliveries = snapshot.deliveries.saturating_sub(self.deliveries);
        if deliveries > own.count {
            reached.max(snapshot.delivered)
        } else {
            reached
        }
    }

    /// Returns the position of the reader after a snapshot.
    pub(crate) fn after(&self, snapshot: &Snapshot, own: OwnDeliveries) -> Self {
        let reached = self.reached(snapshot, own);
        let passed = match snapshot.pending {
            0 => snapshot.last,
            _ => snapshot.first.saturating_sub(1),
        };
        Self {
            read: reached.max(passed),
            ..Self::of(snapshot)
        }
    }

    /// Returns what is missing. A reader that was waiting all the time has missed nothing at the front.
    pub(crate) fn lost(&self, snapshot: &Snapshot, own: OwnDeliveries, was_waiting: bool) -> Loss {
        let deliveries = snapshot.deliveries.saturating_sub(self.deliveries);
        let at_least = self.pending.saturating_sub(deliveries + snapshot.pending);
        let front = snapshot.first.saturating_sub(1);
        let front = front.saturating_sub(self.reached(snapshot, own));
        Loss {
            at_least,
            at_most: at_least.max(if was_waiting { 0 } else { front }),
        }
    }
}

impl Snapshot {
    /// Combines the descriptions of a stream and of its consumer, which has to be the later one.
    pub(crate) fn of(stream: &StreamInfo, consumer: &ConsumerInfo) -> Self {
        Self {
            first: stream.state.first_seq,
            last: stream.state.last_seq,
            delivered: consumer.delivered(),
            deliveries: consumer.deliveries(),
            pending: consumer.num_pending,
            unacked: consumer.num_ack_pending,
        }
    }
}

impl Loss {
    /// Reports whether nothing was lost.
    pub(crate) fn is_none(&self) -> bool {
        self.at_most == 0
    }

    /// Returns it as an error.
    pub(crate) fn into_error(self, stream: &str, reader: &str, is_exact: bool) -> TransportError {
        let Self { at_least, at_most } = self;
        let (count, which) = if is_exact || at_least == at_most {
            (counted(at_most), String::new())
        } else {
            let least = match at_least {
                0 => "an unknown number of them were for it".to_owned(),
                at_least => format!("at least {at_least} of them were for it"),
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

/// Returns an error about lost messages.
pub(crate) fn gap(message: String) -> TransportError {
    error(ErrorKind::Gap, message)
}

/// Returns a count with its noun.
pub(crate) fn counted(count: u64) -> String {
    match count {
        1 => "1 message".to_owned(),
        count => format!("{count} messages"),
    }
}

/// Reports whether the filters match every message of a stream, so that missing ones can be counted.
pub(crate) fn reads_all(info: &StreamInfo, filters: &[String]) -> bool {
    let mut subjects = info.config.subjects.iter();
    subjects.all(|subject| filters.iter().any(|filter| covers(filter, subject)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: ReadMark = ReadMark {
        read: 10,
        deliveries: 10,
        pending: 0,
        returned: 0,
    };

    fn snapshot(first: u64, last: u64, pending: u64) -> Snapshot {
        Snapshot {
            first,
            last,
            delivered: 10,
            deliveries: 10,
            pending,
            unacked: 0,
        }
    }

    fn lost(mark: ReadMark, snapshot: Snapshot) -> (u64, u64) {
        let lost = mark.lost(&snapshot, OwnDeliveries::default(), false);
        (lost.at_least, lost.at_most)
    }

    #[test]
    fn what_is_missing_at_the_front_may_be_lost() {
        assert_eq!(lost(MARK, snapshot(1, 20, 10)), (0, 0));
        assert_eq!(lost(MARK, snapshot(11, 20, 10)), (0, 0));
        assert_eq!(lost(MARK, snapshot(16, 20, 5)), (0, 5));
        assert_eq!(lost(MARK, snapshot(21, 20, 0)), (0, 10));
    }

    #[test]
    fn what_was_pending_and_was_not_delivered_is_lost() {
        let mark = ReadMark { pending: 7, ..MARK };
        assert_eq!(lost(mark, snapshot(1, 20, 7)), (0, 0));
        assert_eq!(lost(mark, snapshot(1, 20, 4)), (3, 3));
        let delivered = Snapshot {
            deliveries: 12,
            ..snapshot(1, 20, 4)
        };
        assert_eq!(lost(mark, delivered), (1, 1));
        assert_eq!(lost(mark, snapshot(16, 20, 4)), (3, 5));
    }

    #[test]
    fn a_reader_that_waited_missed_nothing() {
        let now = snapshot(100, 120, 0);
        assert!(MARK.lost(&now, OwnDeliveries::default(), true).is_none());
        let after = MARK.after(&now, OwnDeliveries::default());
        assert_eq!(after.read, 120);
        assert!(
            after
                .lost(&snapshot(121, 120, 0), OwnDeliveries::default(), false)
                .is_none()
        );
    }

    #[test]
    fn what_others_of_the_group_read_is_not_lost() {
        let now = Snapshot {
            delivered: 90,
            deliveries: 60,
            ..snapshot(80, 120, 20)
        };
        assert_eq!(lost(MARK, now), (0, 0));
        let own = OwnDeliveries {
            count: 50,
            last: 60,
        };
        assert_eq!(MARK.lost(&now, own, false).at_most, 19);
    }

    #[test]
    fn a_bound_is_distinguished_from_a_count() {
        let lost = Loss {
            at_least: 2,
            at_most: 5,
        };
        let text = lost.into_error("S", "group `g`", false).to_string();
        assert!(text.contains("up to 5 messages"), "{text}");
        assert!(text.contains("at least 2"), "{text}");
        let text = lost.into_error("S", "group `g`", true).to_string();
        assert!(text.contains("removed 5 messages from"), "{text}");
    }
}
