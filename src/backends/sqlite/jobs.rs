//! Journalled work on dead letters: one job at a time, each step fenced by the lease's token.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::transport::{
    DeadLetter, ErrorKind, Job, JobAction, JobId, JobLease, LetterId, Resolution, Result,
};

use super::{
    clock,
    config::Config,
    error::{Fault, Outcome},
    letter,
    log::{Appender, damaged},
    member::group_id,
    presence::{self, Life, Presence},
    reader::Reader,
    session::Session,
    work::Step,
    writer::Writer,
};

use crate::lock::Mutex;

/// How long a lease lives without being renewed.
const LEASE: Duration = Duration::from_secs(15);

/// The jobs of a store.
#[derive(Debug)]
pub(super) struct Jobs {
    reader: Arc<Reader>,
    writer: Arc<Writer>,
    /// Shows that we live while we hold a lease, in which of the stores that had the name.
    presence: Arc<Mutex<Option<(Presence, u64)>>>,
}

impl Jobs {
    /// Prepares to read and write.
    pub(super) fn new(reader: Arc<Reader>, writer: Arc<Writer>) -> Self {
        Self {
            reader,
            writer,
            presence: Arc::default(),
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<Job>> {
        let config = self.reader.config().clone();
        self.reader
            .read(move |connection| list(connection, &config))
            .await
    }

    pub(super) async fn plan(&self, action: JobAction, selection: String) -> Result<JobId> {
        self.reader.require()?;
        self.writer
            .write(Step::Other, move |session| {
                let id = ulid::Ulid::generate().to_string();
                let action = serde_json::to_string(&action).map_err(|_| damaged("an action"))?;
                let sql = "INSERT INTO jobs(id, action, selection, created) VALUES(?1, ?2, ?3, ?4)";
                let mut insert = session.connection.prepare_cached(sql)?;
                insert.execute(params![id, action, selection, clock::now()])?;
                Ok(JobId(id))
            })
            .await
    }

    pub(super) async fn enlist(&self, job: JobId, letters: Vec<LetterId>) -> Result<()> {
        self.writer
            .write(Step::Other, move |session| {
                enlist(&session.connection, &job, &letters)
            })
            .await
    }

    pub(super) async fn forget(&self, job: JobId) -> Result<()> {
        self.writer
            .write(Step::Other, move |session| {
                refuse_if_held(session, Some(&job))?;
                remove(&session.connection, &job)
            })
            .await
    }

    pub(super) async fn lease(&self, job: JobId, holder: String) -> Result<JobLease> {
        let slot = Arc::clone(&self.presence);
        self.writer
            .write(Step::Other, move |session| {
                refuse_if_held(session, None)?;
                let presence = Presence::take(&session.config)?;
                let sql = "UPDATE jobs SET token = token + 1, holder = ?2, presence = ?3, \
                     lease_until = ?4 WHERE id = ?1 RETURNING token";
                let until = clock::now().saturating_add(clock::span(LEASE));
                let token: Option<i64> = session
                    .connection
                    .prepare_cached(sql)?
                    .query_row(params![job.0, holder, presence.name(), until], |row| {
                        row.get(0)
                    })
                    .optional()?;
                let Some(token) = token else {
                    presence.leave();
                    return Err(gone(&job));
                };
                *slot.lock() = Some((presence, session.generation));
                Ok(JobLease {
                    job,
                    token: token.unsigned_abs(),
                })
            })
            .await
    }

    pub(super) async fn renew(&self, lease: &JobLease) -> Result<()> {
        let (job, token) = (lease.job.clone(), lease.token);
        let generation = self.generation();
        self.writer
            .write(Step::Other, move |session| {
                session.require(generation)?;
                fence(&session.connection, &job, token)?;
                extend(&session.connection, &job)
            })
            .await
    }

    pub(super) async fn advance(
        &self,
        lease: &JobLease,
        max: usize,
    ) -> Result<Vec<(LetterId, Resolution)>> {
        let (job, token) = (lease.job.clone(), lease.token);
        let generation = self.generation();
        self.writer
            .write(Step::Replay, move |session| {
                session.require(generation)?;
                fence(&session.connection, &job, token)?;
                extend(&session.connection, &job)?;
                advance(session, &job, max)
            })
            .await
    }

    pub(super) async fn release(&self, lease: JobLease, done: bool) -> Result<()> {
        let JobLease { job, token } = lease;
        let generation = self.generation();
        self.writer
            .write(Step::Other, move |session| {
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
        if let Some((presence, _)) = self.presence.lock().take() {
            presence.leave();
        }
        Ok(())
    }

    /// Returns in which of the stores that had the name the lease was taken.
    fn generation(&self) -> u64 {
        let leased = self.presence.lock();
        leased
            .as_ref()
            .map_or_else(|| self.writer.generation(), |(_, generation)| *generation)
    }
}

fn list(connection: &Connection, config: &Config) -> Outcome<Vec<Job>> {
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

fn read(row: &Row<'_>, config: &Config) -> Outcome<Job> {
    let action: String = row.get(1)?;
    let presence: Option<String> = row.get(9)?;
    let leased = !is_dead(config, presence.as_deref()) && row.get::<_, i64>(7)? > clock::now();
    Ok(Job {
        id: JobId(row.get(0)?),
        action: serde_json::from_str(&action).map_err(|_| damaged("a job's action"))?,
        selection: row.get(2)?,
        planned: row.get(3)?,
        resolved: row.get(4)?,
        created: clock::time(row.get(5)?),
        holder: row.get::<_, Option<String>>(6)?.filter(|_| leased),
        started: row.get::<_, i64>(8)? > 0,
    })
}

fn enlist(connection: &Connection, job: &JobId, letters: &[LetterId]) -> Outcome<()> {
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

/// Fails if a living process works on a job: on this one, or on any.
fn refuse_if_held(session: &Session, job: Option<&JobId>) -> Outcome<()> {
    let sql = "SELECT id, holder, presence FROM jobs WHERE lease_until > ?1 AND holder NOT NULL";
    let mut select = session.connection.prepare_cached(sql)?;
    let mut rows = select.query([clock::now()])?;
    while let Some(row) = rows.next()? {
        let id = JobId(row.get(0)?);
        let presence: Option<String> = row.get(2)?;
        if job.is_some_and(|job| *job != id) || is_dead(&session.config, presence.as_deref()) {
            continue;
        }
        let holder: String = row.get(1)?;
        return Err(Fault::refuse(
            ErrorKind::Held,
            format!("{holder} works on the dead letters of this store (job {id})"),
        ));
    }
    Ok(())
}

/// Reports whether the holder's process is gone. Its file stays: the row that names it outlives this look.
fn is_dead(config: &Config, presence: Option<&str>) -> bool {
    presence.is_some_and(|name| presence::look(config, name) == Life::Dead)
}

fn fence(connection: &Connection, job: &JobId, token: u64) -> Outcome<()> {
    let sql = "SELECT token, holder FROM jobs WHERE id = ?1";
    let found: Option<(i64, Option<String>)> = connection
        .prepare_cached(sql)?
        .query_row([&job.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (current, holder) = found.ok_or_else(|| gone(job))?;
    if current.unsigned_abs() == token && holder.is_some() {
        return Ok(());
    }
    let holder = holder.unwrap_or_else(|| "nobody".to_owned());
    Err(Fault::refuse(
        ErrorKind::Held,
        format!("the lease of job {job} was lost; {holder} has it now"),
    ))
}

fn extend(connection: &Connection, job: &JobId) -> Outcome<()> {
    let until = clock::now().saturating_add(clock::span(LEASE));
    connection
        .prepare_cached("UPDATE jobs SET lease_until = ?2 WHERE id = ?1")?
        .execute(params![job.0, until])?;
    Ok(())
}

fn remove(connection: &Connection, job: &JobId) -> Outcome<()> {
    for sql in [
        "DELETE FROM job_items WHERE job = ?1",
        "DELETE FROM jobs WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([&job.0])?;
    }
    Ok(())
}

fn gone(job: &JobId) -> Fault {
    Fault::refuse(ErrorKind::NotFound, format!("there is no job {job}"))
}

fn advance(session: &mut Session, job: &JobId, max: usize) -> Outcome<Vec<(LetterId, Resolution)>> {
    let sql = "SELECT action, resolved FROM jobs WHERE id = ?1";
    let (action, resolved): (String, i64) = session
        .connection
        .prepare_cached(sql)?
        .query_row([&job.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let action: JobAction = serde_json::from_str(&action).map_err(|_| damaged("a job's action"))?;
    let letters = next_letters(&session.connection, job, resolved, max)?;
    let mut outcomes = Vec::with_capacity(letters.len());
    let now = clock::now();
    for id in letters {
        let resolution = match take(&session.connection, &id)? {
            None => Resolution::Gone,
            Some(letter) => {
                if let JobAction::Replay { to } = &action {
                    replay(session, letter, to.as_ref(), now)?;
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
) -> Outcome<Vec<LetterId>> {
    let sql = "SELECT letter FROM job_items WHERE job = ?1 AND n > ?2 ORDER BY n LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let letters = select.query_map(params![job.0, resolved, max], |row| {
        row.get::<_, String>(0).map(LetterId::from_stored)
    })?;
    Ok(letters.collect::<rusqlite::Result<_>>()?)
}

/// Removes a letter and returns it.
fn take(connection: &Connection, id: &LetterId) -> Outcome<Option<DeadLetter>> {
    let sql = format!(
        "SELECT {} FROM dead_letters d WHERE d.id = ?1",
        letter::COLUMNS
    );
    let found = {
        let mut select = connection.prepare_cached(&sql)?;
        let mut rows = select.query([id.as_str()])?;
        let row = rows.next()?;
        row.map(letter::read).transpose()?
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
) -> Outcome<()> {
    let lineage = letter.lineage();
    let mut message = letter.message;
    let group = match to {
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
