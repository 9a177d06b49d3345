//! Marks of handled events, changed in the transaction of the settlement.
//!
//! Marks are found by a hash, so that those of one settlement are all on different pages of the tree `marks`: a commit would
//! write a page for each. What was handled is therefore appended (`batches.rs`) and enters the tree later, many at a time. A
//! run that began and a dead letter are in the tree at once.

pub(crate) mod batches;
pub(crate) mod tree;

use std::time::Duration;

use rusqlite::params;

use self::batches::Handled;
use crate::{
    backends::sqlite::{codec::timestamp, connection::session::Session, error::StoreResult},
    event::HandlingKey,
    transport::{Beginning, Handling, Mark},
};

/// Returns the end of a window that begins now.
pub(crate) fn until(window: Duration) -> i64 {
    timestamp::now().saturating_add(timestamp::nanos_of(window))
}

/// Looks up marks.
pub(crate) fn look_up(
    session: &mut Session,
    keys: &[HandlingKey],
) -> StoreResult<Vec<Option<Mark>>> {
    batches::read(&session.connection, &mut session.handled)?;
    let mut finder = Finder::of(session)?;
    keys.iter().map(|key| finder.find(*key)).collect()
}

/// Begins the handlings of a group that their marks admit, and returns what was there.
pub(crate) fn begin(
    session: &mut Session,
    handlings: &[Handling],
    until: i64,
) -> StoreResult<Vec<Option<Mark>>> {
    batches::read(&session.connection, &mut session.handled)?;
    let mut finder = Finder::of(session)?;
    let sql = "INSERT INTO marks(key, until, group_id, begun) \
         VALUES(?1, ?2, (SELECT id FROM groups WHERE name = ?3), ?4) ON CONFLICT(key) \
         DO UPDATE SET until = excluded.until, group_id = excluded.group_id, \
         begun = excluded.begun, letter = NULL";
    let mut found = Vec::with_capacity(handlings.len());
    for handling in handlings {
        let mark = finder.find(handling.key)?;
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

/// Looks up marks of events that were handled lately, and others in the tree.
struct Finder<'a> {
    handled: &'a Handled,
    now: i64,
    tree: tree::Finder<'a>,
}

impl<'a> Finder<'a> {
    fn of(session: &'a Session) -> StoreResult<Self> {
        Ok(Self {
            handled: &session.handled,
            now: timestamp::now(),
            tree: tree::Finder::new(&session.connection)?,
        })
    }

    fn find(&mut self, key: HandlingKey) -> StoreResult<Option<Mark>> {
        if self.handled.has(key, self.now) {
            return Ok(Some(Mark::Done));
        }
        self.tree.find(key)
    }
}
