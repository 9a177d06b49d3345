//! Where the messages of a log begin that a group may still get. Only the admin API knows.

use crate::backends::pulsar::{
    codec::message_id::MessageId,
    connection::{admin, consumer::Start, handle::Connection},
};

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
    fn positions_are_read() {
        assert_eq!(next_entry("3:5"), Some((3, 6)));
        assert_eq!(next_entry("3:-1"), Some((3, 0)));
        assert_eq!(next_entry("3"), None);
    }
}
