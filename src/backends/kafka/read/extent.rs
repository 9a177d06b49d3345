//! How far a read goes, what it has not started with, and what it polls.

use crate::{
    backends::kafka::codec::{record::FetchedRecord, topic_partition::OffsetRange},
    lock::Mutex,
};

/// The most records that are passed on at once, ...
pub(crate) const CHUNK: usize = 500;
/// ... and the bytes of their payloads after which no further one is added.
pub(crate) const CHUNK_BYTES: usize = 4 << 20;

/// How far a read goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To the end of each range.
    Bounded,
    /// The same, and another read goes on from there, which reports recreated topics.
    Followed,
    /// Until dropped.
    Following,
}

/// Ranges that the thread has not started to read.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Vec<OffsetRange>>);

impl Pending {
    pub(crate) fn add(&self, ranges: impl Iterator<Item = OffsetRange>) {
        self.0.lock().extend(ranges);
    }

    pub(crate) fn take(&self) -> Vec<OffsetRange> {
        std::mem::take(&mut *self.0.lock())
    }
}

/// The result of a poll.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(crate) enum Polled {
    /// A record, unless it is outside of its range.
    Record(Option<FetchedRecord>),
    Nothing,
}
