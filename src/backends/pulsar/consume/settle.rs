//! Verdicts made true: the retry or the dead letter is stored first, then the entry is acknowledged.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::{BoxFuture, FutureExt as _, join_all};

use tokio::time::timeout;

use super::{
    entries::key_of,
    session::Session,
    state::{Handle, Kind},
};
use crate::{
    backends::{
        delivery_buffer::wait::wait_until,
        pulsar::{
            codec::retry::RetryRecord,
            connection::{keeper::Keeper, names::partition, retry::RIDE_OUT},
            dead_letter::store,
            error::{SCHEME, connection_lost},
        },
    },
    failpoint,
    transport::{
        DeadLetter, DeadLetterKind, Delivery, Failure, Result, Settlement, TransportError, Verdict,
    },
};

/// A verdict that takes effect.
struct Work {
    index: usize,
    handle: Handle,
    delivery: Delivery,
    effect: BoxFuture<'static, Result<()>>,
}

/// Applies verdicts and returns one result each, in order.
pub(super) async fn settle_all(session: &Arc<Session>, batch: Vec<Settlement>) -> Vec<Result<()>> {
    let mut results = Vec::with_capacity(batch.len());
    let mut works = Vec::new();
    for (index, Settlement { delivery, verdict }) in batch.into_iter().enumerate() {
        match begin(session, &delivery, &verdict) {
            Err(lost) => results.push(Err(lost)),
            Ok(None) => results.push(Ok(())),
            Ok(Some(handle)) if verdict == Verdict::Return => {
                give_back(session, delivery, handle);
                results.push(Ok(()));
            }
            Ok(Some(handle)) => {
                let effect = effect(session, handle, &delivery, verdict);
                results.push(Ok(()));
                works.push(Work {
                    index,
                    handle,
                    delivery,
                    effect,
                });
            }
        }
    }
    session.wake.notify_waiters();
    let finishing = works.into_iter().map(|work| finish(session, work));
    for (index, result) in join_all(finishing).await {
        results[index] = result;
    }
    session.wake.notify_waiters();
    session.delivered.notify_waiters();
    results
}

/// Takes a delivery out of those in flight. An acknowledgement needs no more; other verdicts keep their room until they
/// took effect.
fn begin(session: &Session, delivery: &Delivery, verdict: &Verdict) -> Result<Option<Handle>> {
    let mut state = session.state();
    state.expire();
    let ticket = delivery.ticket();
    let in_flight = state.deliveries.in_flight_mut();
    let lost = || TransportError::lease_lost(SCHEME, &delivery.stored.position);
    if *verdict == Verdict::Ack {
        let handle = in_flight.settle(ticket).ok_or_else(lost)?.handle;
        state.settle(handle);
        return Ok(None);
    }
    let handle = *in_flight.begin_settle(ticket).ok_or_else(lost)?;
    Ok(Some(handle))
}

/// Puts a delivery back in front of later ones.
fn give_back(session: &Session, delivery: Delivery, handle: Handle) {
    let mut state = session.state();
    state
        .deliveries
        .in_flight_mut()
        .end_settle(delivery.ticket());
    state.requeue(delivery, handle);
}

fn effect(
    session: &Arc<Session>,
    handle: Handle,
    delivery: &Delivery,
    verdict: Verdict,
) -> BoxFuture<'static, Result<()>> {
    match verdict {
        Verdict::Retry { after, failure } => retry(session, handle, delivery, after, &failure),
        Verdict::DeadLetter { kind, failure } => dead_letter(session, delivery, kind, *failure),
        Verdict::Ack | Verdict::Return => async { Ok(()) }.boxed(),
    }
}

