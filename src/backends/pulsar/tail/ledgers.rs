//! Ledgers that are deleted while a log is read: by retention, or by `pulsar-admin topics truncate`. The broker goes on behind
//! them without a word; the admin API tells which there were.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;
use tokio_util::task::AbortOnDropHandle;

use crate::backends::pulsar::{
    codec::message_id::MessageId,
    connection::{admin, handle::Connection},
};

/// The ledgers of a log that is read.
#[derive(Debug)]
pub(super) struct Ledgers {
    connection: Arc<Connection>,
    log: String,
    /// Those that are listed when reading begins. The answer is not waited for.
    first: Option<AbortOnDropHandle<Option<Sizes>>>,
    known: Sizes,
}

/// How many entries each ledger has. That of the open one is not known.
#[derive(Debug, Default)]
struct Sizes(BTreeMap<u64, u64>);

impl Ledgers {
    pub(super) fn new(connection: &Arc<Connection>, log: &str) -> Self {
        let (connection, log) = (Arc::clone(connection), log.to_owned());
        let reading = {
            let (connection, log) = (Arc::clone(&connection), log.clone());
            async move { Sizes::read(&connection, &log).await }
        };
        Self {
            connection,
            log,
            first: Some(AbortOnDropHandle::new(tokio::spawn(reading))),
            known: Sizes::default(),
        }
    }

    /// Returns how many entries were deleted between the last message that was read and the next one, as far as is known.
    pub(super) async fn missed(&mut self, last: Option<MessageId>, next: MessageId) -> u64 {
        if last.is_some_and(|last| last.ledger == next.ledger) {
            return 0;
        }
        if let Some(first) = self.first.take() {
            self.known = first.await.ok().flatten().unwrap_or_default();
        }
        let Some(now) = Sizes::read(&self.connection, &self.log).await else {
            return 0;
        };
        let missed = self.known.missed(&now, last, next);
        self.known = now;
        missed
    }
}

impl Sizes {
    async fn read(connection: &Connection, log: &str) -> Option<Self> {
        let path = format!("{}/internalStats", admin::path_of(log));
        let stats = admin::get(connection, &path).await.ok().flatten()?;
        let ledgers = stats["ledgers"].as_array()?.iter();
        let size =
            |ledger: &Value| Some((ledger["ledgerId"].as_u64()?, ledger["entries"].as_u64()?));
        Some(Self(ledgers.filter_map(size).collect()))
    }

    /// Returns how many entries of ledgers that exist no more were not read.
    fn missed(&self, now: &Self, last: Option<MessageId>, next: MessageId) -> u64 {
        let from = last.map_or(0, |last| last.ledger);
        let passed = self.0.range(from..next.ledger.max(from));
        let gone = passed.filter(|(ledger, _)| !now.0.contains_key(ledger));
        let unread = gone.map(|(ledger, entries)| match last {
            Some(last) if last.ledger == *ledger => entries.saturating_sub(last.entry + 1),
            _ => *entries,
        });
        unread.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::pulsar::codec::message_id::parse_id;

    #[test]
    fn what_was_not_read_of_ledgers_that_are_gone_is_missed() {
        let before = Sizes([(3, 10), (5, 4), (8, 6), (9, 0)].into());
        let id = |text: &str| parse_id(text).unwrap();
        let missed = |left: &[u64], last: Option<&str>, next| {
            let now = Sizes(
                left.iter()
                    .map(|ledger| (*ledger, before.0[ledger]))
                    .collect(),
            );
            before.missed(&now, last.map(id), id(next))
        };
        assert_eq!(
            missed(&[3, 5, 8, 9], Some("3:9:-1"), "5:0:-1"),
            0,
            "all are there"
        );
        assert_eq!(
            missed(&[8, 9], Some("3:9:-1"), "8:0:-1"),
            4,
            "5 was not read"
        );
        assert_eq!(missed(&[8, 9], Some("3:2:-1"), "8:0:-1"), 11, "and 7 of 3");
        assert_eq!(missed(&[9], Some("8:5:-1"), "9:0:-1"), 0, "they were read");
        assert_eq!(missed(&[8, 9], None, "8:0:-1"), 14, "none was read");
        assert_eq!(missed(&[8, 9], Some("9:1:-1"), "8:0:-1"), 0);
    }
}
