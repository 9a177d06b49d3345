//! One step of a job: messages, the receipt and the progress in one transaction.
//!
//! A broker refuses a transaction, not a record. So a batch that is refused is halved until the refused letter is alone; it
//! is reported as failed, and the others are committed.

use std::{sync::Arc, thread, time::SystemTime};

use bytes::Bytes;
use tokio::sync::OwnedMutexGuard;

use super::{
    letters::{Disposition, JobItem},
    replays,
    worker::{InDoubt, JobWorkers, Worker, WorkerSlot},
};
use crate::{
    backends::kafka::{
        codec::record::{self, LINEAGE, OutgoingRecord},
        connection::{
            handle::{self, Connection},
            producer::RecordMetadata,
            transaction::Failed,
        },
        consume::retry_topics::support_topics,
        dead_letter::{
            decode::DecodedLetter,
            notes, resolved,
            state_records::Receipt,
            state_topic::{self, TriageState},
        },
        delay::delayed_record::{self, DelayedRecord},
        error::error,
    },
    event::Topic,
    failpoint,
    transport::{
        DeadLetterId, ErrorKind, JobAction, JobLease, Note, ReplayEdit, Resolution, Result,
        TransportError,
    },
};

/// The most letters in one transaction.
const BATCH: usize = 1000;
/// How often in a row the same letters are sent again without a pause.
const DROPPED: usize = 3;

type Outcomes = Vec<(DeadLetterId, Resolution)>;
/// The outcomes of letters, and the error that ended the step early.
type Settled = (Outcomes, Option<(TransportError, Option<InDoubt>)>);

/// Why a step ended early.
enum StepError {
    /// The broker refused a record; nothing was stored.
    Refused(String),
    /// The client dropped the records; nothing was stored.
    Dropped(TransportError),
    Failed(TransportError),
}

/// Processes the next letters of a job.
pub(crate) async fn advance(
    connection: &Arc<Connection>,
    workers: &JobWorkers,
    lease: &JobLease,
    (max, edit): (usize, Option<&Arc<dyn ReplayEdit>>),
) -> Result<Outcomes> {
    let mut slot = workers.slot().await;
    let mut is_last = false;
    loop {
        if let Some(outcomes) = prepare(connection, &mut slot, lease).await? {
            return Ok(outcomes);
        }
        if let Some(worker) = &mut slot.worker {
            worker.begin_step(edit)?;
        }
        let (back, step) = step(connection, slot, max.clamp(1, BATCH)).await?;
        slot = back;
        let failed = match step {
            Ok(outcomes) => return Ok(outcomes),
            Err(failed) => failed,
        };
        slot.release_worker().await;
        // Fenced by a process that noticed the lease too late, or without an answer: read the state and try once more.
        let may_pass = matches!(failed.kind(), ErrorKind::Held | ErrorKind::Ambiguous);
        if is_last || !may_pass {
            return Err(failed);
        }
        is_last = true;
    }
}

/// Makes the worker ready; returns the outcomes of a step that got no answer, if it was committed.
async fn prepare(
    connection: &Arc<Connection>,
    slot: &mut WorkerSlot,
    lease: &JobLease,
) -> Result<Option<Outcomes>> {
    let is_lost = match slot.ensure_worker(connection, lease).await {
        Ok(()) => None,
        Err(failed) if failed.kind() == ErrorKind::Held => Some(failed),
        Err(failed) => return Err(failed),
    };
    if let Some(in_doubt) = slot.in_doubt.take() {
        let through = match &slot.worker {
            Some(worker) if is_lost.is_none() => worker.known.through,
            _ => {
                let state = TriageState::read(connection).await?;
                state.jobs.get(&in_doubt.job.0).map_or(0, |job| job.through)
            }
        };
        if in_doubt.job == lease.job && through >= in_doubt.through {
            return Ok(Some(in_doubt.outcomes));
        }
    }
    is_lost.map_or(Ok(None), Err)
}

type Stepped = (OwnedMutexGuard<WorkerSlot>, Result<Outcomes>);

async fn step(
    connection: &Arc<Connection>,
    slot: OwnedMutexGuard<WorkerSlot>,
    max: usize,
) -> Result<Stepped> {
    let (mut slot, items) = with_worker(slot, move |worker| next(worker, max)).await?;
    let mut items = match items {
        Ok(items) if items.is_empty() => return Ok((slot, Ok(Vec::new()))),
        Ok(items) => items,
        Err(failed) => return Ok((slot, Err(failed))),
    };
    if let Some(worker) = &slot.worker
        && worker.action.is_replay()
    {
        for item in &mut items {
            resolve_target(connection, worker.action.to(), item).await?;
        }
    }
    let connection = Arc::clone(connection);
    let settled = with_worker(slot, move |worker| process(worker, &connection, items, max)).await?;
    slot = settled.0;
    let (outcomes, halted) = settled.1;
    if let Some((failed, in_doubt)) = halted {
        slot.in_doubt = in_doubt;
        if outcomes.is_empty() {
            return Ok((slot, Err(failed)));
        }
        // The outcomes so far are returned first; the error shows in the next step.
        slot.release_worker().await;
    }
    Ok((slot, Ok(outcomes)))
}

