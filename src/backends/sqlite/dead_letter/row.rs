//! Dead letters as rows.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    backends::sqlite::{
        codec::{headers, row::message, timestamp},
        error::{SCHEME, StoreResult, damaged},
    },
    event::Group,
    transport::{DeadLetter, DeadLetterId, DeadLetterKind, DeadLetterRecord, Delivery, Failure},
};

/// Columns that [`read`] reads, in its order.
pub(crate) const COLUMNS: &str = "d.n, d.dead_since, d.id, d.record, d.key, d.headers, d.payload";

/// Tells the story of a delivery that a group gives up now, within bounds.
pub(crate) fn of(
    store: &str,
    group: &Group,
    delivery: &Delivery,
    kind: DeadLetterKind,
    failure: Failure,
) -> DeadLetter {
    let mut letter = DeadLetter::of(SCHEME, store, group, delivery, kind, failure);
    letter.record = letter.record.fit(DeadLetterRecord::MAX_LEN);
    letter
}

/// Stores a letter unless its id is there already; tells whether it was new.
pub(crate) fn insert(connection: &Connection, letter: &DeadLetter) -> StoreResult<bool> {
    let record = &letter.record;
    let sort = letter_group_id(connection, record)?;
    let text = serde_json::to_string(record).map_err(|_| damaged("a dead letter's record"))?;
    let sql = "INSERT INTO dead_letters(id, sort, dead_since, position, event_type, \
         total_attempts, reason, key, headers, payload, record) \
         VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT(id) DO NOTHING";
    let inserted = connection.prepare_cached(sql)?.execute(params![
        letter.id.as_str(),
        sort,
        timestamp::nanos(record.dead_lettered_at),
        record.origin.position.as_str(),
        record.event_type,
        record.total_attempts,
        searchable(&record.failure),
        letter.message.key.as_deref(),
        headers::pack(&letter.message.headers),
        letter.message.payload.as_deref(),
        text,
    ])?;
    Ok(inserted > 0)
}

/// Reads [`COLUMNS`].
pub(crate) fn read(row: &Row<'_>) -> StoreResult<DeadLetter> {
    let text = row.get_ref(3)?;
    let record: DeadLetterRecord = text
        .as_str()
        .ok()
        .and_then(|text| serde_json::from_str(text).ok())
        .ok_or_else(|| damaged("a dead letter's record"))?;
    Ok(DeadLetter {
        id: id(row, 2)?,
        message: message(row, 4, record.origin.topic.clone())?,
        at: None,
        is_foreign: record.foreign,
        record,
    })
}

/// Reads the id in a column.
pub(crate) fn id(row: &Row<'_>, column: usize) -> StoreResult<DeadLetterId> {
    let id = row.get_ref(column)?.as_str();
    id.map(DeadLetterId::from_stored)
        .map_err(|_| damaged("a dead letter's id"))
}

/// Returns class and message in lower case, for searching.
fn searchable(failure: &Failure) -> String {
    format!("{}\n{}", failure.class, failure.message).to_lowercase()
}

/// Finds what this letter has in common with others, or notes it: letters are counted by it.
fn letter_group_id(connection: &Connection, record: &DeadLetterRecord) -> StoreResult<i64> {
    let values = params![
        record.origin.topic.as_str(),
        record.group.as_str(),
        record.kind.as_str(),
        record.failure.fingerprint.0,
    ];
    let sql = "SELECT id FROM sorts WHERE topic = ?1 AND group_name = ?2 AND kind = ?3 \
         AND fingerprint = ?4";
    let found = connection
        .prepare_cached(sql)?
        .query_row(values, |row| row.get(0))
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let sql = "INSERT INTO sorts(topic, group_name, kind, fingerprint, sample) \
         VALUES(?1, ?2, ?3, ?4, ?5) RETURNING id";
    let values = params![
        record.origin.topic.as_str(),
        record.group.as_str(),
        record.kind.as_str(),
        record.failure.fingerprint.0,
        record.failure.message,
    ];
    Ok(connection
        .prepare_cached(sql)?
        .query_row(values, |row| row.get(0))?)
}
