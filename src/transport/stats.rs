//! Dead letters counted by what they have in common.

use std::time::SystemTime;

use serde::Serialize;

use super::{DeadLetter, Fingerprint, LetterKind};
use crate::event::{Group, Topic};

/// How many letters are alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatsRow {
    /// The original topic.
    pub topic: Topic,
    /// The group that gave up.
    pub group: Group,
    /// Why.
    pub kind: LetterKind,
    /// The sort of failure.
    pub fingerprint: Fingerprint,
    /// The message of one of them.
    pub sample: String,
    /// How many.
    pub count: u64,
    /// When the first of them died.
    #[serde(with = "super::stamp")]
    pub first: SystemTime,
    /// When the last of them died.
    #[serde(with = "super::stamp")]
    pub last: SystemTime,
}

/// Letters counted by what they have in common, most frequent first.
pub type Stats = Vec<StatsRow>;

impl StatsRow {
    /// Begins to count letters like this one.
    #[must_use]
    pub fn of(letter: &DeadLetter) -> Self {
        let record = &letter.record;
        Self {
            topic: record.origin.topic.clone(),
            group: record.group.clone(),
            kind: record.kind,
            fingerprint: record.failure.fingerprint.clone(),
            sample: record.failure.message.clone(),
            count: 1,
            first: record.dead_since,
            last: record.dead_since,
        }
    }

    /// Counts one more letter that is like the others.
    pub fn add(&mut self, letter: &DeadLetter) {
        let died = letter.record.dead_since;
        self.count += 1;
        self.first = self.first.min(died);
        self.last = self.last.max(died);
    }
}