/// Runs blocking work on the worker.
async fn with_worker<T: Send + 'static>(
    mut slot: OwnedMutexGuard<WorkerSlot>,
    work: impl FnOnce(&mut Worker) -> T + Send + 'static,
) -> Result<(OwnedMutexGuard<WorkerSlot>, T)> {
    handle::blocking(move || {
        let worker = slot.worker.as_mut();
        let worker = worker.ok_or_else(|| error(ErrorKind::Other, "the job has no worker"))?;
        let done = work(worker);
        Ok((slot, done))
    })
    .await
}

/// Makes sure that the topic that a letter's message goes to exists.
async fn resolve_target(
    connection: &Arc<Connection>,
    to: Option<&Topic>,
    item: &mut JobItem,
) -> Result<()> {
    let Disposition::Process(found) = &item.disposition else {
        return Ok(());
    };
    let failed = match target(connection, to, found) {
        Ok(name) if connection.topics.cached_partitions(&name).is_some() => return Ok(()),
        Ok(name) if to.is_some() || found.letter.is_foreign => {
            match connection.topics.partitions(&name).await? {
                Some(_) => return Ok(()),
                None => format!("there is no topic `{name}`"),
            }
        }
        Ok(_) => {
            let letter = &found.letter;
            let (group, topic) = (&letter.record.group, &letter.message.topic);
            match support_topics::create_retries(connection, group, topic).await {
                Ok(_) => return Ok(()),
                Err(failed) if failed.kind() == ErrorKind::Invalid => failed.to_string(),
                Err(failed) => return Err(failed),
            }
        }
        Err(failed) => failed.to_string(),
    };
    item.disposition = Disposition::Failed(failed);
    Ok(())
}

fn target(connection: &Connection, to: Option<&Topic>, found: &DecodedLetter) -> Result<String> {
    match to {
        Some(topic) => connection.names().topic_name(topic),
        None if found.letter.is_foreign => {
            let topic = &found.letter.message.topic;
            let name = connection.names().topic_name(topic);
            if name.as_ref().is_ok_and(|name| **name != *found.topic) {
                return name;
            }
            let message = format!(
                "it does not say which topic it came from, only that `{topic}` holds it; `--to TOPIC` replays it"
            );
            Err(error(ErrorKind::Invalid, message))
        }
        None => {
            let letter = &found.letter;
            let (group, topic) = (&letter.record.group, &letter.message.topic);
            connection.names().retry_topic(group, topic)
        }
    }
}

/// Encodes the message of a letter for its replay.
fn replayed_record(
    connection: &Connection,
    to: Option<&Topic>,
    found: &DecodedLetter,
) -> Result<OutgoingRecord> {
    let letter = &found.letter;
    let name = target(connection, to, found)?;
    if to.is_some() || found.letter.is_foreign {
        let lineage = record::json(&letter.lineage())?;
        return Ok(OutgoingRecord {
            topic: name,
            partition: None,
            key: letter.message.key.clone(),
            payload: letter.message.payload.clone(),
            headers: Some(record::headers(&letter.message, &[(LINEAGE, &lineage)])),
        });
    }
    let waiting = DelayedRecord {
        stored: Some(record::millis(letter.record.origin.time)),
        lineage: Some(Box::new(letter.lineage())),
        ..DelayedRecord::new(letter.message.topic.clone(), SystemTime::now())
    };
    let partitions = connection.topics.cached_partitions(&name).unwrap_or(1);
    let id = letter.id.as_str();
    let partition = delayed_record::partition(&letter.message, id.as_bytes(), partitions);
    let key = Bytes::from(format!("{}{id}", replays::KEY));
    delayed_record::encode((&name, partition), key, &waiting, &letter.message)
}

/// Returns the next letters.
fn next(worker: &mut Worker, max: usize) -> Result<Vec<JobItem>> {
    let Some(letters) = &mut worker.letters else {
        return Err(error(ErrorKind::Other, "the job has no reader of letters"));
    };
    letters.next(worker.known.through, max, &worker.resolved)
}

/// Processes letters, and reads the next ones meanwhile.
fn process(
    worker: &mut Worker,
    connection: &Connection,
    mut items: Vec<JobItem>,
    max: usize,
) -> Settled {
    let next = worker.known.through + items.len() as u64;
    let mut letters = worker.letters.take();
    let mut resolved = std::mem::take(&mut worker.resolved);
    let settled = thread::scope(|scope| {
        if let Some(letters) = &mut letters {
            scope.spawn(|| letters.prefetch(next, max, &resolved));
        }
        settle(worker, connection, &mut items)
    });
    let is_edit = worker.edit.is_some();
    for (item, _) in items.iter().zip(&settled.0).filter(|_| !is_edit) {
        if let Disposition::Process(found) = &item.disposition {
            resolved.add(resolved::compact_id(&item.id), found.place());
        }
    }
    (worker.letters, worker.resolved) = (letters, resolved);
    settled
}

