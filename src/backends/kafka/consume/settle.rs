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
    failpoint,
    transport::{
        DeadLetter, DeadLetterKind, Delivery, ErrorKind, Failure, Result, Settlement,
        TransportError, Verdict,
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
}

enum Effect {
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
            let (result, task) = apply_or_defer(&mut state, number, settlement);
            results.push(result);
            tasks.extend(task);
        }
    }
    failpoint::reach("kafka.acked");
    let has_effects = !tasks.is_empty();
    let mut done = stream::iter(tasks)
        .map(|task| apply(session, task))
        .buffer_unordered(CONCURRENCY);
    while let Some((number, result)) = done.next().await {
        if let Some(slot) = results.get_mut(number) {
            *slot = result;
        }
    }
    drop(done);
    if has_effects {
        wait_for_commit(session).await;
    }
    session.wake();
    results
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
    number: usize,
    settlement: Settlement,
) -> (Result<()>, Option<Task>) {
    let Settlement { delivery, verdict } = settlement;
    let ticket = delivery.ticket();
    let in_flight = state.deliveries.in_flight_mut();
    let Some(handle) = in_flight.get(ticket) else {
        return (Err(lease_lost(&delivery)), None);
    };
    let effect = match verdict {
        Verdict::Ack if handle.retry.is_none() => {
            let (assignment, offset) = (handle.assignment, handle.offset);
            in_flight.settle(ticket);
            state.assignment.settle(assignment, offset);
            return (Ok(()), None);
        }
        Verdict::Return => {
            if let Some(leased) = in_flight.settle(ticket) {
                state.requeue(delivery, leased.handle);
            }
            return (Ok(()), None);
        }
        Verdict::Ack => Effect::EndRetry,
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
    };
    (Ok(()), Some(task))
}

fn lease_lost(delivery: &Delivery) -> TransportError {
    TransportError::lease_lost(SCHEME, &delivery.stored.position)
}

async fn apply(session: &Arc<Session>, task: Task) -> (usize, Result<()>) {
    let Task {
        number,
        handle,
        delivery,
        effect,
    } = task;
    let applied = match effect {
        Effect::EndRetry => end_retry(session, &handle).await,
        Effect::Retry(due) => store_retry(session, &handle, &delivery, due).await,
        Effect::DeadLetter(kind, failure) => {
            dead_letter(session, &handle, &delivery, kind, *failure).await
        }
    };
    let mut state = session.state();
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
    handle: &AckHandle,
    delivery: &Delivery,
    kind: DeadLetterKind,
    failure: Failure,
) -> Result<()> {
    let group = &session.group;
    let letter = DeadLetter::of(SCHEME, &session.store, group, delivery, kind, failure);
    store::store(&session.connection, &letter).await?;
    failpoint::reach("kafka.letter_stored");
    end_retry(session, handle).await
}
