//! What the threads and tasks of a subscription share, and how they wake each other.
//!
//! Three threads work for a subscription: one polls the client, one commits, and one moves retries of an earlier version
//! where there are any. librdkafka's calls block, so none of them runs on the runtime. Callers are tasks; they wait
//! on a `Notify`, threads on a condition variable or parked.

use std::{
    sync::{Arc, MutexGuard},
    thread::Thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::Notify};

use super::{
    marks::store::MarkStore,
    retry_topics::sources::Role,
    state::{SessionState, lifecycle::Phase},
};
use crate::{
    backends::kafka::{
        codec::{
            record,
            topic_partition::{TopicPartition, Watermarks},
        },
        connection::{client::topic_ids, handle::Connection},
        delay::memory_budget::MemoryBudget,
    },
    event::Group,
    lock::{Condvar, Mutex},
    transport::{Delivery, Handling, MarkChange, Result, Settlement, TransportError},
};

/// The memory for retries that wait for their time, over all partitions, in bytes.
const RETRY_MEMORY: usize = 16 << 20;

/// Counts a caller that waits for messages, for as long as it lives.
pub(crate) struct WaiterGuard<'a>(&'a Session);

impl<'a> WaiterGuard<'a> {
    pub(crate) fn new(session: &'a Session) -> Self {
        session.state().lifecycle.begin_wait();
        Self(session)
    }
}

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.0.state().lifecycle.end_wait();
    }
}

/// The answer to a call for messages.
pub(crate) enum Poll {
    Ready(Vec<Delivery>),
    Failed(TransportError),
    End,
    Pending,
}

/// What the threads and tasks of a subscription share.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) connection: Arc<Connection>,
    pub(crate) group: Group,
    pub(crate) store: String,
    /// For threads that have to run a future.
    pub(crate) runtime: Handle,
    pub(crate) retry_memory: Arc<MemoryBudget>,
    pub(crate) lease: Duration,
    pub(crate) max_in_flight: usize,
    /// The marks of what was handled, if they are kept.
    pub(crate) marks: Option<MarkStore>,
    state: Mutex<SessionState>,
    /// Messages were delivered to the buffer, or the subscription failed or ended.
    pub(crate) delivered: Notify,
    /// Held by the thread that commits.
    pub(crate) committing: Mutex<()>,
    /// A commit ended.
    pub(crate) committed: Notify,
    /// A delivery was settled, or a commit was requested.
    settled: Condvar,
    polling: Mutex<Option<Thread>>,
}

impl Session {
    pub(crate) fn new(
        connection: Arc<Connection>,
        group: Group,
        store: String,
        lease: Duration,
        max_in_flight: usize,
    ) -> Self {
        Self {
            connection,
            group,
            store,
            runtime: Handle::current(),
            retry_memory: MemoryBudget::new(RETRY_MEMORY),
            lease,
            max_in_flight: max_in_flight.max(1),
            marks: None,
            state: Mutex::default(),
            delivered: Notify::new(),
            committing: Mutex::new(()),
            committed: Notify::new(),
            settled: Condvar::new(),
            polling: Mutex::new(None),
        }
    }

    /// Keeps marks.
    pub(crate) fn marking(self, marks: Option<MarkStore>) -> Self {
        Self { marks, ..self }
    }

    /// Returns how a settlement changes the mark of its delivery.
    pub(crate) fn mark_change(&self, settlement: &Settlement) -> Option<MarkChange> {
        self.marks.as_ref()?.change(settlement)
    }

    /// Returns a handling under the key by which it is marked.
    pub(crate) fn marked(&self, marks: &MarkStore, handling: &Handling) -> Handling {
        let at = record::parse_position(&handling.beginning.position);
        let topic = at.map(|at| match self.state().sources.role(at.topic.as_str()) {
            // The position of a replay may be its place among the retries.
            Role::Retries(topic) => topic,
            _ => at.topic,
        });
        let key = topic.map(|topic| marks.key(&topic, handling.key));
        Handling {
            key: key.unwrap_or(handling.key),
            ..handling.clone()
        }
    }

    /// Returns a number for the cluster.
    pub(crate) fn cluster(&self) -> u32 {
        let name = self.store.split('/').next().unwrap_or_default();
        topic_ids::cluster(name)
    }

    /// Locks the state.
    pub(crate) fn state(&self) -> MutexGuard<'_, SessionState> {
        self.state.lock()
    }

    /// Returns the watermarks of a partition, with records of open transactions: another member may have committed an
    /// offset behind those, and a bounded subscription waits for them. Blocks.
    pub(crate) fn watermarks(&self, at: &TopicPartition) -> Result<Watermarks> {
        self.connection.uncommitted_watermarks(at)
    }

    /// Says which thread polls.
    pub(crate) fn set_polling_thread(&self, thread: Thread) {
        *self.polling.lock() = Some(thread);
    }

    /// Wakes the threads: there is room in the buffer, or something else to do.
    pub(crate) fn wake(&self) {
        self.settled.notify_all();
        if let Some(thread) = &*self.polling.lock() {
            thread.unpark();
        }
    }

    /// Waits until something was settled, for at most `limit`.
    pub(crate) fn wait_for_settled<'a>(
        &self,
        state: MutexGuard<'a, SessionState>,
        limit: Duration,
    ) -> MutexGuard<'a, SessionState> {
        self.settled.wait_timeout(state, limit)
    }

    /// Waits until settled offsets are to be committed: after `limit`, or (`is_hasty`) as soon as a commit is requested or
    /// uncommitted offsets take half of the room for deliveries. Returns the phase of the subscription.
    pub(crate) fn wait_for_commit(&self, limit: Duration, is_hasty: bool) -> Phase {
        let until = Instant::now() + limit;
        let mut state = self.state();
        loop {
            let uncommitted = state.assignment.uncommitted();
            let is_urgent = state.commits.has_open() || uncommitted * 2 >= self.max_in_flight;
            let left = until.saturating_duration_since(Instant::now());
            let phase = state.lifecycle.phase;
            if !phase.is_active() || left.is_zero() || is_urgent && is_hasty {
                return phase;
            }
            state = self.wait_for_settled(state, left);
        }
    }

    /// Delivers buffered messages.
    pub(crate) fn poll(&self, max: usize) -> Poll {
        let mut state = self.state();
        state.lifecycle.wanted();
        // Before messages: under load there always are some.
        if let Some(notice) = state.errors.take_notice() {
            return Poll::Failed(notice);
        }
        let room = if state.lifecycle.awaits_owners {
            0
        } else {
            self.max_in_flight.saturating_sub(state.in_flight_count())
        };
        let deliveries = state.deliver(max.min(room), Instant::now() + self.lease);
        if !deliveries.is_empty() {
            if std::mem::take(&mut state.awaits_room) {
                drop(state);
                self.wake();
            }
            return Poll::Ready(deliveries);
        }
        if let Some(failed) = state.errors.take_failure() {
            return Poll::Failed(failed);
        }
        if state.lifecycle.phase == Phase::Running {
            Poll::Pending
        } else {
            Poll::End
        }
    }

    /// Enters a phase, and wakes everybody.
    pub(crate) fn enter(&self, phase: Phase) {
        self.state().lifecycle.phase = phase;
        self.delivered.notify_waiters();
        self.committed.notify_waiters();
        self.wake();
    }

    /// Hands an error to the next call for messages.
    pub(crate) fn fail(&self, failed: TransportError) {
        self.state().errors.push(failed);
        self.delivered.notify_waiters();
    }
}
