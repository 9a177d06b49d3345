//! What the tasks of a subscription share.

use std::{
    collections::HashMap,
    sync::{Arc, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use tokio::sync::Notify;

use super::{
    state::{LogState, State},
    until_end::LATE,
};
use crate::{
    backends::pulsar::{
        connection::{
            consumer::{Consumer, ConsumerSpec},
            handle::Connection,
            keeper::Keeper,
            producer::Producer,
        },
        delay::cancellations,
    },
    lock::Mutex,
    transport::{Delivery, Result, SubscribeRequest, TransportError},
};

/// A subscription as its tasks see it.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) connection: Arc<Connection>,
    pub(super) request: SubscribeRequest,
    state: Mutex<State>,
    /// Something was delivered, failed or ended.
    pub(super) delivered: Notify,
    /// The tasks of logs should look: there is room, something to acknowledge, or the end.
    pub(super) wake: Notify,
    /// The producers of retry topics and dead-letter topics.
    producers: Mutex<HashMap<String, Arc<Producer>>>,
}

impl Session {
    pub(super) fn new(connection: &Arc<Connection>, request: SubscribeRequest) -> Self {
        Self {
            connection: Arc::clone(connection),
            request,
            state: Mutex::default(),
            delivered: Notify::new(),
            wake: Notify::new(),
            producers: Mutex::default(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Subscribes to a log again. The group may have been set back, so that what was cancelled meanwhile comes, too.
    pub(super) async fn subscribe_again(&self, spec: &ConsumerSpec) -> Result<Consumer> {
        let consumer = Consumer::subscribe(&self.connection, spec).await?;
        let cancelled = cancellations::read(&self.connection).await?;
        self.state().cancelled.extend(cancelled);
        Ok(consumer)
    }

    /// Returns the name of the store in dead letters.
    pub(super) fn store(&self) -> &str {
        &self.connection.config.names.namespace
    }

    /// Returns when a lease that begins now ends.
    pub(super) fn lease_end(&self) -> Instant {
        Instant::now() + self.request.lease
    }

    /// Returns the producer of a topic of the group, whose messages this subscription keeps.
    pub(super) fn producer(&self, topic: &str, keeper: impl FnOnce() -> Keeper) -> Arc<Producer> {
        let mut producers = self.producers.lock();
        let producer = producers.entry(topic.to_owned()).or_insert_with(|| {
            let (connection, topic) = (&self.connection, topic.to_owned());
            Arc::new(Producer::kept(connection, topic, keeper()))
        });
        Arc::clone(producer)
    }

    /// Returns the group's subscription of its retry topics.
    pub(super) fn retry_keeper(&self) -> Keeper {
        Keeper::of_retries(&self.request.group, self.connection.config.sub_type)
    }

    /// Reports an error to the caller of `next`.
    pub(super) fn fail(&self, error: TransportError) {
        self.state().errors.push(error);
        self.delivered.notify_waiters();
    }

    /// Looks for deliveries; returns how long to wait for the next that becomes due.
    pub(super) fn poll(&self, max: usize) -> Result<Result<Vec<Delivery>>, Duration> {
        let mut state = self.state();
        if state.closed {
            return Ok(Ok(Vec::new()));
        }
        if std::mem::take(&mut state.stalled) {
            self.wake.notify_waiters();
        }
        let notice = state.errors.take_notice();
        if let Some(notice) = notice.or_else(|| state.take_incomplete(false)) {
            return Ok(Err(notice));
        }
        let next_due = state.admit_due();
        let most = self.request.max_in_flight.max(1);
        let deliveries = state.hand_out(max, most, self.lease_end());
        if !deliveries.is_empty() {
            self.wake.notify_waiters();
            return Ok(Ok(deliveries));
        }
        if let Some(failure) = state.errors.take_failure() {
            return Ok(Err(failure));
        }
        if self.request.until_end && is_done(&mut state) {
            let incomplete = state.take_incomplete(true);
            return Ok(incomplete.map_or_else(|| Ok(Vec::new()), Err));
        }
        let pause = next_due.map(|due| due.duration_since(SystemTime::now()).unwrap_or_default());
        Err(pause.unwrap_or(Duration::from_mins(1)))
    }

    /// Returns when a retry that is due after this time is late.
    pub(super) fn late(after: Duration) -> Instant {
        Instant::now() + after + LATE
    }
}

fn is_done(state: &mut State) -> bool {
    let now = Instant::now();
    state.own_retries.retain(|_, late| *late > now);
    let is_done = |log: &LogState| log.end.as_ref().is_some_and(|end| end.is_done);
    state.own_retries.is_empty() && state.is_idle() && state.logs.iter().all(is_done)
}
