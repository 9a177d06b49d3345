//! Verdicts carried out: the retry record or the dead letter is stored first, then the offset may pass.
//!
//! A crash between the two stores a second copy, which is recognised by its key or id; the other order would lose the
//! message. So that the window stays short, settling waits for the commit of what it stored.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;

use super::{
    retry_topics::support_topics,
    session::Session,
    state::{
        SessionState,
        delivery::{AckHandle, RetrySlot},
    },
};
use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        kafka::{
            codec::{
                record::{self, OutgoingRecord},
                topic_partition::TopicPartition,
            },
            connection::access::{self, Access},
            dead_letter::store,
            delay::delayed_record,
            error::{SCHEME, error},
        },
    },
    event::HandlingKey,
    failpoint,
    transport::{
        Beginning, DeadLetter, DeadLetterKind, Delivery, ErrorKind, Failure, MarkChange, Result,
        Settlement, TransportError, Verdict,
    },
};

/// How many verdicts that store something are carried out at once.
const CONCURRENCY: usize = 512;

/// A verdict that takes more than a change of state.
struct Task {
    /// Its place in the batch.
    number: usize,
    handle: AckHandle,
    delivery: Delivery,
    effect: Effect,
    mark: Option<MarkChange>,
}

enum Effect {
    /// None but the mark.
    Ack,
    Return,
    EndRetry,
    /// Store it as a retry that is due at a time.
    Retry(SystemTime),
    DeadLetter(DeadLetterKind, Box<Failure>),
}

/// Carries verdicts out: one result each, in order.
pub(crate) async fn settle_all(session: &Arc<Session>, batch: Vec<Settlement>) -> Vec<Result<()>> {
    let mut results: Vec<Result<()>> = Vec::with_capacity(batch.len());
    let mut tasks = Vec::new();
    {
        let mut state = session.state();
        for (number, settlement) in batch.into_iter().enumerate() {
            let mark = session.mark_change(&settlement);
            let (result, task) = apply_or_defer(&mut state, (number, mark), settlement);
            results.push(result);
            tasks.extend(task);
        }
    }
    failpoint::reach("kafka.acked");
    let mut finished = Vec::new();
    let tasks = mark_done(session, tasks, &mut finished).await;
    let has_effects = !tasks.is_empty();
    let mut done = stream::iter(tasks)
        .map(|task| apply(session, task))
        .buffer_unordered(CONCURRENCY);
    while let Some(result) = done.next().await {
        finished.push(result);
    }
    drop(done);
    for (number, result) in finished {
        if let Some(slot) = results.get_mut(number) {
            *slot = result;
        }
    }
    if has_effects {
        wait_for_commit(session).await;
    }
    session.wake();
    // What went back is delivered again, also where nothing else comes.
    session.delivered.notify_waiters();
    results
}

/// Marks what was handled, before an offset may pass it. Finishes acknowledgements, and what could not be marked; returns
/// the tasks that are left.
async fn mark_done(
    session: &Session,
    tasks: Vec<Task>,
    finished: &mut Vec<(usize, Result<()>)>,
) -> Vec<Task> {
    let keys = tasks.iter().filter_map(Task::done);
    let keys: Vec<HandlingKey> = keys.collect();
    let Some(marks) = session.marks.as_ref().filter(|_| !keys.is_empty()) else {
        return tasks;
    };
    let mut marked = marks.done(keys).await.into_iter();
    failpoint::reach("kafka.marked");
    let mut left = Vec::new();
    let mut state = session.state();
    for task in tasks {
        let marked = match task.done() {
            Some(_) => marked.next().unwrap_or(Ok(())),
            None => Ok(()),
        };
        if marked.is_err() || matches!(task.effect, Effect::Ack) {
            finished.push(finish(&mut state, task, marked));
        } else {
            left.push(task);
        }
    }
    left
}

/// Waits until settled offsets are committed, at most for a lease: otherwise a crash would deliver a message again whose
/// retry or dead letter is stored already.
async fn wait_for_commit(session: &Session) {
    let number = session.state().commits.request();
    session.wake();
    let committed = wait_until(&session.committed, || {
        let state = session.state();
        let is_over = state.lifecycle.phase.is_over();
        (is_over || state.commits.is_done(number)).then_some(())
    });
    if timeout(session.lease, committed).await.is_err() {
        tracing::debug!("an offset is committed later");
    }
}

