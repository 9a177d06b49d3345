//! Marks of what was handled, appended: one row for each settlement, with the hashes of its events.
//!
//! Each process keeps the hashes of all such rows in memory, and reads those that others have added before it looks up marks.
//! Once there are [`MOST`] of them, they enter the tree in the order of their keys, which writes each page of it once.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::tree;
use crate::{backends::sqlite::error::StoreResult, event::HandlingKey};

/// The most marks outside the tree, about 50 bytes of memory each.
const MOST: usize = 65_536;

const KEY: usize = 16;

/// The marks outside the tree, as far as they were read.
#[derive(Debug, Default)]
pub(crate) struct Handled {
    /// The end of the window of each.
    marks: HashMap<HandlingKey, i64>,
    /// The first and the last row that were read.
    rows: Option<(i64, i64)>,
}

impl Handled {
    /// Reports whether an event was handled within the window.
    pub(super) fn has(&self, key: HandlingKey, now: i64) -> bool {
        self.marks.get(&key).is_some_and(|until| *until > now)
    }

    /// Forgets what was read in a transaction that was rolled back.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Reads what was added since the last time.
pub(super) fn read(connection: &Connection, handled: &mut Handled) -> StoreResult<()> {
    let sql = "SELECT (SELECT min(n) FROM mark_batches), (SELECT max(n) FROM mark_batches)";
    let mut select = connection.prepare_cached(sql)?;
    let ends: (Option<i64>, Option<i64>) =
        select.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (Some(first), Some(last)) = ends else {
        handled.clear();
        return Ok(());
    };
    if handled.rows == Some((first, last)) {
        return Ok(());
    }
    // Rows have left: what they marked is in the tree.
    if handled.rows.is_some_and(|(before, _)| before != first) {
        handled.clear();
    }
    let after = handled.rows.map_or(i64::MIN, |(_, last)| last);
    let sql = "SELECT n, until, keys FROM mark_batches WHERE n > ?1 ORDER BY n";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([after])?;
    let mut read = last;
    while let Some(row) = rows.next()? {
        read = row.get(0)?;
        let until: i64 = row.get(1)?;
        let keys = row.get_ref(2)?.as_blob().unwrap_or_default();
        let (keys, _) = keys.as_chunks::<KEY>();
        let keys = keys.iter().map(|key| HandlingKey::from(*key));
        handled.marks.extend(keys.map(|key| (key, until)));
    }
    handled.rows = Some((first, read));
    Ok(())
}

/// Adds the marks of a settlement.
pub(crate) fn add(
    connection: &Connection,
    handled: &Handled,
    keys: &[HandlingKey],
    until: i64,
) -> StoreResult<()> {
    if keys.is_empty() {
        return Ok(());
    }
    let bytes: Vec<u8> = keys
        .iter()
        .flat_map(HandlingKey::as_bytes)
        .copied()
        .collect();
    let sql = "INSERT INTO mark_batches(until, keys) VALUES(?1, ?2)";
    let mut insert = connection.prepare_cached(sql)?;
    insert.execute(params![until, bytes])?;
    if handled.marks.len() >= MOST {
        merge(connection)?;
    }
    Ok(())
}

/// Puts all into the tree.
fn merge(connection: &Connection) -> StoreResult<()> {
    let mut marks: Vec<([u8; KEY], i64)> = Vec::new();
    let mut select = connection.prepare_cached("SELECT until, keys FROM mark_batches")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let until: i64 = row.get(0)?;
        let keys = row.get_ref(1)?.as_blob().unwrap_or_default();
        let (keys, _) = keys.as_chunks::<KEY>();
        marks.extend(keys.iter().map(|key| (*key, until)));
    }
    marks.sort_unstable();
    tree::insert_handled(connection, &marks)?;
    // The last one stays, so that no number is used twice.
    let sql = "DELETE FROM mark_batches WHERE n < (SELECT max(n) FROM mark_batches)";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

/// Deletes rows whose window has ended.
pub(crate) fn clean(connection: &Connection, now: i64) -> StoreResult<()> {
    let sql = "DELETE FROM mark_batches WHERE until <= ?1 \
         AND n < (SELECT max(n) FROM mark_batches)";
    connection.prepare_cached(sql)?.execute([now])?;
    Ok(())
}
