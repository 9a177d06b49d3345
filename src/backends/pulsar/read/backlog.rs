//! The messages of a log that a group may still get: where they begin, and how many there are. Only the admin API knows.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::backends::pulsar::{
    codec::message_id::MessageId,
    connection::{
        admin,
        consumer::{ConsumerHandle, Start},
        handle::Connection,
    },
};
use crate::transport::Result;

/// Returns the start of what not every subscription has acknowledged; the beginning of the log if that is not known, or it has no
/// subscription.
pub(crate) async fn start_of_unacknowledged(connection: &Connection, log: &str) -> Start {
    let path = format!("{}/internalStats", admin::path_of(log));
    let Ok(Some(stats)) = admin::get(connection, &path).await else {
        return Start::Earliest;
    };
    let cursors = stats["cursors"].as_object().into_iter().flatten();
    let first = cursors.map(|(_, cursor)| {
        let position = cursor["markDeletePosition"].as_str();
        position.and_then(next_entry)
    });
    match first.min() {
        Some(Some((ledger, entry))) => Start::Entry(MessageId {
            ledger,
            entry,
            batch_index: -1,
            partition: -1,
        }),
        _ => Start::Earliest,
    }
}

/// What a group has not acknowledged in a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LogBacklog {
    /// Number of entries; a batch of messages is one.
    pub(crate) entries: u64,
    /// When the oldest was published.
    pub(crate) oldest: Option<SystemTime>,
}

/// Returns what a group has not acknowledged in a log. Where the admin API does not answer, its consumer counts.
pub(crate) async fn of_group(
    connection: &Connection,
    log: &str,
    group: &str,
    consumer: Option<ConsumerHandle>,
) -> Result<LogBacklog> {
    match (
        admin::subscription_with_oldest(connection, log, group).await,
        consumer,
    ) {
        (Ok(Some(subscription)), _) => Ok(read_statistics(&subscription)),
        (_, Some(consumer)) => Ok(LogBacklog {
            entries: consumer.backlog().await?,
            oldest: None,
        }),
        (Ok(None), None) => Ok(LogBacklog::default()),
        (Err(failed), None) => Err(failed),
    }
}

fn read_statistics(subscription: &Value) -> LogBacklog {
    let entries = subscription["msgBacklog"].as_u64().unwrap_or(0);
    let oldest = subscription["earliestMsgPublishTimeInBacklog"].as_u64();
    let oldest = oldest.filter(|time| *time > 0 && entries > 0);
    LogBacklog {
        entries,
        oldest: oldest.map(|time| SystemTime::UNIX_EPOCH + Duration::from_millis(time)),
    }
}

/// Returns the ledger and the entry behind a position like `3:5`; before the first entry of a ledger stands -1.
pub(crate) fn next_entry(position: &str) -> Option<(u64, u64)> {
    let (ledger, entry) = position.split_once(':')?;
    let entry: i64 = entry.parse().ok()?;
    Some((ledger.parse().ok()?, entry.wrapping_add(1).cast_unsigned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_read() {
        let statistics = |entries, time| serde_json::json!({"msgBacklog": entries, "earliestMsgPublishTimeInBacklog": time});
        let read = read_statistics(&statistics(3, 1_000));
        let oldest = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        assert_eq!((read.entries, read.oldest), (3, Some(oldest)));
        assert_eq!(
            read_statistics(&statistics(0, 1_000)),
            LogBacklog::default()
        );
        assert_eq!(read_statistics(&statistics(1, 0)).oldest, None);
    }

    #[test]
    fn positions_are_read() {
        assert_eq!(next_entry("3:5"), Some((3, 6)));
        assert_eq!(next_entry("3:-1"), Some((3, 0)));
        assert_eq!(next_entry("3"), None);
    }
}