/// Carries a verdict out if that takes a change of state alone; returns what else is to do.
fn apply_or_defer(
    state: &mut SessionState,
    (number, mark): (usize, Option<MarkChange>),
    settlement: Settlement,
) -> (Result<()>, Option<Task>) {
    let Settlement { delivery, verdict } = settlement;
    let ticket = delivery.ticket();
    let in_flight = state.deliveries.in_flight_mut();
    let Some(handle) = in_flight.get(ticket) else {
        return (Err(lease_lost(&delivery)), None);
    };
    let effect = match verdict {
        Verdict::Ack if handle.retry.is_none() && mark.is_none() => {
            let (assignment, offset) = (handle.assignment, handle.offset);
            in_flight.settle(ticket);
            state.assignment.settle(assignment, offset);
            return (Ok(()), None);
        }
        Verdict::Return if mark.is_none() => {
            if let Some(leased) = in_flight.settle(ticket) {
                state.requeue(delivery, leased.handle);
            }
            return (Ok(()), None);
        }
        Verdict::Ack if handle.retry.is_none() => Effect::Ack,
        Verdict::Ack => Effect::EndRetry,
        Verdict::Return => Effect::Return,
        Verdict::Retry { after, .. } => Effect::Retry(SystemTime::now() + after),
        Verdict::DeadLetter { kind, failure } => Effect::DeadLetter(kind, failure),
    };
    let handle = handle.clone();
    in_flight.begin_settle(ticket);
    let task = Task {
        number,
        handle,
        delivery,
        effect,
        mark,
    };
    (Ok(()), Some(task))
}

impl Task {
    /// Returns the key of an event that is to be marked as handled.
    fn done(&self) -> Option<HandlingKey> {
        match self.mark {
            Some(MarkChange::Done(key)) => Some(key),
            _ => None,
        }
    }
}

fn lease_lost(delivery: &Delivery) -> TransportError {
    TransportError::lease_lost(SCHEME, &delivery.stored.position)
}

async fn apply(session: &Arc<Session>, mut task: Task) -> (usize, Result<()>) {
    let effect = std::mem::replace(&mut task.effect, Effect::Ack);
    let returns = matches!(effect, Effect::Return);
    let applied = carry_out(session, &task, effect).await;
    let mut state = session.state();
    if returns && applied.is_ok() {
        let Task {
            number,
            handle,
            delivery,
            ..
        } = task;
        let in_flight = state.deliveries.in_flight_mut();
        in_flight.end_settle(delivery.ticket());
        state.requeue(delivery, handle);
        return (number, Ok(()));
    }
    finish(&mut state, task, applied)
}

async fn carry_out(session: &Arc<Session>, task: &Task, effect: Effect) -> Result<()> {
    let Task {
        handle, delivery, ..
    } = task;
    if let (Some(marks), Some(MarkChange::Forget(key))) = (&session.marks, task.mark) {
        let (group, position) = (session.group.clone(), delivery.stored.position.clone());
        marks.forget(key, Beginning { group, position }).await?;
    }
    match effect {
        Effect::Ack | Effect::Return => Ok(()),
        Effect::EndRetry => end_retry(session, handle).await,
        Effect::Retry(due) => store_retry(session, handle, delivery, due).await,
        Effect::DeadLetter(kind, failure) => dead_letter(session, task, kind, *failure).await,
    }
}

/// Ends a task: the offset may pass its delivery, or it goes back.
fn finish(state: &mut SessionState, task: Task, applied: Result<()>) -> (usize, Result<()>) {
    let Task {
        number,
        handle,
        delivery,
        ..
    } = task;
    state
        .deliveries
        .in_flight_mut()
        .end_settle(delivery.ticket());
    let result = match applied {
        Ok(()) if state.assignment.settle(handle.assignment, handle.offset) => Ok(()),
        Ok(()) => Err(lease_lost(&delivery)),
        Err(failed) => {
            state.requeue(delivery, handle);
            Err(failed)
        }
    };
    (number, result)
}

