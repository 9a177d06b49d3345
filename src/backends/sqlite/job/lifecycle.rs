//! Replay and purge jobs, one at a time. A step resolves dead letters, stores their messages and notes the progress
//! in one transaction, which the lease's token fences: exactly once, whatever crashes.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    backends::sqlite::{
        codec::timestamp,
        connection::{
            config::Config,
            liveness::{self, Liveness, LivenessLock},
            log::Appender,
            reader::Reader,
            session::Session,
            write::{transaction::OpKind, writer::Writer},
        },
        consume::membership::group_id,
        dead_letter,
        error::{SCHEME, StoreError, StoreResult, damaged},
    },
    lock::Mutex,
    transport::{
        DeadLetter, DeadLetterId, JOB_LEASE, Job, JobAction, JobId, JobLease, PAGE_BYTES,
        Resolution, Result,
    },
};

/// The liveness lock of a job's lease, and the number of the file in which it was taken.
#[derive(Debug, Default)]
pub(crate) struct LeaseLock(Arc<Mutex<Option<(LivenessLock, u64)>>>);

impl LeaseLock {
    /// Returns the number of the file in which the lease was taken.
    pub(super) fn generation(&self, writer: &Writer) -> u64 {
        let leased = self.0.lock();
        leased
            .as_ref()
            .map_or_else(|| writer.generation(), |(_, generation)| *generation)
    }
}

/// Lists the jobs.
pub(crate) async fn list(reader: &Arc<Reader>) -> Result<Vec<Job>> {
    let config = reader.config().clone();
    reader
        .read(move |connection| read_all(connection, &config))
        .await
}

/// Plans a job without dead letters.
pub(crate) async fn plan(
    reader: &Reader,
    writer: &Writer,
    action: JobAction,
    selection: String,
) -> Result<JobId> {
    reader.require()?;
    writer
        .write(OpKind::Other, move |session| {
            let id = ulid::Ulid::generate().to_string();
            let action = serde_json::to_string(&action).map_err(|_| damaged("an action"))?;
            let sql = "INSERT INTO jobs(id, action, selection, created) VALUES(?1, ?2, ?3, ?4)";
            let mut insert = session.connection.prepare_cached(sql)?;
            insert.execute(params![id, action, selection, timestamp::now()])?;
            Ok(JobId(id))
        })
        .await
}

/// Adds dead letters to a job.
pub(crate) async fn enlist(writer: &Writer, job: &JobId, letters: &[DeadLetter]) -> Result<()> {
    let job = job.clone();
    let letters: Vec<_> = letters.iter().map(|letter| letter.id.clone()).collect();
    writer
        .write(OpKind::Other, move |session| {
            add_letters(&session.connection, &job, &letters)
        })
        .await
}

/// Forgets a job that no process works on.
pub(crate) async fn forget(writer: &Writer, job: &JobId) -> Result<()> {
    let job = job.clone();
    writer
        .write(OpKind::Other, move |session| {
            refuse_if_held(session, Some(&job))?;
            remove(&session.connection, &job)
        })
        .await
}

/// Takes the lease, unless a process works on any job of this store.
pub(crate) async fn lease(
    writer: &Writer,
    lock: &LeaseLock,
    job: &JobId,
    holder: &str,
) -> Result<JobLease> {
    let slot = Arc::clone(&lock.0);
    let (job, holder) = (job.clone(), holder.to_owned());
    writer
        .write(OpKind::Other, move |session| {
            let (lease, liveness_lock) = take_lease(session, job, &holder)?;
            *slot.lock() = Some((liveness_lock, session.generation));
            Ok(lease)
        })
        .await
}

fn take_lease(
    session: &Session,
    job: JobId,
    holder: &str,
) -> StoreResult<(JobLease, LivenessLock)> {
    refuse_if_held(session, None)?;
    let liveness_lock = LivenessLock::acquire(&session.config)?;
    let sql = "UPDATE jobs SET token = token + 1, holder = ?2, presence = ?3, lease_until = ?4 \
         WHERE id = ?1 RETURNING token";
    let until = timestamp::now().saturating_add(timestamp::nanos_of(JOB_LEASE));
    let values = params![job.0, holder, liveness_lock.name(), until];
    let token: Option<i64> = session
        .connection
        .prepare_cached(sql)?
        .query_row(values, |row| row.get(0))
        .optional()?;
    let Some(token) = token else {
        liveness_lock.release();
        return Err(gone(&job));
    };
    let token = token.unsigned_abs();
    Ok((JobLease { job, token }, liveness_lock))
}

