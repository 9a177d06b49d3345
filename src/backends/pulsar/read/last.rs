//! Where the last entries of a log begin. The protocol reads forwards only; the admin API knows how many entries each
//! ledger has.

use serde_json::Value;

use crate::backends::pulsar::{
    codec::message_id::MessageId,
    connection::{admin, consumer::Start, handle::Connection},
};

/// Returns where to start to read at least the last `count` entries of a log that ends with `last`. Without the admin API that
/// is the beginning of the log, unless its last ledger has as many.
pub(crate) async fn start_of_last(
    connection: &Connection,
    log: &str,
    last: MessageId,
    count: u64,
) -> Start {
    if last.entry + 1 >= count {
        return Start::Entry(MessageId {
            entry: last.entry + 1 - count,
            batch_index: -1,
            ..last
        });
    }
    let path = format!("{}/internalStats", admin::path_of(log));
    match admin::get(connection, &path).await {
        Ok(Some(stats)) => earlier(&stats["ledgers"], last, count - last.entry - 1),
        _ => Start::Earliest,
    }
}

/// Goes back by `missing` entries over the ledgers before the last one.
fn earlier(ledgers: &Value, last: MessageId, mut missing: u64) -> Start {
    let ledgers = ledgers.as_array().map(Vec::as_slice).unwrap_or_default();
    for ledger in ledgers.iter().rev() {
        let (Some(id), Some(entries)) = (ledger["ledgerId"].as_u64(), ledger["entries"].as_u64())
        else {
            return Start::Earliest;
        };
        if id >= last.ledger {
            continue;
        }
        if entries >= missing {
            return Start::Entry(MessageId {
                ledger: id,
                entry: entries - missing,
                batch_index: -1,
                partition: last.partition,
            });
        }
        missing -= entries;
    }
    Start::Earliest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_back_over_ledgers() {
        let last = MessageId {
            ledger: 9,
            entry: 1,
            batch_index: -1,
            partition: -1,
        };
        let ledgers = serde_json::json!([
            {"ledgerId": 3, "entries": 5},
            {"ledgerId": 7, "entries": 2},
            {"ledgerId": 9, "entries": 0},
        ]);
        let start = |missing| match earlier(&ledgers, last, missing) {
            Start::Entry(id) => (id.ledger, id.entry),
            _ => (0, 0),
        };
        assert_eq!(start(1), (7, 1));
        assert_eq!(start(2), (7, 0));
        assert_eq!(start(3), (3, 4));
        assert_eq!(start(8), (0, 0));
    }
}
