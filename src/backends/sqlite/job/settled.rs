//! Which replays a group has settled: its cursor has passed them, and they are neither in flight nor due for retry.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::{
    backends::sqlite::{connection::reader::Reader, error::StoreResult},
    event::{Group, Position},
    transport::{Replayed, Result, Settled},
};

/// Reports of each replay whether a group has settled it.
pub(crate) async fn settled(
    reader: &Arc<Reader>,
    group: &Group,
    replays: &[Replayed],
) -> Result<Vec<Settled>> {
    let (group, replays) = (group.clone(), replays.to_vec());
    reader
        .read(move |connection| {
            let replays = replays.iter();
            replays
                .map(|replay| one(connection, &group, replay))
                .collect()
        })
        .await
}

fn one(connection: &Connection, group: &Group, replay: &Replayed) -> StoreResult<Settled> {
    let unknown = |reason: &str| Ok(Settled::Unknown(reason.to_owned()));
    let Some(seq) = replay.position.as_ref().and_then(sequence) else {
        return unknown("its message is not in the store");
    };
    let sql = "SELECT EXISTS(SELECT 1 FROM waiting WHERE group_id = g.id AND seq = ?2) \
                  OR EXISTS(SELECT 1 FROM held WHERE group_id = g.id AND seq = ?2), \
               EXISTS(SELECT 1 FROM messages WHERE seq = ?2 AND only_group = g.id), \
               (SELECT c.seq FROM cursors c JOIN topics t ON t.id = c.topic \
                   WHERE c.group_id = g.id AND t.name = ?3) \
         FROM groups g WHERE g.name = ?1";
    let mut select = connection.prepare_cached(sql)?;
    let topic = replay.target.topic.as_str();
    let found = select.query_row(params![group.as_str(), seq, topic], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    let Some((is_open, is_its_own, cursor)) = found.optional()? else {
        return unknown("there is no such group");
    };
    let cursor: Option<i64> = cursor;
    match (is_open, is_its_own, cursor) {
        (false, true, _) => Ok(Settled::Yes),
        (false, false, Some(cursor)) if cursor >= seq => Ok(Settled::Yes),
        (true, ..) | (false, false, Some(_)) => Ok(Settled::No),
        (false, false, None) => unknown("the group does not read this topic"),
    }
}

fn sequence(position: &Position) -> Option<i64> {
    position.as_str().parse().ok()
}
