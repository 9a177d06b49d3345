//! The state of one partition of the delay topic, shared by the thread that reads it and the thread that fires its events.

use std::{
    sync::MutexGuard,
    time::{Duration, Instant},
};

use rdkafka::{Message as _, message::BorrowedMessage};

use super::{
    delayed_record,
    index::{DelayIndex, Due},
};
use crate::{
    backends::kafka::codec::{
        compact_record::CompactRecord, record, topic_partition::TopicPartition,
    },
    lock::{Condvar, Mutex},
};

/// The longest sleep, in milliseconds: the clock may be set meanwhile.
const MAX_SLEEP: i64 = 1000;

/// What the two threads share.
#[derive(Debug)]
pub(crate) struct DelayPartition {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    index: DelayIndex,
    /// The offset after the last record that was read.
    read_to: i64,
    /// What the firing thread waits for: an offset, a time, or a change of a record.
    until_read: Option<i64>,
    until_time: i64,
    until_change: bool,
    stopped: bool,
}

/// Events to fire now.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) due: Vec<Due>,
    /// Events that are due next, fetched together with those that have to be fetched.
    pub(crate) ahead: Vec<Due>,
}

impl DelayPartition {
    /// Prepares for a partition, with a memory budget for its index in bytes.
    pub(crate) fn new(at: TopicPartition, room: usize, cache_horizon: i64) -> Self {
        Self {
            state: Mutex::new(State {
                index: DelayIndex::within(at, room, cache_horizon),
                read_to: 0,
                until_read: None,
                until_time: i64::MIN,
                until_change: false,
                stopped: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds the next record of the partition.
    pub(crate) fn take(&self, record: &BorrowedMessage<'_>) {
        let due = delayed_record::due_of(record);
        let offset = record.offset();
        let mut state = self.lock();
        let is_change = record.key().is_some_and(|key| {
            let copy = || CompactRecord::copy(record);
            state
                .index
                .note(key, offset, due, record::now_millis(), copy)
        });
        let wanted = is_change && std::mem::take(&mut state.until_change);
        let sooner = due.is_some_and(|due| due < state.until_time);
        self.reached(state, offset + 1, sooner || wanted);
    }

    /// Notes that there are no more records before this offset.
    pub(crate) fn advance(&self, to: i64) {
        self.reached(self.lock(), to, false);
    }

    fn reached(&self, mut state: MutexGuard<'_, State>, to: i64, wanted: bool) {
        state.read_to = state.read_to.max(to);
        let enough = state.until_read.is_some_and(|end| end <= state.read_to);
        drop(state);
        if wanted || enough {
            self.changed.notify_all();
        }
    }

    /// Ends the work on this partition: it was revoked, or the dispatcher stops.
    pub(crate) fn stop(&self) {
        self.lock().stopped = true;
        self.changed.notify_all();
    }

    /// Reports whether the work on the partition has ended.
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Reports whether the firing thread waits for the partition to be read up to an offset.
    pub(crate) fn is_awaited(&self) -> bool {
        self.lock().until_read.is_some()
    }

    /// Waits until everything before this offset was read; false if stopped before.
    pub(crate) fn wait_until_read(&self, end: i64) -> bool {
        let mut state = self.lock();
        while state.read_to < end && !state.stopped {
            state.until_read = Some(end);
            state = self.wait(state, MAX_SLEEP);
        }
        state.until_read = None;
        !state.stopped
    }

    /// Sleeps; shorter if stopped.
    pub(crate) fn sleep(&self, pause: Duration) {
        let end = Instant::now() + pause;
        let mut state = self.lock();
        while !state.stopped
            && let left = end.saturating_duration_since(Instant::now())
            && !left.is_zero()
        {
            state = self.changed.wait_timeout(state, left);
        }
    }

    /// The same, and no longer than until a record is replaced or ended.
    pub(crate) fn sleep_until_change(&self, pause: Duration) {
        let end = record::now_millis() + i64::try_from(pause.as_millis()).unwrap_or(MAX_SLEEP);
        let mut state = self.lock();
        state.until_change = true;
        while !state.stopped && record::now_millis() < end && state.until_change {
            state = self.wait(state, end - record::now_millis());
        }
        state.until_change = false;
    }

    /// Waits until records are due and takes them out; none if stopped. Where one of them has to be fetched, those due
    /// within `horizon` milliseconds are taken out too.
    pub(crate) fn next(&self, max: usize, horizon: i64, more: usize) -> Option<Batch> {
        let mut state = self.lock();
        loop {
            if state.stopped {
                return None;
            }
            let due = state.index.due(record::now_millis(), max);
            if !due.is_empty() {
                let absent = due.iter().any(|due| due.record.is_none());
                let more = if absent { more } else { 0 };
                let ahead = state.index.due(record::now_millis() + horizon, more);
                return Some(Batch { due, ahead });
            }
            let next = state.index.next().unwrap_or(i64::MAX);
            state.until_time = next;
            state = self.wait(
                state,
                next.saturating_sub(record::now_millis())
                    .clamp(1, MAX_SLEEP),
            );
            state.until_time = i64::MIN;
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, millis: i64) -> MutexGuard<'a, State> {
        let pause = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        self.changed.wait_timeout(state, pause)
    }

    /// Puts back records that were taken out and not fired; they are due at `time`, or when they were before.
    pub(crate) fn put_back(&self, due: impl IntoIterator<Item = Due>, time: Option<i64>) {
        let mut state = self.lock();
        for due in due {
            let time = time.unwrap_or(due.time);
            state.index.put_back(due, time);
        }
    }

    /// Returns the offset from which a later owner has to read once a batch was fired, whose offsets ascend.
    pub(crate) fn resume_at(&self, batch: &[i64]) -> i64 {
        let state = self.lock();
        state.index.oldest_except(batch).unwrap_or(state.read_to)
    }

    /// Counts the records that are not ended.
    pub(crate) fn len(&self) -> usize {
        self.lock().index.len()
    }
}
