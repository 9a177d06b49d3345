//! Marks of handled events, changed in the transaction of the settlement.
//!
//! Marks are found by a hash, so that those of one settlement are all on different pages of the tree `marks`: a commit would
//! write a page for each. What was handled is therefore appended (`batches.rs`) and enters the tree later, many at a time. A
//! run that began and a dead letter are in the tree at once.

pub(crate) mod batches;

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    backends::sqlite::{codec::timestamp, connection::session::Session, error::StoreResult},
    event::{Group, HandlingKey, Position},
    transport::{Beginning, DeadLetterId, Handling, Mark},
};

/// Marks read in one transaction of the clean-up.
const CHUNK: i64 = 4096;

/// Returns the end of a window that begins now.
pub(crate) fn until(window: Duration) -> i64 {
    timestamp::now().saturating_add(timestamp::nanos_of(window))
}

/// Looks up marks.
pub(crate) fn look_up(
    session: &mut Session,
    handlings: &[Handling],
) -> StoreResult<Vec<Option<Mark>>> {
    batches::read(session)?;
    let now = timestamp::now();
    let handlings = handlings.iter();
    handlings
        .map(|handling| find(session, handling.key, now))
        .collect()
}

/// Begins the handlings of a group that their marks admit, and returns what was there.
pub(crate) fn begin(
    session: &mut Session,
    handlings: &[Handling],
    until: i64,
) -> StoreResult<Vec<Option<Mark>>> {
    batches::read(session)?;
    let now = timestamp::now();
    let sql = "INSERT INTO marks(key, until, group_id, begun) \
         VALUES(?1, ?2, (SELECT id FROM groups WHERE name = ?3), ?4) ON CONFLICT(key) \
         DO UPDATE SET until = excluded.until, group_id = excluded.group_id, \
         begun = excluded.begun, letter = NULL";
    let mut found = Vec::with_capacity(handlings.len());
    for handling in handlings {
        let mark = find(session, handling.key, now)?;
        if mark.as_ref().is_none_or(|mark| mark.admits(handling)) {
            let Beginning { group, position } = &handling.beginning;
            let seq: Option<i64> = position.as_str().parse().ok();
            let mut insert = session.connection.prepare_cached(sql)?;
            insert.execute(params![handling.key.as_bytes(), until, group.as_str(), seq])?;
        }
        found.push(mark);
    }
    Ok(found)
}

/// Looks up a mark.
fn find(session: &Session, key: HandlingKey, now: i64) -> StoreResult<Option<Mark>> {
    if session.handled.has(key, now) {
        return Ok(Some(Mark::Done));
    }
    let connection = &session.connection;
    let sql = "SELECT group_id, begun, letter FROM marks WHERE key = ?1 AND until > ?2";
    let mut select = connection.prepare_cached(sql)?;
    let found = select.query_row(params![key.as_bytes(), now], |row| {
        let begun = (row.get(0)?, row.get(1)?);
        let letter: Option<String> = row.get(2)?;
        Ok((begun, letter))
    });
    Ok(match found.optional()? {
        None => None,
        Some(((Some(group), Some(seq)), _)) => Some(begun(connection, group, seq)?),
        Some((_, Some(id))) => Some(Mark::Dead(DeadLetterId::from_stored(id))),
        Some(((_, Some(_)), None)) => Some(Mark::Unknown),
        Some(((_, None), None)) => Some(Mark::Done),
    })
}

/// Returns the mark of a run that began on the message at `seq`, which its group may have settled without a mark since.
fn begun(connection: &Connection, group: i64, seq: i64) -> StoreResult<Mark> {
    let sql = "SELECT name FROM groups g WHERE g.id = ?1 \
         AND (EXISTS(SELECT 1 FROM held WHERE group_id = g.id AND seq = ?2) \
             OR EXISTS(SELECT 1 FROM waiting WHERE group_id = g.id AND seq = ?2))";
    let mut select = connection.prepare_cached(sql)?;
    let name: Option<String> = select
        .query_row([group, seq], |row| row.get(0))
        .optional()?;
    let group: Option<Group> = name.and_then(|name| name.parse().ok());
    Ok(group.map_or(Mark::Unknown, |group| {
        let position = Position::number(seq);
        Mark::Begun(Beginning { group, position })
    }))
}

/// Marks an event as handled, or as given up with this dead letter, in the tree.
pub(crate) fn end(
    connection: &Connection,
    key: HandlingKey,
    letter: Option<&DeadLetterId>,
    until: i64,
) -> StoreResult<()> {
    let sql = "INSERT INTO marks(key, until, letter) VALUES(?1, ?2, ?3) ON CONFLICT(key) \
         DO UPDATE SET until = excluded.until, group_id = NULL, begun = NULL, \
         letter = excluded.letter";
    let letter = letter.map(DeadLetterId::as_str);
    let mut upsert = connection.prepare_cached(sql)?;
    upsert.execute(params![key.as_bytes(), until, letter])?;
    Ok(())
}

/// Forgets that a run of the message at `seq` began in a group.
pub(crate) fn forget(
    connection: &Connection,
    key: HandlingKey,
    group: i64,
    seq: i64,
) -> StoreResult<()> {
    let sql = "DELETE FROM marks WHERE key = ?1 AND group_id = ?2 AND begun = ?3";
    let mut delete = connection.prepare_cached(sql)?;
    delete.execute(params![key.as_bytes(), group, seq])?;
    Ok(())
}

/// Deletes the marks after a key whose window has ended, of some that are read: an index by time would make each mark
/// several times as expensive. Returns the last key that was read if there may be more.
pub(crate) fn clean(connection: &Connection, after: &[u8]) -> StoreResult<Option<Vec<u8>>> {
    let now = timestamp::now();
    batches::clean(connection, now)?;
    let sql = "SELECT max(key), count(*) FROM \
         (SELECT key FROM marks WHERE key > ?1 ORDER BY key LIMIT ?2)";
    let mut select = connection.prepare_cached(sql)?;
    let (last, count): (Option<Vec<u8>>, i64) =
        select.query_row(params![after, CHUNK], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else {
        return Ok(None);
    };
    let sql = "DELETE FROM marks WHERE key > ?1 AND key <= ?2 AND until <= ?3";
    let mut delete = connection.prepare_cached(sql)?;
    delete.execute(params![after, last, now])?;
    Ok((count == CHUNK).then_some(last))
}
