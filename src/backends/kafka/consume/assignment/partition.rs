//! A partition that is ours: how far it is seen and settled, or what of it waits.

use std::sync::Arc;

use crate::{
    backends::kafka::{
        connection::client::topic_ids::{IdentityChange, TopicIdentity},
        consume::offsets::offset_tracker::Tracker,
        delay::index::DelayIndex,
    },
    event::Topic,
};

/// The number of a partition for as long as we own it; a later ownership has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct PartId(pub(crate) u64);

/// A partition that is ours.
#[derive(Debug)]
pub(crate) struct Part {
    /// Kafka's name of the topic.
    pub(crate) name: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) kind: Kind,
}

/// What a partition holds.
#[derive(Debug)]
pub(crate) enum Kind {
    /// Messages of a topic.
    Messages {
        topic: Topic,
        tracker: Tracker,
        /// The offset before which a bounded membership ends.
        end: Option<i64>,
    },
    /// Retries of the group.
    Retries(Box<Retries>),
}

/// A partition of retries.
#[derive(Debug)]
pub(crate) struct Retries {
    /// The topic of which these are the retries; none for those of all topics, which earlier versions kept together.
    pub(crate) topic: Option<Topic>,
    pub(crate) pending: DelayIndex,
    pub(crate) seen: i64,
    /// Nothing is handed out before this offset was reached.
    pub(crate) barrier: i64,
    pub(crate) committed: i64,
    /// It is stopped until others were read.
    pub(crate) is_held: bool,
    /// What a commit under way makes durable.
    pub(crate) saving: Option<i64>,
    /// Which topic it is, should it be deleted and created again.
    pub(crate) identity: Option<TopicIdentity>,
}

impl Kind {
    /// Returns the offset behind the last one seen.
    pub(crate) fn seen(&self) -> i64 {
        match self {
            Self::Messages { tracker, .. } => tracker.seen(),
            Self::Retries(retries) => retries.seen,
        }
    }

    /// Returns which topic it is, if that is known.
    pub(crate) fn identity(&self) -> Option<TopicIdentity> {
        match self {
            Self::Messages { tracker, .. } => tracker.identity(),
            Self::Retries(retries) => retries.identity,
        }
    }

    /// Notes which topic it is, now that this is known.
    pub(crate) fn is_of(&mut self, present: TopicIdentity, kinship: IdentityChange) {
        match self {
            Self::Messages { tracker, .. } => tracker.is_of(present, kinship),
            Self::Retries(retries) => retries.identity = Some(present),
        }
    }

    /// Returns the offset before which a bounded membership ends; it is done with retries otherwise.
    pub(crate) fn end(&self) -> Option<i64> {
        match self {
            Self::Messages { end, .. } => *end,
            Self::Retries(_) => None,
        }
    }

    /// Reports whether a bounded membership wants nothing more of it.
    pub(crate) fn is_passed(&self) -> bool {
        self.end().is_some_and(|end| self.seen() >= end)
    }

    /// Returns how many are settled and not durably so; what waited was ended by a record.
    pub(crate) fn unsaved(&self) -> usize {
        match self {
            Self::Messages { tracker, .. } => tracker.unsaved(),
            Self::Retries(_) => 0,
        }
    }

    /// Notes that what was to be committed was, or was not.
    pub(crate) fn concludes(&mut self, is_committed: bool) {
        match self {
            Self::Messages { tracker, .. } => tracker.concludes(is_committed),
            Self::Retries(retries) => match retries.saving.take() {
                Some(offset) if is_committed => retries.committed = offset,
                _ => {}
            },
        }
    }

    /// Notes that everything before an offset was seen, also where there was no record.
    pub(crate) fn saw(&mut self, offset: i64) {
        match self {
            Self::Messages { tracker, .. } => tracker.saw(offset),
            Self::Retries(retries) => retries.seen = retries.seen.max(offset),
        }
    }
}

impl Retries {
    /// Reports whether these are kept as earlier versions did: to be forwarded, and handed out to nobody.
    pub(crate) fn is_legacy(&self) -> bool {
        self.topic.is_none()
    }

    /// Reports whether everything that had been written when the partition became ours was read.
    pub(crate) fn is_read(&self) -> bool {
        self.seen >= self.barrier
    }

    /// Returns what is to be committed if it changed since this was asked last: nobody need read what is before it.
    pub(crate) fn changes(&mut self) -> Option<i64> {
        let offset = self.pending.oldest().unwrap_or(self.seen);
        if !self.is_read() || offset == self.committed {
            return None;
        }
        self.saving = Some(offset);
        self.saving
    }
}
