//! Inserting events in the user's own transaction.

use rusqlite::{Error, Transaction, params};

use crate::{event::unix_millis, outbox::Entry};

/// Inserts an event.
///
/// # Errors
/// If the database refuses, or has no outbox.
pub fn enqueue(transaction: &Transaction<'_>, entry: &Entry) -> Result<(), Error> {
    let sql = "INSERT INTO pf_outbox(topic, key, event, due) VALUES(?1, ?2, ?3, ?4)";
    let due = entry
        .due
        .map(|due| i64::try_from(unix_millis(due)).unwrap_or(i64::MAX));
    let values = params![entry.topic.as_str(), entry.key, entry.event, due];
    transaction.prepare_cached(sql)?.execute(values).map(drop)
}
