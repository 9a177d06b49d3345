//! Ended leases and dead members: their messages are redelivered, counted as a crash where the process died.

use rusqlite::{Connection, OptionalExtension, params};

use crate::backends::sqlite::{
    connection::{
        liveness::{self, Liveness},
        session::Session,
    },
    error::StoreResult,
};

/// Reports whether a member is seen to be alive.
pub(crate) fn is_alive(session: &Session, consumer: i64) -> StoreResult<bool> {
    let sql = "SELECT name FROM consumers WHERE id = ?1";
    let name: Option<String> = session
        .connection
        .prepare_cached(sql)?
        .query_row([consumer], |row| row.get(0))
        .optional()?;
    Ok(name.is_some_and(|name| liveness::check(&session.config, &name) == Liveness::Alive))
}

/// Removes all dead members of all groups.
pub(crate) fn release_all_dead(session: &Session) -> StoreResult<()> {
    let known = {
        let sql = "SELECT group_id, id, name FROM consumers";
        let mut select = session.connection.prepare_cached(sql)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<rusqlite::Result<Vec<(i64, i64, String)>>>()?
    };
    for (group, consumer, name) in known {
        if liveness::check(&session.config, &name) == Liveness::Dead {
            release_dead(session, group, consumer, &name)?;
        }
    }
    Ok(())
}

/// Removes a dead member; its messages are redelivered, counted as a crash.
pub(crate) fn release_dead(
    session: &Session,
    group: i64,
    consumer: i64,
    name: &str,
) -> StoreResult<()> {
    tracing::warn!(
        group,
        consumer,
        name,
        "a consumer died; its messages are redelivered"
    );
    give_back(&session.connection, group, Held::By(consumer), true)?;
    remove(&session.connection, consumer)?;
    liveness::clear(&session.config, name);
    Ok(())
}

/// Removes a member that leaves; its messages are redelivered, not counted.
pub(crate) fn leave(session: &Session, group_id: i64, consumer: i64) -> StoreResult<()> {
    tracing::debug!(group = group_id, consumer, "left");
    give_back(&session.connection, group_id, Held::By(consumer), false)?;
    remove(&session.connection, consumer)
}

fn remove(connection: &Connection, consumer: i64) -> StoreResult<()> {
    let sql = "DELETE FROM consumers WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([consumer])?;
    Ok(())
}

/// Rows of `held`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Held {
    By(i64),
    At(i64),
}

/// Moves rows of `held` to `waiting`, counted as a crash or not.
pub(crate) fn give_back(
    connection: &Connection,
    group: i64,
    held: Held,
    crashed: bool,
) -> StoreResult<()> {
    let (column, value) = match held {
        Held::By(consumer) => ("consumer", consumer),
        Held::At(seq) => ("seq", seq),
    };
    let sql = format!(
        "INSERT INTO waiting(group_id, seq, due, key_hash, failed, crashed, first_failed) \
         SELECT group_id, seq, 0, key_hash, failed, crashed + ?3, first_failed FROM held \
         WHERE group_id = ?1 AND {column} = ?2"
    );
    connection
        .prepare_cached(&sql)?
        .execute(params![group, value, crashed])?;
    let sql = format!("DELETE FROM held WHERE group_id = ?1 AND {column} = ?2");
    connection.prepare_cached(&sql)?.execute([group, value])?;
    Ok(())
}
