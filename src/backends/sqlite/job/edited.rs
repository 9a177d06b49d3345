//! Steps of a job that edits: the messages that dead letters become, the note that archives the originals and the progress, in
//! one transaction.
//!
//! Dead letters are read and edited beside the writer, the next ones while it stores those before.

use std::{collections::HashMap, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::{sync::Mutex, task::JoinHandle};

use super::lifecycle::{self, LeaseLock, extend, fence, gone, parse_action};
use crate::{
    backends::sqlite::{
        codec::timestamp,
        connection::{
            log::Appender,
            reader::Reader,
            session::Session,
            write::{transaction::OpKind, writer::Writer},
        },
        consume::membership::group_id,
        dead_letter::{notes, row},
        error::{SCHEME, StoreResult, closed},
    },
    event::{Group, Message},
    transport::{
        DeadLetter, DeadLetterId, JobAction, JobId, JobLease, Lineage, Note, PAGE_BYTES,
        ReplayEdit, Resolution, Result,
    },
};

/// What a process that holds the lease keeps from step to step.
#[derive(Debug, Default)]
pub(crate) struct JobHolder {
    pub(crate) lock: LeaseLock,
    ahead: Mutex<Option<Ahead>>,
}

/// The dead letters of the next step, under the token of the lease.
type Ahead = (u64, JoinHandle<Result<Prepared>>);

/// Dead letters of a step, edited.
#[derive(Debug)]
struct Prepared {
    /// How many of the job are before them.
    from: i64,
    letters: Vec<(DeadLetterId, Edited)>,
}

/// What a dead letter becomes.
#[derive(Debug)]
enum Edited {
    Gone,
    Refused(String),
    Event(Box<Event>),
}

/// The message that replays a dead letter, for one group alone, if one is given.
#[derive(Debug)]
struct Event {
    message: Message,
    lineage: Lineage,
    group: Option<Group>,
}

/// What is done with which dead letters.
#[derive(Debug, Clone)]
struct Step {
    job: JobId,
    max: usize,
    edit: Arc<dyn ReplayEdit>,
}

/// Resolves the next dead letters of a job, edited if there is an edit.
pub(crate) async fn advance(
    reader: &Arc<Reader>,
    writer: &Writer,
    holder: &JobHolder,
    lease: &JobLease,
    (max, edit): (usize, Option<&Arc<dyn ReplayEdit>>),
) -> Result<Vec<(DeadLetterId, Resolution)>> {
    let Some(edit) = edit else {
        return lifecycle::advance(writer, &holder.lock, lease, max).await;
    };
    let mut ahead = holder.ahead.lock().await;
    let step = Step {
        job: lease.job.clone(),
        max,
        edit: Arc::clone(edit),
    };
    let mut known = ahead.take().filter(|(token, _)| *token == lease.token);
    loop {
        let prepared = match known.take() {
            Some((_, task)) => task.await.unwrap_or_else(|_| Err(closed()))?,
            None => prepare(Arc::clone(reader), None, step.clone()).await?,
        };
        let next = prepared.from + i64::try_from(prepared.letters.len()).unwrap_or(i64::MAX);
        if !prepared.letters.is_empty() {
            let preparing = prepare(Arc::clone(reader), Some(next), step.clone());
            *ahead = Some((lease.token, tokio::spawn(preparing)));
        }
        let (job, token, edit) = (lease.job.clone(), lease.token, Arc::clone(&step.edit));
        let generation = holder.lock.generation(writer);
        let stored = writer
            .write(OpKind::Replay, move |session| {
                session.require(generation)?;
                fence(&session.connection, &job, token)?;
                extend(&session.connection, &job)?;
                store(session, &job, prepared, &*edit)
            })
            .await?;
        match stored {
            Some(outcomes) => return Ok(outcomes),
            // A step whose caller went away was stored all the same.
            None => *ahead = None,
        }
    }
}

/// Reads and edits the next dead letters of a job, those behind the first `from`, or behind those that are resolved.
async fn prepare(reader: Arc<Reader>, from: Option<i64>, step: Step) -> Result<Prepared> {
    let (job, max) = (step.job.clone(), step.max);
    let read = move |connection: &_| read(connection, &job, from, max);
    let (action, from, found) = reader.read(read).await?;
    action.check_edit(SCHEME, true)?;
    let editing = tokio::task::spawn_blocking(move || {
        let letters = found.into_iter();
        let letters = letters.map(|(id, letter)| (id, edited(letter, &action, &*step.edit)));
        letters.collect()
    });
    let letters = editing.await.map_err(|_| closed())?;
    Ok(Prepared { from, letters })
}

type Read = (JobAction, i64, Vec<(DeadLetterId, Option<DeadLetter>)>);

fn read(connection: &Connection, job: &JobId, from: Option<i64>, max: usize) -> StoreResult<Read> {
    let sql = "SELECT action, resolved FROM jobs WHERE id = ?1";
    let known: Option<(String, i64)> = connection
        .prepare_cached(sql)?
        .query_row([&job.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (action, resolved) = known.ok_or_else(|| gone(job))?;
    let from = from.unwrap_or(resolved);
    let sql = format!(
        "SELECT {}, i.letter FROM job_items i LEFT JOIN dead_letters d ON d.id = i.letter \
         WHERE i.job = ?1 AND i.n > ?2 ORDER BY i.n LIMIT ?3",
        row::COLUMNS
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut rows = select.query(params![job.0, from, max])?;
    let (mut letters, mut bytes) = (Vec::with_capacity(max), 0);
    while bytes < PAGE_BYTES
        && let Some(found) = rows.next()?
    {
        let letter = match found.get::<_, Option<i64>>(0)? {
            Some(_) => Some(row::read(found)?),
            None => None,
        };
        bytes += letter.as_ref().map_or(0, |letter| letter.message.size());
        let id = row::id(found, found.as_ref().column_count() - 1)?;
        letters.push((id, letter));
    }
    Ok((parse_action(&action)?, from, letters))
}

fn edited(letter: Option<DeadLetter>, action: &JobAction, edit: &dyn ReplayEdit) -> Edited {
    let Some(letter) = letter else {
        return Edited::Gone;
    };
    let mut message = match edit.edit(&letter) {
        Ok(message) => message,
        Err(reason) => return Edited::Refused(reason),
    };
    let lineage = letter.lineage();
    let group = match action.to() {
        Some(topic) => {
            message.topic = topic.clone();
            None
        }
        // The group of another program does not read this store: every group of the topic gets it.
        None => (!letter.is_foreign).then_some(letter.record.group),
    };
    Edited::Event(Box::new(Event {
        message,
        lineage,
        group,
    }))
}

/// Stores the messages, the note and the progress; none if other dead letters are the next ones.
fn store(
    session: &mut Session,
    job: &JobId,
    prepared: Prepared,
    edit: &dyn ReplayEdit,
) -> StoreResult<Option<Vec<(DeadLetterId, Resolution)>>> {
    let sql = "UPDATE jobs SET resolved = resolved + ?2 WHERE id = ?1 AND resolved = ?3";
    let count = prepared.letters.len();
    let noted =
        session
            .connection
            .prepare_cached(sql)?
            .execute(params![job.0, count, prepared.from])?;
    if noted == 0 {
        return Ok(None);
    }
    let now = timestamp::now();
    let (mut outcomes, mut done) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let mut known = KnownGroups::default();
    let mut log = Appender::new(session, now)?;
    for (id, edited) in prepared.letters {
        let resolution = match edited {
            Edited::Refused(reason) => Resolution::Failed { reason },
            Edited::Event(event) if exists(&log.session().connection, &id)? => {
                let Event {
                    message,
                    lineage,
                    group,
                } = *event;
                let group = group.map(|group| known.id(&log, group, now)).transpose()?;
                log.push_replay(&message, &lineage, group)?;
                done.push(id.clone());
                Resolution::Done
            }
            Edited::Gone | Edited::Event(_) => Resolution::Gone,
        };
        outcomes.push((id, resolution));
    }
    log.finish()?;
    if !done.is_empty() {
        let Note { name, value } = edit.archive_note(&done);
        notes::store(&session.connection, name.as_str(), &value)?;
    }
    Ok(Some(outcomes))
}

/// The groups of a step, each looked up once.
#[derive(Debug, Default)]
struct KnownGroups(HashMap<Group, i64>);

impl KnownGroups {
    fn id(&mut self, log: &Appender<'_>, group: Group, now: i64) -> StoreResult<i64> {
        if let Some(known) = self.0.get(&group) {
            return Ok(*known);
        }
        let id = group_id(&log.session().connection, &group, now)?;
        self.0.insert(group, id);
        Ok(id)
    }
}

/// Reports whether a dead letter is still there: a purge may have been faster than the step that read it.
fn exists(connection: &Connection, id: &DeadLetterId) -> StoreResult<bool> {
    let mut select = connection.prepare_cached("SELECT 1 FROM dead_letters WHERE id = ?1")?;
    Ok(select.exists([id.as_str()])?)
}
