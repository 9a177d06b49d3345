//! Rows and their state, as SQLite stores them.

use std::time::Duration;

use rusqlite::{Connection, Result, Row, params};

use crate::{
    event::from_unix_millis,
    outbox::{
        row::{OutboxRow, OutboxStatus, RelayStatus, RowFilter, RowState},
        table::{Claim, Cleaned, PendingRow},
    },
};

/// Rows that can be published.
const OPEN: &str = "sent_at IS NULL AND parked_at IS NULL";

/// The columns of a row that is shown.
const COLUMNS: &str = "id, topic, key, event, due, created_at, sent_at, parked_at, attempts, error";

/// Writes identifiers as JSON, by which a statement takes a list.
pub(super) fn list_of<T: serde::Serialize>(values: &[T]) -> String {
    serde_json::to_string(values).unwrap_or_else(|_| "[]".to_owned())
}

fn time(millis: i64) -> std::time::SystemTime {
    from_unix_millis(u64::try_from(millis).unwrap_or(0))
}

/// Reads rows to be published: delayed ones that are due first.
pub(super) fn claim(connection: &Connection, claim: &Claim, now: i64) -> Result<Vec<PendingRow>> {
    let filter = format!(
        "{OPEN} AND (key IS NULL OR key NOT IN (SELECT value FROM json_each(?3))) \
         AND id NOT IN (SELECT value FROM json_each(?4))"
    );
    let sql = format!(
        "SELECT * FROM (SELECT id, topic, key, event, due FROM pf_outbox \
         WHERE due IS NOT NULL AND due <= ?5 AND {filter} ORDER BY due, id LIMIT ?2) \
         UNION ALL SELECT * FROM (SELECT id, topic, key, event, NULL FROM pf_outbox \
         WHERE due IS NULL AND id > ?1 AND {filter} ORDER BY id LIMIT ?2) LIMIT ?2"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let (keys, ids) = (list_of(&claim.without_keys), list_of(&claim.without_rows));
    let rows = select.query_map(params![claim.above, claim.limit, keys, ids, now], |row| {
        Ok(PendingRow {
            id: row.get(0)?,
            topic: row.get(1)?,
            key: row.get(2)?,
            event: row.get(3)?,
            due: row.get::<_, Option<i64>>(4)?.map(time),
        })
    })?;
    let mut rows = rows.collect::<Result<Vec<_>>>()?;
    rows.sort_by_key(|row| (row.due.is_none(), row.due, row.id));
    Ok(rows)
}

/// Deletes kept rows that were published before a time, among the next `limit` rows.
pub(super) fn clean(
    connection: &Connection,
    before: i64,
    (above, limit): (i64, i64),
) -> Result<Cleaned> {
    let page = "SELECT count(*), max(id), count(*) FILTER (WHERE sent_at >= ?3) \
         FROM (SELECT id, sent_at FROM pf_outbox WHERE id > ?1 ORDER BY id LIMIT ?2)";
    let (count, last, young): (i64, Option<i64>, i64) =
        connection.query_row(page, [above, limit, before], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let delete = "DELETE FROM pf_outbox WHERE id > ?1 AND id <= ?2 AND sent_at < ?3";
    let deleted = connection.execute(delete, params![above, last.unwrap_or(0), before])?;
    Ok(Cleaned {
        deleted: deleted as u64,
        // Identifiers are in the order of insertion, not of publication: old rows may be behind a young one.
        next: last.filter(|_| count == limit && (young == 0 || deleted > 0)),
    })
}

/// Lists rows.
pub(super) fn list(
    connection: &Connection,
    filter: RowFilter,
    (above, limit): (i64, i64),
    now: i64,
) -> Result<Vec<OutboxRow>> {
    let filter = match filter {
        RowFilter::Refused => "(attempts > 0 OR parked_at IS NOT NULL)",
        RowFilter::Parked => "parked_at IS NOT NULL",
        RowFilter::Unsent => "1",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM pf_outbox WHERE id > ?1 AND sent_at IS NULL AND {filter} ORDER BY id LIMIT ?2"
    );
    let mut select = connection.prepare(&sql)?;
    let rows = select.query_map([above, limit], |row| read(row, now))?;
    rows.collect()
}

/// Returns a row.
pub(super) fn show(connection: &Connection, id: i64, now: i64) -> Result<Option<OutboxRow>> {
    let sql = format!("SELECT {COLUMNS} FROM pf_outbox WHERE id = ?1");
    let mut select = connection.prepare(&sql)?;
    let mut rows = select.query_map([id], |row| read(row, now))?;
    rows.next().transpose()
}

fn read(row: &Row<'_>, now: i64) -> Result<OutboxRow> {
    let due: Option<i64> = row.get(4)?;
    let (sent, parked): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
    let attempts: i64 = row.get(8)?;
    let state = match (sent, parked) {
        (Some(_), _) => RowState::Sent,
        (None, Some(_)) => RowState::Parked,
        (None, None) if attempts > 0 => RowState::Refused,
        (None, None) if due.is_some_and(|due| due > now) => RowState::Delayed,
        (None, None) => RowState::Pending,
    };
    Ok(OutboxRow {
        id: row.get(0)?,
        state,
        topic: row.get(1)?,
        key: row.get(2)?,
        event: row.get(3)?,
        due: due.map(time),
        created_at: time(row.get(5)?),
        attempts,
        error: row.get(9)?,
    })
}

/// Returns the state of an outbox.
pub(super) fn status(connection: &Connection, now: i64) -> Result<OutboxStatus> {
    let sql = format!(
        "SELECT count(*) FILTER (WHERE {OPEN} AND (due IS NULL OR due <= ?1)), \
         count(*) FILTER (WHERE {OPEN} AND due > ?1), \
         count(*) FILTER (WHERE {OPEN} AND attempts > 0), \
         count(*) FILTER (WHERE sent_at IS NULL AND parked_at IS NOT NULL), \
         count(*) FILTER (WHERE sent_at IS NOT NULL), \
         ?1 - min(coalesce(due, created_at)) FILTER (WHERE {OPEN} AND (due IS NULL OR due <= ?1)) FROM pf_outbox"
    );
    let mut relays =
        connection.prepare("SELECT shard, holder, fence, until > ?1, rate FROM pf_outbox_lease")?;
    let relays = relays.query_map([now], |row| {
        Ok(RelayStatus {
            shard: row.get(0)?,
            shards: 1,
            holder: row.get(1)?,
            fence: row.get(2)?,
            is_live: row.get(3)?,
            rate: row.get(4)?,
        })
    })?;
    let relays = relays.collect::<Result<Vec<_>>>()?;
    connection.query_row(&sql, [now], |row| {
        let age: Option<i64> = row.get(5)?;
        Ok(OutboxStatus {
            pending: row.get(0)?,
            delayed: row.get(1)?,
            refused: row.get(2)?,
            parked: row.get(3)?,
            kept: row.get(4)?,
            oldest: age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or(0))),
            relays,
            vacuum_blocker: None,
        })
    })
}