/// Renews the lease.
pub(crate) async fn renew(writer: &Writer, lock: &LeaseLock, lease: &JobLease) -> Result<()> {
    let (job, token) = (lease.job.clone(), lease.token);
    let generation = lock.generation(writer);
    writer
        .write(OpKind::Other, move |session| {
            session.require(generation)?;
            fence(&session.connection, &job, token)?;
            extend(&session.connection, &job)
        })
        .await
}

/// Resolves the next dead letters of a job.
pub(crate) async fn advance(
    writer: &Writer,
    lock: &LeaseLock,
    lease: &JobLease,
    max: usize,
) -> Result<Vec<(DeadLetterId, Resolution)>> {
    let (job, token) = (lease.job.clone(), lease.token);
    let generation = lock.generation(writer);
    writer
        .write(OpKind::Replay, move |session| {
            session.require(generation)?;
            fence(&session.connection, &job, token)?;
            extend(&session.connection, &job)?;
            resolve_next(session, &job, max)
        })
        .await
}

/// Ends the job if it is done; else, only the lease.
pub(crate) async fn release(
    writer: &Writer,
    lock: &LeaseLock,
    lease: JobLease,
    done: bool,
) -> Result<()> {
    let JobLease { job, token } = lease;
    let generation = lock.generation(writer);
    writer
        .write(OpKind::Other, move |session| {
            session.require(generation)?;
            fence(&session.connection, &job, token)?;
            if done {
                return remove(&session.connection, &job);
            }
            let sql = "UPDATE jobs SET holder = NULL, presence = NULL, lease_until = 0 \
                 WHERE id = ?1";
            session.connection.prepare_cached(sql)?.execute([job.0])?;
            Ok(())
        })
        .await?;
    if let Some((liveness_lock, _)) = lock.0.lock().take() {
        liveness_lock.release();
    }
    Ok(())
}

fn read_all(connection: &Connection, config: &Config) -> StoreResult<Vec<Job>> {
    let sql = "SELECT id, action, selection, planned, resolved, created, holder, lease_until, token, \
         presence FROM jobs ORDER BY created";
    let mut select = connection.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut jobs = Vec::new();
    while let Some(row) = rows.next()? {
        jobs.push(read(row, config)?);
    }
    Ok(jobs)
}

fn read(row: &Row<'_>, config: &Config) -> StoreResult<Job> {
    let action: String = row.get(1)?;
    let liveness_lock: Option<String> = row.get(9)?;
    let leased =
        !is_dead(config, liveness_lock.as_deref()) && row.get::<_, i64>(7)? > timestamp::now();
    Ok(Job {
        id: JobId(row.get(0)?),
        action: parse_action(&action)?,
        selection: row.get(2)?,
        planned: row.get(3)?,
        resolved: row.get(4)?,
        created: timestamp::time(row.get(5)?),
        holder: row.get::<_, Option<String>>(6)?.filter(|_| leased),
        started: row.get::<_, i64>(8)? > 0,
    })
}

pub(super) fn parse_action(text: &str) -> StoreResult<JobAction> {
    serde_json::from_str(text).map_err(|_| damaged("a job's action"))
}

fn add_letters(connection: &Connection, job: &JobId, letters: &[DeadLetterId]) -> StoreResult<()> {
    let sql = "UPDATE jobs SET planned = planned + ?2 WHERE id = ?1 RETURNING planned";
    let planned: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(params![job.0, letters.len()], |row| row.get(0))
        .optional()?;
    let mut n = planned.ok_or_else(|| gone(job))?;
    let sql = "INSERT INTO job_items(job, n, letter) VALUES(?1, ?2, ?3)";
    let mut insert = connection.prepare_cached(sql)?;
    for letter in letters.iter().rev() {
        insert.execute(params![job.0, n, letter.as_str()])?;
        n -= 1;
    }
    Ok(())
}

/// Fails if a live process works on this job, or on any.
fn refuse_if_held(session: &Session, job: Option<&JobId>) -> StoreResult<()> {
    let sql = "SELECT id, holder, presence FROM jobs WHERE lease_until > ?1 AND holder NOT NULL";
    let mut select = session.connection.prepare_cached(sql)?;
    let mut rows = select.query([timestamp::now()])?;
    while let Some(row) = rows.next()? {
        let id = JobId(row.get(0)?);
        let liveness_lock: Option<String> = row.get(2)?;
        if job.is_some_and(|job| *job != id) || is_dead(&session.config, liveness_lock.as_deref()) {
            continue;
        }
        let holder: String = row.get(1)?;
        return Err(JobLease::held_by(SCHEME, Some(&holder)).into());
    }
    Ok(())
}

