//! Delayed messages: stored as schedules, listed, cancelled, moved, and fired into the log when they are due. Any
//! writer fires what is due before it publishes or claims, so that no process of its own is needed for it.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    codec::{headers, row, timestamp},
    connection::{
        log::Appender,
        reader::Reader,
        session::Session,
        write::{transaction::OpKind, writer::Writer},
    },
    error::{StoreResult, damaged, store_error},
};
use crate::{
    event::{Message, Topic},
    transport::{ErrorKind, FIND_LIMIT, Result, Schedule, ScheduleId, ScheduleScan},
};

/// The most schedules fired in one transaction, ...
const CHUNK: i64 = 1000;
/// ... unless they exceed this many bytes.
const CHUNK_BYTES: usize = 4 << 20;

/// Returns a new id.
pub(super) fn new_id() -> ScheduleId {
    ScheduleId(ulid::Ulid::generate().to_string())
}

/// Stores schedules.
pub(super) fn store(session: &Session, later: &[(ScheduleId, i64, &Message)]) -> StoreResult<()> {
    if later.is_empty() {
        return Ok(());
    }
    let mut insert = session.connection.prepare_cached(
        "INSERT INTO schedules(id, due, topic, key, headers, payload) \
         VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (id, due, message) in later {
        insert.execute(params![
            id.0,
            due,
            message.topic.as_str(),
            message.key.as_deref(),
            headers::pack(&message.headers),
            message.payload.as_deref(),
        ])?;
    }
    Ok(())
}

/// Fires due schedules in order of time, at most a chunk; reports whether there were any. The rest is still due
/// afterwards.
pub(super) fn fire(session: &mut Session, now: i64) -> StoreResult<bool> {
    let due = due_rows(&session.connection, now)?;
    if due.is_empty() {
        return Ok(false);
    }
    tracing::debug!(count = due.len(), "delayed events are due");
    let mut log = Appender::new(session, now)?;
    for (_, message) in &due {
        log.push(message)?;
    }
    log.finish()?;
    let mut delete = session
        .connection
        .prepare_cached("DELETE FROM schedules WHERE n = ?1")?;
    for (n, _) in &due {
        delete.execute([n])?;
    }
    drop(delete);
    session.fired = true;
    OpKind::Fire.reach(false);
    Ok(true)
}

/// Returns the due time of the next schedule.
pub(super) fn next_due(connection: &Connection) -> StoreResult<Option<i64>> {
    let sql = "SELECT due FROM schedules ORDER BY due LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

fn due_rows(connection: &Connection, now: i64) -> StoreResult<Vec<(i64, Message)>> {
    let mut select = connection.prepare_cached(
        "SELECT n, topic, key, headers, payload FROM schedules \
         WHERE due <= ?1 ORDER BY due, n LIMIT ?2",
    )?;
    let mut rows = select.query([now, CHUNK])?;
    let mut due = Vec::new();
    let mut bytes = 0;
    while bytes < CHUNK_BYTES
        && let Some(row) = rows.next()?
    {
        let message = row::message(row, 2, topic(row, 1)?)?;
        bytes += message.bytes().len();
        due.push((row.get(0)?, message));
    }
    Ok(due)
}

fn topic(row: &Row<'_>, index: usize) -> StoreResult<Topic> {
    let name = row.get_ref(index)?;
    let topic = name.as_str().ok().and_then(|name| name.parse().ok());
    topic.ok_or_else(|| damaged("a topic's name"))
}

/// Lists the schedules in order of time.
pub(super) fn scan(reader: &Arc<Reader>) -> Result<Box<dyn ScheduleScan>> {
    reader.require()?;
    Ok(Box::new(Scan {
        reader: Arc::clone(reader),
        after: (i64::MIN, 0),
    }))
}

/// Returns the schedules whose ids begin with a prefix.
pub(super) async fn find(reader: &Arc<Reader>, prefix: &str) -> Result<Vec<Schedule>> {
    let prefix = prefix.to_ascii_uppercase();
    reader
        .read(move |connection| {
            let sql = "SELECT n, id, due, topic, key, headers, payload FROM schedules \
                 WHERE id >= ?1 AND id < ?1 || '~' ORDER BY due, id LIMIT ?2";
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query(params![prefix, FIND_LIMIT])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(schedule(row)?);
            }
            Ok(found)
        })
        .await
}

/// Cancels a schedule; reports whether it was still pending.
pub(super) async fn cancel(reader: &Reader, writer: &Writer, id: &ScheduleId) -> Result<bool> {
    reader.require()?;
    let id = id.0.clone();
    writer
        .write(OpKind::Other, move |session| {
            let sql = "DELETE FROM schedules WHERE id = ?1";
            Ok(session.connection.prepare_cached(sql)?.execute([id])? > 0)
        })
        .await
}

/// Moves a schedule to another time; reports whether it was still pending.
pub(super) async fn reschedule(
    reader: &Reader,
    writer: &Writer,
    id: &ScheduleId,
    due: SystemTime,
) -> Result<bool> {
    reader.require()?;
    let (id, due) = (id.0.clone(), timestamp::nanos(due));
    if due == i64::MAX {
        return Err(store_error(ErrorKind::Invalid, "that time is too far away"));
    }
    writer
        .write(OpKind::Other, move |session| {
            let sql = "UPDATE schedules SET due = ?2 WHERE id = ?1";
            let mut update = session.connection.prepare_cached(sql)?;
            Ok(update.execute(params![id, due])? > 0)
        })
        .await
}

struct Scan {
    reader: Arc<Reader>,
    after: (i64, i64),
}

#[async_trait]
impl ScheduleScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        let after = self.after;
        let (found, last) = self
            .reader
            .read(move |connection| page(connection, after, max))
            .await?;
        self.after = last;
        Ok(found)
    }
}

fn page(
    connection: &Connection,
    after: (i64, i64),
    max: usize,
) -> StoreResult<(Vec<Schedule>, (i64, i64))> {
    let sql = "SELECT n, id, due, topic, key, headers, payload FROM schedules \
         WHERE (due, n) > (?1, ?2) ORDER BY due, n LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query(params![after.0, after.1, max])?;
    let mut found = Vec::new();
    let mut last = after;
    while let Some(row) = rows.next()? {
        last = (row.get(2)?, row.get(0)?);
        found.push(schedule(row)?);
    }
    Ok((found, last))
}

fn schedule(row: &Row<'_>) -> StoreResult<Schedule> {
    Ok(Schedule {
        id: ScheduleId(row.get(1)?),
        due: timestamp::time(row.get(2)?),
        message: row::message(row, 4, topic(row, 3)?)?,
    })
}
