//! Marks of handled events, as rows: changed in the transaction of the settlement.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    backends::sqlite::{codec::timestamp, error::StoreResult},
    event::{HandlingKey, Position},
    transport::{DeadLetterId, Handling, Mark},
};

/// Marks deleted in one transaction.
const CHUNK: i64 = 1000;

/// Returns the end of a window that begins now.
pub(crate) fn until(window: Duration) -> i64 {
    timestamp::now().saturating_add(timestamp::nanos_of(window))
}

/// Begins the handlings that their marks admit, and returns what was there. The positions are those of rows.
pub(crate) fn begin(
    connection: &Connection,
    handlings: &[Handling],
    until: i64,
) -> StoreResult<Vec<Option<Mark>>> {
    let sql = "INSERT INTO marks(key, until, begun) VALUES(?1, ?2, ?3) ON CONFLICT(key) \
         DO UPDATE SET until = excluded.until, begun = excluded.begun, letter = NULL";
    let mut insert = connection.prepare_cached(sql)?;
    let mut found = Vec::with_capacity(handlings.len());
    for handling in handlings {
        let mark = find(connection, handling.key)?;
        if mark.as_ref().is_none_or(|mark| mark.admits(handling)) {
            let seq: Option<i64> = handling.position.as_str().parse().ok();
            insert.execute(params![handling.key.as_bytes(), until, seq])?;
        }
        found.push(mark);
    }
    Ok(found)
}

/// Looks up marks.
pub(crate) fn look_up(
    connection: &Connection,
    handlings: &[Handling],
) -> StoreResult<Vec<Option<Mark>>> {
    let handlings = handlings.iter();
    handlings
        .map(|handling| find(connection, handling.key))
        .collect()
}

/// Looks up a mark.
fn find(connection: &Connection, key: HandlingKey) -> StoreResult<Option<Mark>> {
    let sql = "SELECT begun, letter FROM marks WHERE key = ?1 AND until > ?2";
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params![key.as_bytes(), timestamp::now()], |row| {
        let begun: Option<i64> = row.get(0)?;
        let letter: Option<String> = row.get(1)?;
        Ok(match (begun, letter) {
            (Some(seq), _) => Mark::Begun(Position::number(seq)),
            (None, Some(id)) => Mark::Dead(DeadLetterId::from_stored(id)),
            (None, None) => Mark::Done,
        })
    });
    Ok(found.optional()?)
}

/// Marks an event as handled, or as given up with this dead letter.
pub(crate) fn end(
    connection: &Connection,
    key: HandlingKey,
    letter: Option<&DeadLetterId>,
    until: i64,
) -> StoreResult<()> {
    let sql = "INSERT INTO marks(key, until, letter) VALUES(?1, ?2, ?3) ON CONFLICT(key) \
         DO UPDATE SET until = excluded.until, begun = NULL, letter = excluded.letter";
    let letter = letter.map(DeadLetterId::as_str);
    let mut upsert = connection.prepare_cached(sql)?;
    upsert.execute(params![key.as_bytes(), until, letter])?;
    Ok(())
}

/// Forgets that a run of the message at `seq` began.
pub(crate) fn forget(connection: &Connection, key: HandlingKey, seq: i64) -> StoreResult<()> {
    let sql = "DELETE FROM marks WHERE key = ?1 AND begun = ?2";
    let mut delete = connection.prepare_cached(sql)?;
    delete.execute(params![key.as_bytes(), seq])?;
    Ok(())
}

/// Deletes marks whose window has ended, a chunk of them; reports whether there may be more.
pub(crate) fn clean(connection: &Connection) -> StoreResult<bool> {
    let sql = "DELETE FROM marks WHERE key IN \
         (SELECT key FROM marks WHERE until <= ?1 ORDER BY until LIMIT ?2)";
    let mut delete = connection.prepare_cached(sql)?;
    let deleted = delete.execute(params![timestamp::now(), CHUNK])?;
    Ok(i64::try_from(deleted).is_ok_and(|deleted| deleted == CHUNK))
}
