//! What the tasks of a subscription share: its state, and how they wake each other.

use std::{
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::Subject;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::{sync::Notify, time::Instant};

use crate::{
    backends::nats::{
        connection::{
            ack::{self, NAK, nak_after},
            consumer::ConsumerInfo,
            handle::Connection,
            retry,
            stream::info::StreamInfo,
        },
        consume::{
            marks::store::MarkStore,
            state::{AckHandle, SessionState},
            until_end::UntilEnd,
        },
    },
    event::Group,
    lock::Mutex,
    transport::{Delivery, Result, SubscribeRequest, TransportError},
};

/// How long returning messages is repeated: they are delivered again in any case, after the ack wait.
const RETURN_TIMEOUT: Duration = Duration::from_secs(15);

/// What the tasks of a subscription share.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: Arc<Connection>,
    pub(crate) group: Group,
    pub(crate) consumer: String,
    store: Mutex<String>,
    incarnation: AtomicU64,
    pub(crate) lease: Duration,
    pub(crate) ack_wait: Duration,
    pub(crate) max_in_flight: usize,
    state: Mutex<SessionState>,
    /// Marks of handled events; none without deduplication.
    pub(crate) marks: Option<MarkStore>,
    /// Wakes callers: messages were buffered, or the end was reached.
    pub(crate) delivered: Notify,
    /// Wakes the pull loop: a caller waits, or a message was settled.
    pub(crate) wake_pull: Notify,
    /// Wakes the confirming task: an acknowledgement was sent.
    pub(crate) acknowledged: Notify,
    pub(crate) confirming: tokio::sync::Mutex<()>,
    /// Held while the dead letters of a batch are sent: those of the next batch are stored behind them.
    pub(crate) sending: tokio::sync::Mutex<()>,
}

impl Session {
    /// Starts with an empty state.
    pub(crate) fn new(
        connection: &Arc<Connection>,
        store: String,
        request: SubscribeRequest,
        consumer: &ConsumerInfo,
    ) -> Self {
        Self {
            connection: Arc::clone(connection),
            group: request.group,
            consumer: consumer.name.clone(),
            store: Mutex::new(store),
            incarnation: AtomicU64::new(0),
            lease: request.lease,
            ack_wait: consumer.ack_wait(),
            max_in_flight: consumer.max_in_flight(request.max_in_flight).max(1),
            state: Mutex::default(),
            marks: None,
            delivered: Notify::new(),
            wake_pull: Notify::new(),
            acknowledged: Notify::new(),
            confirming: tokio::sync::Mutex::default(),
            sending: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps marks.
    pub(crate) fn marking(self, marks: Option<MarkStore>) -> Self {
        Self { marks, ..self }
    }

    /// Locks the state.
    pub(crate) fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock()
    }

    /// Ends the subscription with an error.
    pub(crate) fn fail(&self, failed: TransportError) {
        self.state().errors.push(failed);
        self.delivered.notify_waiters();
    }

    /// Reports notices without ending the subscription.
    pub(crate) fn report(&self, notices: impl IntoIterator<Item = TransportError>) {
        let mut state = self.state();
        notices.into_iter().for_each(|one| state.errors.push(one));
        drop(state);
        self.delivered.notify_waiters();
    }

    /// Returns the name from which the ids of dead letters are derived.
    pub(crate) fn store(&self) -> String {
        self.store.lock().clone()
    }

    /// Begins to read up to the end of the stream.
    pub(crate) fn begin_until_end(&self, consumer: &ConsumerInfo, stream: &StreamInfo) -> UntilEnd {
        let until_end = UntilEnd::new(consumer, stream);
        self.state().begin_until_end(until_end.end());
        until_end
    }

    /// Returns a number that changes when another stream takes the name of the one before.
    pub(crate) fn incarnation(&self) -> u64 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// Notes that another stream took the name of the one before.
    pub(crate) fn switch_stream(&self, store: String) {
        let mut state = self.state();
        // Acknowledgements that could not be confirmed meanwhile name sequences of the other stream.
        state.unconfirmed.clear();
        self.incarnation.fetch_add(1, Ordering::Relaxed);
        drop(state);
        *self.store.lock() = store;
    }

    /// Delivers buffered messages, or an error or the end (no message); none if the caller has to wait. In-progress
    /// acknowledgements for messages that were buffered for long are sent by the pull loop, as the call may be dropped.
    pub(crate) fn poll(&self, max: usize) -> Option<Result<Vec<Delivery>>> {
        let mut state = self.state();
        if let Some(notice) = state.errors.take_notice() {
            return Some(Err(notice));
        }
        state.expire();
        let in_flight = state.deliveries.in_flight().len();
        let room = self.max_in_flight.saturating_sub(in_flight);
        let (until, fresh) = (self.lease_end(), self.ack_wait / 10);
        let deliveries = state.deliver(max.min(room), until, fresh);
        if !deliveries.is_empty() {
            state.wanted = 0;
            if !state.stale.is_empty() {
                self.wake_pull.notify_one();
            }
            return Some(Ok(deliveries));
        }
        if let Some(failed) = state.errors.take_failure() {
            return Some(Err(failed));
        }
        if state.closed || state.ended {
            return Some(Ok(deliveries));
        }
        state.wanted = max;
        self.wake_pull.notify_one();
        None
    }

    /// Returns until when a message that is delivered now is under a lease. The server started to count a little earlier,
    /// so the lease ends before the ack wait does, unless that is shorter than the lease: then the pull loop extends it
    /// with in-progress acknowledgements.
    pub(crate) fn lease_end(&self) -> Instant {
        let lease = if self.ack_wait < self.lease {
            self.lease
        } else {
            self.lease.min(self.ack_wait * 4 / 5)
        };
        Instant::now() + lease
    }

    /// Sends acknowledgements without waiting for their confirmation.
    pub(crate) async fn send_acks(
        &self,
        replies: impl IntoIterator<Item = Subject>,
        ack: &Bytes,
    ) -> Result<()> {
        ack::send(&self.connection.client, replies, ack).await
    }

    /// Returns messages to the group, and waits until the server has confirmed it. It may not do so at once, as the
    /// consumer may have no leader.
    pub(crate) async fn return_all(&self, acks: Vec<AckHandle>) -> Result<()> {
        let deadline = Instant::now() + RETURN_TIMEOUT.min(self.lease);
        let returned = stream::iter(acks)
            .map(|handle| {
                retry::until(deadline, move || {
                    self.connection.ack(handle.reply.clone(), NAK)
                })
            })
            .buffer_unordered(256);
        let returned: Vec<Result<()>> = returned.collect().await;
        returned.into_iter().collect()
    }

    /// Holds a message back for a while, and waits until the server has confirmed it.
    pub(crate) async fn hold_back(&self, handle: &AckHandle, delay: Duration) -> Result<()> {
        let nak = nak_after(delay);
        self.connection.ack(handle.reply.clone(), nak).await
    }
}
