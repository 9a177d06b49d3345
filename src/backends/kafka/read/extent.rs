//! How far a read goes, and what it has not started with.

use crate::{backends::kafka::codec::topic_partition::OffsetRange, lock::Mutex};

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