async fn finish(session: &Arc<Session>, work: Work) -> (usize, Result<()>) {
    let result = work.effect.await;
    {
        let mut state = session.state();
        let ticket = work.delivery.ticket();
        state.deliveries.in_flight_mut().end_settle(ticket);
        if result.is_err() {
            // It is delivered again.
            state.requeue(work.delivery, work.handle);
            return (work.index, result);
        }
        state.settle_at_once(work.handle);
    }
    session.wake.notify_waiters();
    (work.index, confirmed(session, work.handle).await)
}

/// Waits until the acknowledgement of an entry is confirmed, if it is complete: an original that is delivered again beside
/// its retry or its dead letter would have two fates.
async fn confirmed(session: &Session, handle: Handle) -> Result<()> {
    let is_confirmed = wait_until(&session.delivered, || {
        let state = session.state();
        let log = state.logs.get(handle.log)?;
        (!log.entries.is_unconfirmed(key_of(handle.id))).then_some(())
    });
    timeout(RIDE_OUT, is_confirmed).await.map_err(|_| {
        connection_lost("an acknowledgement was not confirmed; the event may be delivered again")
    })
}

/// Starts to store a retry in the topic that only the group reads.
fn retry(
    session: &Arc<Session>,
    handle: Handle,
    delivery: &Delivery,
    after: Duration,
    failure: &Failure,
) -> BoxFuture<'static, Result<()>> {
    let topic = &delivery.stored.message.topic;
    let names = &session.connection.config.names;
    let record = RetryRecord {
        position: delivery.stored.position.clone(),
        time: delivery.stored.time,
        failed: delivery.attempts.failed + 1,
        first_failed: delivery
            .attempts
            .first_failed
            .unwrap_or_else(SystemTime::now),
        earlier: vec![failure.message.chars().take(200).collect()],
        added: 0,
    };
    let message = &delivery.stored.message;
    let real_topic = names.full(topic.as_str());
    let mut outbound = record.outbound(message, delivery.lineage.as_deref(), &real_topic);
    if !after.is_zero() {
        outbound.deliver_at(SystemTime::now() + after);
    }
    let log = retry_log(session, handle);
    let Some((number, name)) = log else {
        return async { Err(TransportError::unanswered(SCHEME)) }.boxed();
    };
    let producer = session.producer(&name, || session.retry_keeper());
    let sending = producer.send(outbound);
    let session = Arc::clone(session);
    async move {
        let id = sending.await?;
        failpoint::reach("pulsar.retry_stored");
        if let Some(id) = id.filter(|_| session.request.until_end) {
            let late = Session::late(after);
            session.state().expect_retry(number, id, late);
        }
        Ok(())
    }
    .boxed()
}

/// Returns the retry log of the topic that a message came from: its number and Pulsar's name.
pub(super) fn retry_log(session: &Session, handle: Handle) -> Option<(usize, String)> {
    let state = session.state();
    let topic = &state.logs.get(handle.log)?.topic;
    let mut logs = state.logs.iter().enumerate();
    let (number, log) = logs.find(|(_, log)| log.kind == Kind::Retries && log.topic == *topic)?;
    let names = &session.connection.config.names;
    let name = names.retry_topic(topic, &session.request.group);
    let name = match log.partition {
        -1 => name,
        number => partition(&name, number.cast_unsigned()),
    };
    Some((number, name))
}

/// Starts to store a dead letter.
fn dead_letter(
    session: &Arc<Session>,
    delivery: &Delivery,
    kind: DeadLetterKind,
    failure: Failure,
) -> BoxFuture<'static, Result<()>> {
    let group = &session.request.group;
    let letter = DeadLetter::of(SCHEME, session.store(), group, delivery, kind, failure);
    let topic = session
        .connection
        .config
        .names
        .dead_letter_topic(&letter.message.topic, group);
    let producer = session.producer(&topic, Keeper::internal);
    let connection = Arc::clone(&session.connection);
    async move {
        store::store(&connection, &producer, &letter, 0).await?;
        failpoint::reach("pulsar.letter_stored");
        Ok(())
    }
    .boxed()
}