async fn produce(session: &Session, record: OutgoingRecord, doing: &str) -> Result<()> {
    let producer = session.connection.producer().await?;
    let topic = record.topic.clone();
    let answer = producer.send_one(record).await;
    let config = &session.connection.config;
    let refused = |code| access::from_code(config, code, doing, Access::topic("Write", &topic));
    answer.map(drop).map_err(refused)
}

/// Ends a delivery's retry, if it is one.
async fn end_retry(session: &Session, handle: &AckHandle) -> Result<()> {
    let Some(RetrySlot { key, at }) = &handle.retry else {
        return Ok(());
    };
    // The present owner of the partition delivers it again.
    if !session.state().assignment.contains(handle.assignment) {
        return Ok(());
    }
    let record = OutgoingRecord::tombstone(&*at.topic, at.partition, key.clone());
    produce(session, record, "ending a retry").await?;
    failpoint::reach("kafka.retry_ended");
    session.state().assignment.retries.remove(key);
    Ok(())
}

/// Stores a message as a retry, in the group's retry topic of its topic.
async fn store_retry(
    session: &Session,
    handle: &AckHandle,
    delivery: &Delivery,
    due: SystemTime,
) -> Result<()> {
    let message = &delivery.stored.message;
    let now = record::now_millis();
    let first_failed = delivery.attempts.first_failed.map_or(now, record::millis);
    let metadata = delayed_record::DelayedRecord {
        position: Some(delivery.stored.position.clone()),
        stored: Some(record::millis(delivery.stored.time)),
        failed: delivery.attempts.failed.saturating_add(1),
        first_failed: Some(first_failed),
        lineage: delivery.lineage.clone(),
        ..delayed_record::DelayedRecord::new(message.topic.clone(), due)
    };
    let Some(RetrySlot { key, at }) = retry_slot(session, handle, delivery)? else {
        return Ok(());
    };
    let place = (&*at.topic, at.partition);
    let record = delayed_record::encode(place, key.clone(), &metadata, message)?;
    {
        // While it is being stored, a bounded subscription must not count as done.
        let mut state = session.state();
        if let Some(id) = state.assignment.id(&at) {
            state.assignment.retries.insert(key.clone(), id);
        }
    }
    let stored = produce(session, record, "storing a retry").await;
    failpoint::reach("kafka.retry_stored");
    if stored.is_err() && handle.retry.is_none() {
        session.state().assignment.retries.remove(&key);
    }
    stored.map_err(|failed| support_topics::explain(&session.connection, &session.group, failed))
}

/// Returns where a message is stored as a retry: a retry stays where it was. Returns none if its partition was revoked:
/// the present owner delivers it again, and may have settled it already.
fn retry_slot(
    session: &Session,
    handle: &AckHandle,
    delivery: &Delivery,
) -> Result<Option<RetrySlot>> {
    let state = session.state();
    if let Some(slot) = &handle.retry {
        let is_assigned = state.assignment.contains(handle.assignment);
        return Ok(is_assigned.then(|| slot.clone()));
    }
    let message = &delivery.stored.message;
    let name = session.connection.names().topic_name(&message.topic)?;
    let source = state.sources.get(&name).ok_or_else(|| {
        let message = format!("`{}` has no retry topic", message.topic);
        error(ErrorKind::NotFound, message)
    })?;
    let key = delivery.stored.position.as_str().as_bytes();
    let partition = delayed_record::partition(message, key, source.retries.partitions);
    Ok(Some(RetrySlot {
        key: Bytes::copy_from_slice(key),
        at: TopicPartition {
            topic: Arc::clone(&source.retries.name),
            partition,
        },
    }))
}

async fn dead_letter(
    session: &Arc<Session>,
    task: &Task,
    kind: DeadLetterKind,
    failure: Failure,
) -> Result<()> {
    let (group, delivery) = (&session.group, &task.delivery);
    let letter = DeadLetter::of(SCHEME, &session.store, group, delivery, kind, failure);
    store::store(&session.connection, &letter).await?;
    failpoint::reach("kafka.letter_stored");
    if let (Some(marks), Some(MarkChange::Dead(key))) = (&session.marks, task.mark) {
        marks.dead(key, &letter.id).await?;
    }
    end_retry(session, &task.handle).await
}
