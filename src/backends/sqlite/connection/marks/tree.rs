//! The tree of marks: runs that began, dead letters, and what was handled a while ago.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use crate::{
    backends::sqlite::{codec::timestamp, error::StoreResult},
    event::{Group, HandlingKey, Position},
    transport::{Beginning, DeadLetterId, Mark},
};

/// Marks read in one transaction of the clean-up.
const CHUNK: i64 = 4096;

/// Looks up one mark after the other, with a statement that is prepared once: finding it in the cache costs as much as the
/// row.
pub(crate) struct Finder<'a> {
    connection: &'a Connection,
    select: CachedStatement<'a>,
    now: i64,
}

impl<'a> Finder<'a> {
    pub(crate) fn new(connection: &'a Connection) -> StoreResult<Self> {
        let sql = "SELECT group_id, begun, letter FROM marks WHERE key = ?1 AND until > ?2";
        Ok(Self {
            connection,
            select: connection.prepare_cached(sql)?,
            now: timestamp::now(),
        })
    }

    pub(crate) fn find(&mut self, key: HandlingKey) -> StoreResult<Option<Mark>> {
        let mut rows = self.select.query(params![key.as_bytes(), self.now])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let begun = (row.get(0)?, row.get(1)?);
        let letter: Option<String> = row.get(2)?;
        Ok(Some(match (begun, letter) {
            ((Some(group), Some(seq)), _) => begun_at(self.connection, group, seq)?,
            (_, Some(id)) => Mark::Dead(DeadLetterId::from_stored(id)),
            ((_, Some(_)), None) => Mark::Unknown,
            ((_, None), None) => Mark::Done,
        }))
    }
}

/// Returns the mark of a run that began on the message at `seq`, which its group may have settled without a mark since.
fn begun_at(connection: &Connection, group: i64, seq: i64) -> StoreResult<Mark> {
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

/// Marks events as handled, in the order of their keys, each until its time.
pub(super) fn insert_handled(
    connection: &Connection,
    marks: &[([u8; 16], i64)],
) -> StoreResult<()> {
    // A mark that was set since then, by a dead letter or a run that began, is the newer one.
    let sql = "INSERT INTO marks(key, until) VALUES(?1, ?2) ON CONFLICT(key) DO UPDATE \
         SET until = excluded.until, group_id = NULL, begun = NULL, letter = NULL \
         WHERE excluded.until > marks.until";
    let mut insert = connection.prepare_cached(sql)?;
    for (key, until) in marks {
        insert.execute(params![key, until])?;
    }
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
