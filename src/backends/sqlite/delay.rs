//! What was accepted for later: listed, cancelled, and moved into the log once it is due.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    event::{Message, Topic},
    transport::{ErrorKind, FIND_LIMIT, Result, Schedule, ScheduleId, ScheduleScan},
};

use super::{
    codec::headers,
    codec::timestamp as clock,
    connection::log::{self, Appender},
    connection::reader::Reader,
    connection::session::Session,
    connection::write::transaction::Step,
    connection::write::writer::Writer,
    error::{Outcome, refusal},
};

/// How many are moved at a time, ...
const CHUNK: i64 = 1000;
/// ... as long as they stay below so many bytes together.
const CHUNK_BYTES: usize = 4 << 20;

/// Returns a new name.
pub(super) fn new_id() -> ScheduleId {
    ScheduleId(ulid::Ulid::generate().to_string())
}

/// Stores messages for later.
pub(super) fn store(session: &Session, later: &[(ScheduleId, i64, &Message)]) -> Outcome<()> {
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

/// Moves what is due into the log, in order of time. At most a chunk; the rest is still due afterwards.
/// Tells whether anything was.
pub(super) fn fire(session: &mut Session, now: i64) -> Outcome<bool> {
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
    Step::Fire.reach(false);
    Ok(true)
}

/// Returns when the next one is due.
pub(super) fn next_due(connection: &Connection) -> Outcome<Option<i64>> {
    let sql = "SELECT due FROM schedules ORDER BY due LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| row.get(0)).optional()?)
}

fn due_rows(connection: &Connection, now: i64) -> Outcome<Vec<(i64, Message)>> {
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
        let message = log::message(row, 2, topic(row, 1)?)?;
        bytes += message.bytes().len();
        due.push((row.get(0)?, message));
    }
    Ok(due)
}

fn topic(row: &Row<'_>, index: usize) -> Outcome<Topic> {
    let name = row.get_ref(index)?;
    let topic = name.as_str().ok().and_then(|name| name.parse().ok());
    topic.ok_or_else(|| log::damaged("a topic's name"))
}

/// Lists what waits for its time, by time.
pub(super) fn scan(reader: &Arc<Reader>) -> Result<Box<dyn ScheduleScan>> {
    reader.require()?;
    Ok(Box::new(Scan {
        reader: Arc::clone(reader),
        after: (i64::MIN, 0),
    }))
}

/// Finds those whose id begins like this.
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

/// Cancels one; reports whether it was still waiting.
pub(super) async fn cancel(reader: &Reader, writer: &Writer, id: &ScheduleId) -> Result<bool> {
    reader.require()?;
    let id = id.0.clone();
    writer
        .write(Step::Other, move |session| {
            let sql = "DELETE FROM schedules WHERE id = ?1";
            Ok(session.connection.prepare_cached(sql)?.execute([id])? > 0)
        })
        .await
}

/// Moves one to another time; reports whether it was still waiting.
pub(super) async fn reschedule(
    reader: &Reader,
    writer: &Writer,
    id: &ScheduleId,
    due: SystemTime,
) -> Result<bool> {
    reader.require()?;
    let (id, due) = (id.0.clone(), clock::nanos(due));
    if due == i64::MAX {
        return Err(refusal(ErrorKind::Invalid, "that time is too far away"));
    }
    writer
        .write(Step::Other, move |session| {
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
) -> Outcome<(Vec<Schedule>, (i64, i64))> {
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

fn schedule(row: &Row<'_>) -> Outcome<Schedule> {
    Ok(Schedule {
        id: ScheduleId(row.get(1)?),
        due: clock::time(row.get(2)?),
        message: log::message(row, 4, topic(row, 3)?)?,
    })
}