/// Reports whether the holder's process is dead. Its file stays, because the row that names it does.
fn is_dead(config: &Config, liveness_lock: Option<&str>) -> bool {
    liveness_lock.is_some_and(|name| liveness::check(config, name) == Liveness::Dead)
}

pub(super) fn fence(connection: &Connection, job: &JobId, token: u64) -> StoreResult<()> {
    let sql = "SELECT token, holder FROM jobs WHERE id = ?1";
    let found: Option<(i64, Option<String>)> = connection
        .prepare_cached(sql)?
        .query_row([&job.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (current, holder) = found.ok_or_else(|| gone(job))?;
    if current.unsigned_abs() == token && holder.is_some() {
        return Ok(());
    }
    Err(JobLease::lost(SCHEME, job).into())
}

pub(super) fn extend(connection: &Connection, job: &JobId) -> StoreResult<()> {
    let until = timestamp::now().saturating_add(timestamp::nanos_of(JOB_LEASE));
    connection
        .prepare_cached("UPDATE jobs SET lease_until = ?2 WHERE id = ?1")?
        .execute(params![job.0, until])?;
    Ok(())
}

fn remove(connection: &Connection, job: &JobId) -> StoreResult<()> {
    for sql in [
        "DELETE FROM job_items WHERE job = ?1",
        "DELETE FROM jobs WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([&job.0])?;
    }
    Ok(())
}

pub(super) fn gone(job: &JobId) -> StoreError {
    job.unknown(SCHEME).into()
}

fn resolve_next(
    session: &mut Session,
    job: &JobId,
    max: usize,
) -> StoreResult<Vec<(DeadLetterId, Resolution)>> {
    let sql = "SELECT action, resolved FROM jobs WHERE id = ?1";
    let (action, resolved): (String, i64) = session
        .connection
        .prepare_cached(sql)?
        .query_row([&job.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let action = parse_action(&action)?;
    action.check_edit(SCHEME, false)?;
    let letters = next_letters(&session.connection, job, resolved, max)?;
    let mut outcomes = Vec::with_capacity(letters.len());
    let (now, mut bytes) = (timestamp::now(), 0);
    for id in letters {
        // A step ends early where its messages are large: they are all in the log until it is committed.
        if bytes >= PAGE_BYTES {
            break;
        }
        let resolution = match take(&session.connection, &id)? {
            None => Resolution::Gone,
            Some(letter) => {
                bytes += letter.message.size();
                if action.is_replay() {
                    replay(session, letter, action.to(), now)?;
                }
                Resolution::Done
            }
        };
        outcomes.push((id, resolution));
    }
    session
        .connection
        .prepare_cached("UPDATE jobs SET resolved = resolved + ?2 WHERE id = ?1")?
        .execute(params![job.0, outcomes.len()])?;
    Ok(outcomes)
}

fn next_letters(
    connection: &Connection,
    job: &JobId,
    resolved: i64,
    max: usize,
) -> StoreResult<Vec<DeadLetterId>> {
    let sql = "SELECT letter FROM job_items WHERE job = ?1 AND n > ?2 ORDER BY n LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let letters = select.query_map(params![job.0, resolved, max], |row| {
        row.get::<_, String>(0).map(DeadLetterId::from_stored)
    })?;
    Ok(letters.collect::<rusqlite::Result<_>>()?)
}

/// Removes a dead letter and returns it.
fn take(connection: &Connection, id: &DeadLetterId) -> StoreResult<Option<DeadLetter>> {
    let sql = format!(
        "SELECT {} FROM dead_letters d WHERE d.id = ?1",
        dead_letter::row::COLUMNS
    );
    let found = {
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query([id.as_str()])?;
        let row = rows.next()?;
        row.map(dead_letter::row::read).transpose()?
    };
    if found.is_some() {
        connection
            .prepare_cached("DELETE FROM dead_letters WHERE id = ?1")?
            .execute([id.as_str()])?;
    }
    Ok(found)
}

fn replay(
    session: &mut Session,
    letter: DeadLetter,
    to: Option<&crate::event::Topic>,
    now: i64,
) -> StoreResult<()> {
    let lineage = letter.lineage();
    let mut message = letter.message;
    let group = match to {
        // The group of another program does not read this store: every group of the topic gets it.
        None if letter.is_foreign => None,
        None => Some(group_id(&session.connection, &letter.record.group, now)?),
        Some(topic) => {
            message.topic = topic.clone();
            None
        }
    };
    let mut log = Appender::new(session, now)?;
    log.push_replay(&message, &lineage, group)?;
    log.finish()
}
