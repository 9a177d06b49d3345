//! The end of a bounded subscription: what was stored when it began, and the retries of what it took.
//!
//! The broker does not say when it has nothing more for a consumer. A log is done once its last entry came or an entry
//! behind it, or if all of the subscription's backlog is in flight here. What others hold, and what is due later, is in the
//! backlog too: then the admin API tells whether all of it is with a consumer or delayed. Without that, a log is done once
//! nothing has come for a while, though the broker may send.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::backends::pulsar::codec::message_id::MessageId;

/// A log that has more, but nothing for this consumer, is silent for this long, ...
const SILENCE: Duration = Duration::from_secs(5);
/// ... and after this time the admin API is asked.
pub(super) const QUIET: Duration = Duration::from_millis(500);
/// How often the backlog is asked for.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(50);
/// A retry of this consumer that another one took does not come back.
pub(super) const LATE: Duration = Duration::from_secs(10);

/// The end of a log.
#[derive(Debug)]
pub(super) struct LogEnd {
    /// The last entry when the subscription began; none if the log was empty.
    last: Option<MessageId>,
    /// Whether everything up to it was delivered to a consumer.
    pub(super) is_done: bool,
    /// Whether a later entry ends it: not in a retry topic, whose messages come in the order of their times.
    is_ordered: bool,
    /// Since when nothing has come, though the broker may send.
    silent_since: Instant,
    /// How many entries others had when it was done.
    pub(super) elsewhere: u64,
}

impl LogEnd {
    pub(super) fn new(last: Option<MessageId>, is_ordered: bool) -> Self {
        Self {
            is_done: last.is_none(),
            last,
            is_ordered,
            silent_since: Instant::now(),
            elsewhere: 0,
        }
    }

    /// Notes that the broker may send again.
    pub(super) fn permit(&mut self) {
        self.silent_since = Instant::now();
    }

    /// Notes an entry that arrived; reports whether it is behind the end.
    pub(super) fn is_behind(&mut self, entry: MessageId) -> bool {
        self.silent_since = Instant::now();
        let Some(last) = self.last else {
            return true;
        };
        let (here, last) = ((entry.ledger, entry.entry), (last.ledger, last.entry));
        if self.is_ordered && here >= last {
            self.is_done = true;
        }
        here > last
    }

    /// Reports whether it is worth asking whether everything is with a consumer.
    pub(super) fn is_quiet(&self) -> bool {
        !self.is_done && self.silent_since.elapsed() >= QUIET
    }

    /// Notes what the admin API says of the subscription.
    pub(super) fn note_statistics(&mut self, subscription: &Value, here: usize) {
        let number = |value: &Value, name: &str| value[name].as_u64().unwrap_or(0);
        let consumers = subscription["consumers"].as_array();
        let consumers = consumers.map(Vec::as_slice).unwrap_or_default();
        let held: u64 = consumers
            .iter()
            .map(|one| number(one, "unackedMessages"))
            .sum();
        let delayed = number(subscription, "msgDelayed");
        let backlog = number(subscription, "msgBacklog");
        if backlog <= held + delayed {
            self.is_done = true;
            self.elsewhere = backlog.saturating_sub(delayed).saturating_sub(here as u64);
        }
    }

    /// Notes the backlog of the subscription, of which `here` entries are here. Silence counts only while the broker may
    /// send.
    pub(super) fn note_backlog(&mut self, backlog: u64, here: usize, may_send: bool) {
        let elsewhere = backlog.saturating_sub(here as u64);
        if elsewhere == 0 || may_send && self.silent_since.elapsed() >= SILENCE {
            self.is_done = true;
            self.elsewhere = elsewhere;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(entry: u64) -> MessageId {
        MessageId {
            ledger: 1,
            entry,
            batch_index: -1,
            partition: -1,
        }
    }

    #[test]
    fn a_log_is_done_with_its_last_entry() {
        let mut end = LogEnd::new(Some(id(2)), true);
        assert!(!end.is_behind(id(0)) && !end.is_done);
        assert!(!end.is_behind(id(2)) && end.is_done);
        assert!(end.is_behind(id(3)));
        assert!(LogEnd::new(None, true).is_done);
    }

    #[test]
    fn a_retry_topic_is_done_when_its_backlog_is_here() {
        let mut end = LogEnd::new(Some(id(2)), false);
        assert!(end.is_behind(id(3)) && !end.is_done);
        end.note_backlog(2, 1, true);
        assert!(!end.is_done);
        end.note_backlog(1, 1, false);
        assert!(end.is_done);
    }

    #[test]
    fn what_others_hold_and_what_is_delayed_is_not_waited_for() {
        let statistics = |backlog| {
            serde_json::json!({
                "msgBacklog": backlog,
                "msgDelayed": 2,
                "consumers": [{"unackedMessages": 1}, {"unackedMessages": 3}],
            })
        };
        let mut end = LogEnd::new(Some(id(9)), true);
        end.note_statistics(&statistics(7), 1);
        assert!(!end.is_done);
        end.note_statistics(&statistics(6), 1);
        assert_eq!((end.is_done, end.elsewhere), (true, 3));
    }
}
