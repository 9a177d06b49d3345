//! What the parts of a membership share: its desk, and how they wait for each other.

use std::{
    sync::{Arc, MutexGuard},
    thread::Thread,
    time::{Duration, Instant},
};

use tokio::{runtime::Handle, sync::Notify};

use super::state::{Desk, End};
use crate::{
    backends::kafka::{
        connection::{client::topic_ids, handle::Connection},
        delay::memory_budget::MemoryBudget,
    },
    event::Group,
    lock::{Condvar, Mutex},
    transport::{Delivery, TransportError},
};

/// The memory for retries, in bytes.
const ROOM: usize = 16 << 20;

/// Somebody who waits for something to be handed out, for as long as it lives.
pub(crate) struct Present<'a>(&'a Shared);

impl<'a> Present<'a> {
    pub(crate) fn new(shared: &'a Shared) -> Self {
        shared.desk().present += 1;
        Self(shared)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        let mut desk = self.0.desk();
        desk.present -= 1;
        desk.is_seen();
    }
}

/// What somebody who asks for messages gets.
pub(crate) enum Offer {
    Taken(Vec<Delivery>),
    Failed(TransportError),
    End,
    Wait,
}

/// What the parts of a membership share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connection: Arc<Connection>,
    pub(crate) group: Group,
    pub(crate) store: String,
    /// Where what cannot be done in a thread of its own is done.
    pub(crate) runtime: Handle,
    /// The memory for retries that wait for their time, over all partitions.
    pub(crate) room: Arc<MemoryBudget>,
    pub(crate) lease: Duration,
    pub(crate) max_in_flight: usize,
    desk: Mutex<Desk>,
    /// Something came, or the end.
    pub(crate) came: Notify,
    /// One commit at a time.
    pub(crate) commits: Mutex<()>,
    /// What is settled was committed.
    pub(crate) committed: Notify,
    /// Something was settled, or is to be committed.
    settled: Condvar,
    thread: Mutex<Option<Thread>>,
}

impl Shared {
    pub(crate) fn new(
        connection: Arc<Connection>,
        group: Group,
        store: String,
        (lease, max_in_flight): (Duration, usize),
    ) -> Self {
        Self {
            connection,
            group,
            store,
            runtime: Handle::current(),
            room: MemoryBudget::new(ROOM),
            lease,
            max_in_flight: max_in_flight.max(1),
            desk: Mutex::default(),
            came: Notify::new(),
            commits: Mutex::new(()),
            committed: Notify::new(),
            settled: Condvar::new(),
            thread: Mutex::new(None),
        }
    }

    /// Returns a number for the cluster.
    pub(crate) fn cluster(&self) -> u32 {
        let name = self.store.split('/').next().unwrap_or_default();
        topic_ids::cluster(name)
    }

    /// Locks what is at hand.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock()
    }

    /// Says which thread works for the membership.
    pub(crate) fn is_served_by(&self, thread: Thread) {
        *self.thread.lock() = Some(thread);
    }

    /// Wakes the thread: there is room, or something else to do.
    pub(crate) fn wake(&self) {
        self.settled.notify_all();
        if let Some(thread) = &*self.thread.lock() {
            thread.unpark();
        }
    }

    /// Waits until something was settled, or for so long.
    pub(crate) fn wait_for_settled<'a>(
        &self,
        desk: MutexGuard<'a, Desk>,
        patience: Duration,
    ) -> MutexGuard<'a, Desk> {
        self.settled.wait_timeout(desk, patience)
    }

    /// Waits until what is settled is to be committed: after a while, or at once if somebody waits for it or it takes the
    /// room of what could be handed out; returns whether the membership goes on.
    pub(crate) fn wait_for_commit(&self, patience: Duration, is_hasty: bool) -> End {
        let until = Instant::now() + patience;
        let mut desk = self.desk();
        loop {
            let is_urgent =
                desk.commits_asked > desk.commits_made || desk.unsaved() * 2 >= self.max_in_flight;
            let left = until.saturating_duration_since(Instant::now());
            let is_over = !matches!(desk.end, End::No | End::Reached);
            if is_over || left.is_zero() || is_urgent && is_hasty {
                return desk.end;
            }
            desk = self.wait_for_settled(desk, left);
        }
    }

    /// Hands out what is there.
    pub(crate) fn offer(&self, max: usize) -> Offer {
        let mut desk = self.desk();
        desk.wanted = true;
        desk.is_seen();
        // Told first: under load there is always something to hand out.
        if let Some(gap) = desk.take_gap() {
            return Offer::Failed(gap);
        }
        let room = if desk.awaits_group {
            0
        } else {
            self.max_in_flight.saturating_sub(desk.in_flight())
        };
        let deliveries = desk.hand_out(max.min(room), Instant::now() + self.lease);
        if !deliveries.is_empty() {
            if std::mem::take(&mut desk.full) {
                drop(desk);
                self.wake();
            }
            return Offer::Taken(deliveries);
        }
        if let Some(failed) = desk.failed.pop_front() {
            return Offer::Failed(failed);
        }
        if desk.end != End::No {
            return Offer::End;
        }
        Offer::Wait
    }

    /// Ends the membership in this way.
    pub(crate) fn end(&self, end: End) {
        self.desk().end = end;
        self.came.notify_waiters();
        self.committed.notify_waiters();
        self.wake();
    }

    /// Tells who waits that something went wrong.
    pub(crate) fn fail(&self, failed: TransportError) {
        self.desk().fail(failed);
        self.came.notify_waiters();
    }
}
