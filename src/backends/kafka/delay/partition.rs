//! What one partition of the delay topic holds, between the thread that reads it and the one that fires what is due.

use std::{
    sync::{Arc, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{Message as _, message::BorrowedMessage};

use super::{
    delayed_record,
    index::{Due, Pending},
};
use crate::{
    backends::kafka::codec::{compact_record::CompactRecord, record},
    lock::{Condvar, Mutex},
};

/// The longest sleep: the clock may be set meanwhile.
const NAP: i64 = 1000;

/// What the two threads share.
#[derive(Debug)]
pub(crate) struct Shelf {
    state: Mutex<State>,
    bell: Condvar,
}

#[derive(Debug)]
struct State {
    pending: Pending,
    /// The offset behind what was read.
    read_to: i64,
    /// What the firing thread waits for: that much read, or that time.
    until_read: Option<i64>,
    until_time: i64,
    until_change: bool,
    stopped: bool,
}

/// What is to be fired now.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) due: Vec<Due>,
    /// What comes next, to be read along where reading is needed.
    pub(crate) ahead: Vec<Due>,
}

impl Shelf {
    /// Prepares for a partition, with so much room for what waits in it, in bytes.
    pub(crate) fn new(place: (Arc<str>, i32), room: usize, soon: i64) -> Self {
        Self {
            state: Mutex::new(State {
                pending: Pending::within(place, room, soon),
                read_to: 0,
                until_read: None,
                until_time: i64::MIN,
                until_change: false,
                stopped: false,
            }),
            bell: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Takes in the next record of the partition.
    pub(crate) fn take(&self, record: &BorrowedMessage<'_>) {
        let due = delayed_record::due_of(record);
        let offset = record.offset();
        let mut state = self.lock();
        let is_change = record.key().is_some_and(|key| {
            let copy = || CompactRecord::copy(record);
            state.pending.note(key, offset, due, now(), copy)
        });
        let wanted = is_change && std::mem::take(&mut state.until_change);
        let sooner = due.is_some_and(|due| due < state.until_time);
        self.reached(state, offset + 1, sooner || wanted);
    }

    /// Takes in that there is nothing more before this offset.
    pub(crate) fn advance(&self, to: i64) {
        self.reached(self.lock(), to, false);
    }

    fn reached(&self, mut state: MutexGuard<'_, State>, to: i64, wanted: bool) {
        state.read_to = state.read_to.max(to);
        let enough = state.until_read.is_some_and(|end| end <= state.read_to);
        drop(state);
        if wanted || enough {
            self.bell.notify_all();
        }
    }

    /// Ends the work on this partition.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.bell.notify_all();
    }

    /// Tells whether the partition is no longer ours.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Tells whether somebody waits for the partition to be read to an end.
    pub(crate) fn is_awaited(&self) -> bool {
        self.lock().until_read.is_some()
    }

    /// Waits until everything before this offset was read; tells whether it was, and not stopped before.
    pub(crate) fn wait_until_read(&self, end: i64) -> bool {
        let mut state = self.lock();
        while state.read_to < end && !state.stopped {
            state.until_read = Some(end);
            state = self.sleep(state, NAP);
        }
        state.until_read = None;
        !state.stopped
    }

    /// Waits for a while; shorter if stopped.
    pub(crate) fn rest(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut state = self.lock();
        while !state.stopped
            && let left = end.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            state = self.bell.wait_timeout(state, left);
        }
    }

    /// The same until something that waits is changed or ended.
    pub(crate) fn rest_until_change(&self, pause: Duration) {
        let end = now() + i64::try_from(pause.as_millis()).unwrap_or(NAP);
        let mut state = self.lock();
        state.until_change = true;
        while !state.stopped && now() < end && state.until_change {
            state = self.sleep(state, end - now());
        }
        state.until_change = false;
    }

    /// Waits until something is due and takes it out; none if stopped. Where a record has to be read, those that come
    /// within `horizon` milliseconds are taken out too.
    pub(crate) fn next(&self, max: usize, horizon: i64, more: usize) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let due = state.pending.due(now(), max);
            if !due.is_empty() {
                let absent = due.iter().any(|due| due.record.is_none());
                let more = if absent { more } else { 0 };
                let ahead = state.pending.due(now() + horizon, more);
                return Some(Batch { due, ahead });
            }
            let next = state.pending.next().unwrap_or(i64::MAX);
            state.until_time = next;
            state = self.sleep(state, next.saturating_sub(now()).clamp(1, NAP));
            state.until_time = i64::MIN;
        }
    }

    fn sleep<'a>(&self, state: MutexGuard<'a, State>, millis: i64) -> MutexGuard<'a, State> {
        let pause = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        self.bell.wait_timeout(state, pause)
    }

    /// Puts back what was taken out and not fired; it is due at `time`, or when it was if that is none.
    pub(crate) fn put_back(&self, due: impl IntoIterator<Item = Due>, time: Option<i64>) {
        let mut state = self.lock();
        for due in due {
            let time = time.unwrap_or(due.time);
            state.pending.put_back(due, time);
        }
    }

    /// Returns the offset from which whoever comes after a batch has to read; the batch's offsets ascend.
    pub(crate) fn resume_at(&self, batch: &[i64]) -> i64 {
        let state = self.lock();
        state.pending.oldest_but(batch).unwrap_or(state.read_to)
    }

    /// Counts what waits.
    pub(crate) fn len(&self) -> usize {
        self.lock().pending.len()
    }
}

/// Returns the milliseconds since the epoch.
pub(crate) fn now() -> i64 {
    record::millis(SystemTime::now())
}
