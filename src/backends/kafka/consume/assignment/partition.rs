//! An assigned partition: messages and how far they are settled, or retries and when each is due.

use crate::{
    backends::kafka::{
        codec::topic_partition::TopicPartition,
        connection::client::topic_ids::{IdentityChange, TopicIdentity},
        consume::offsets::offset_tracker::OffsetTracker,
        delay::index::DelayIndex,
    },
    event::Topic,
};

/// Identifies one assignment of a partition; a later assignment of the same partition has another id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AssignmentId(pub(crate) u64);

/// An assigned partition.
#[derive(Debug)]
pub(crate) struct AssignedPartition {
    pub(crate) at: TopicPartition,
    pub(crate) kind: PartitionKind,
}

/// The contents of a partition.
#[derive(Debug)]
pub(crate) enum PartitionKind {
    /// Messages of a topic.
    Messages {
        topic: Topic,
        tracker: OffsetTracker,
        /// The offset up to which a bounded subscription reads.
        end: Option<i64>,
    },
    /// Retries of the group.
    Retries(Box<RetryPartition>),
}

/// A partition of retries.
#[derive(Debug)]
pub(crate) struct RetryPartition {
    /// The topic whose retries these are; none for an earlier version's topic, which holds those of all topics.
    pub(crate) topic: Option<Topic>,
    pub(crate) index: DelayIndex,
    /// The offset behind the last record that was read.
    pub(crate) seen: i64,
    /// The end of the log when the partition was assigned. No retry is delivered before it was read up to here: a former
    /// owner may have ended any of them.
    pub(crate) barrier: i64,
    pub(crate) committed: i64,
    /// It is paused until others are caught up.
    pub(crate) is_held_back: bool,
    /// The offset that a running commit makes durable.
    pub(crate) committing: Option<i64>,
    /// Tells the topic from one that is created under its name later.
    pub(crate) identity: Option<TopicIdentity>,
}

impl PartitionKind {
    /// Returns the offset behind the last record that was read.
    pub(crate) fn seen(&self) -> i64 {
        match self {
            Self::Messages { tracker, .. } => tracker.seen(),
            Self::Retries(retries) => retries.seen,
        }
    }

    /// Returns the identity of the topic, if it is known.
    pub(crate) fn identity(&self) -> Option<TopicIdentity> {
        match self {
            Self::Messages { tracker, .. } => tracker.identity(),
            Self::Retries(retries) => retries.identity,
        }
    }

    /// Notes the identity of the topic, once it is known.
    pub(crate) fn set_identity(&mut self, present: TopicIdentity, change: IdentityChange) {
        match self {
            Self::Messages { tracker, .. } => tracker.set_identity(present, change),
            Self::Retries(retries) => retries.identity = Some(present),
        }
    }

    /// Returns the offset up to which a bounded subscription reads messages; retries end by their time.
    pub(crate) fn end(&self) -> Option<i64> {
        match self {
            Self::Messages { end, .. } => *end,
            Self::Retries(_) => None,
        }
    }

    /// Reports whether a bounded subscription has read all that it reads of it.
    pub(crate) fn is_passed(&self) -> bool {
        self.end().is_some_and(|end| self.seen() >= end)
    }

    /// Counts messages that are settled and not durably so; a settled retry was ended by a record.
    pub(crate) fn uncommitted(&self) -> usize {
        match self {
            Self::Messages { tracker, .. } => tracker.uncommitted(),
            Self::Retries(_) => 0,
        }
    }

    /// Notes that a commit succeeded or failed.
    pub(crate) fn on_commit(&mut self, is_committed: bool) {
        match self {
            Self::Messages { tracker, .. } => tracker.on_commit(is_committed),
            Self::Retries(retries) => match retries.committing.take() {
                Some(offset) if is_committed => retries.committed = offset,
                _ => {}
            },
        }
    }

    /// Notes that everything before an offset was read, also where it has no record.
    pub(crate) fn advance_to(&mut self, offset: i64) {
        match self {
            Self::Messages { tracker, .. } => tracker.advance_to(offset),
            Self::Retries(retries) => retries.seen = retries.seen.max(offset),
        }
    }
}

impl RetryPartition {
    /// Reports whether an earlier version stored these: they are moved, and never delivered from here.
    pub(crate) fn is_legacy(&self) -> bool {
        self.topic.is_none()
    }

    /// Reports whether everything that had been stored when the partition was assigned was read.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.seen >= self.barrier
    }

    /// Returns the offset to commit, if it changed: the oldest retry that is not ended. No owner has to read what is before.
    pub(crate) fn offset_to_commit(&mut self) -> Option<i64> {
        let offset = self.index.oldest().unwrap_or(self.seen);
        if !self.is_caught_up() || offset == self.committed {
            return None;
        }
        self.committing = Some(offset);
        self.committing
    }
}