/// Processes letters; a batch that the broker refuses is halved until the refused letter is alone.
fn settle(worker: &mut Worker, connection: &Connection, items: &mut [JobItem]) -> Settled {
    let mut outcomes = Vec::with_capacity(items.len());
    let (mut at, mut size, mut dropped) = (0, items.len(), 0);
    while at < items.len() {
        let end = (at + size).min(items.len());
        let part = &items[at..end];
        match commit_batch(worker, connection, part) {
            Ok(()) => {
                dropped = 0;
                outcomes.extend(part.iter().map(JobItem::outcome));
                at = end;
                size = items.len() - at;
            }
            Err(StepError::Refused(reason)) if part.len() == 1 => {
                if !matches!(part[0].disposition, Disposition::Process(_)) {
                    return (outcomes, Some((error(ErrorKind::Other, reason), None)));
                }
                items[at].disposition = Disposition::Failed(reason);
            }
            Err(StepError::Refused(_)) => size = part.len() / 2,
            // After a refusal librdkafka restarts its sequence numbers, but drops the next records first.
            Err(StepError::Dropped(_)) if dropped < DROPPED => dropped += 1,
            Err(StepError::Dropped(failed)) => return (outcomes, Some((failed, None))),
            Err(StepError::Failed(failed)) => {
                let is_doubtful = matches!(failed.kind(), ErrorKind::Ambiguous | ErrorKind::Held);
                let in_doubt = is_doubtful.then(|| InDoubt {
                    job: worker.job.clone(),
                    through: worker.known.through + part.len() as u64,
                    outcomes: part.iter().map(JobItem::outcome).collect(),
                });
                return (outcomes, Some((failed, in_doubt)));
            }
        }
    }
    (outcomes, None)
}

fn commit_batch(
    worker: &mut Worker,
    connection: &Connection,
    items: &[JobItem],
) -> Result<(), StepError> {
    let mut receipt = Receipt {
        through: worker.known.through + items.len() as u64,
        letters: Vec::new(),
    };
    let mut records = Vec::with_capacity(items.len() + 2);
    let mut edited = Vec::new();
    for item in items {
        let Disposition::Process(found) = &item.disposition else {
            continue;
        };
        if worker.action.is_replay() {
            let revived = replayed_record(connection, worker.action.to(), found);
            records.push(revived.map_err(|failed| StepError::Refused(failed.to_string()))?);
        }
        if worker.edit.is_some() {
            edited.push(item.id.clone());
        } else {
            receipt.add(&item.id, found.place());
        }
    }
    if let Some(edit) = worker.edit.as_ref().filter(|_| !edited.is_empty()) {
        let Note { name, value } = edit.archive_note(&edited);
        records.push(notes::record(connection, &name, Some(value)));
    }
    let key = state_topic::receipt_key(&worker.job, worker.known.through);
    records.push(state_topic::record(connection, key, Some(&receipt)).map_err(StepError::Failed)?);
    commit(worker, records)?;
    match worker.action {
        JobAction::Purge => failpoint::reach("kafka.receipts_stored"),
        _ => failpoint::reach("kafka.replay_committed"),
    }
    worker.known.through = receipt.through;
    for dealt in receipt.letters {
        worker.touched.insert((dealt.topic, dealt.partition));
    }
    Ok(())
}

/// Commits records, of which the receipt is the last. Waits until readers see the receipt, so that `pf dlq jobs` shows
/// the progress; for the messages that is waited for when the job ends.
fn commit(worker: &mut Worker, records: Vec<OutgoingRecord>) -> Result<(), StepError> {
    let topics: Vec<String> = records.iter().map(|record| record.topic.clone()).collect();
    let placed = worker.producer.commit(records, None).map_err(step_error)?;
    let mut stored = topics.into_iter().zip(&placed);
    let receipt = stored.next_back();
    let place =
        |(topic, placed): (String, &RecordMetadata)| ((topic, placed.partition), placed.offset);
    worker.unseen.extend(stored.map(place));
    worker
        .producer
        .wait_until_seen(&receipt.map(place).into_iter().collect());
    Ok(())
}

fn step_error(failed: Failed) -> StepError {
    let is_refused = matches!(
        failed.error.kind(),
        ErrorKind::TooLarge | ErrorKind::Invalid | ErrorKind::Denied | ErrorKind::NotFound
    );
    match failed.record {
        Some(_) if is_refused => StepError::Refused(failed.error.to_string()),
        // Nothing was committed: the error of a single record is not that of the transaction.
        Some(_) => StepError::Failed(unstored(failed.error)),
        None if failed.error.is_transient() => StepError::Dropped(failed.error),
        None => StepError::Failed(failed.error),
    }
}

fn unstored(failed: TransportError) -> TransportError {
    error(ErrorKind::Unavailable, "a transaction was not committed").because(failed)
}
