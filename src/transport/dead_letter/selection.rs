//! Which dead letters are meant.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{kind::LetterKind, letter::DeadLetter, record::LetterRecord};
use crate::{
    event::{Group, Pattern},
    transport::Failure,
};

/// A letter named by a person: the beginning of an id, or the position of the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterRef(pub String);

impl LetterRef {
    /// Reports whether this letter is meant.
    #[must_use]
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        letter.id.as_str().starts_with(&self.0) || letter.record.origin.position.as_str() == self.0
    }
}

/// Which dead letters are meant: those that satisfy every condition given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// Any of these letters; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub letters: Vec<LetterRef>,
    /// Original topics, as patterns; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// The group that gave up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
    /// The event's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// A part of the failure's message or class, letter case ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<LetterKind>,
    /// The sort of failure, or the beginning of its name behind the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Dead since then or later.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::transport::stamp::optional"
    )]
    pub since: Option<SystemTime>,
    /// Dead before then.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::transport::stamp::optional"
    )]
    pub until: Option<SystemTime>,
    /// At least so many failed runs in all lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_attempts: Option<u32>,
}

impl Selection {
    /// Reports whether it selects everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Reports whether the letter is meant.
    #[must_use]
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        let record = &letter.record;
        (self.letters.is_empty() || self.letters.iter().any(|named| named.matches(letter)))
            && (self.topics.is_empty() || self.topics.iter().any(|text| covers(text, record)))
            && self
                .group
                .as_ref()
                .is_none_or(|group| *group == record.group)
            && (self.event_type.is_none() || self.event_type == record.event_type)
            && self
                .reason
                .as_ref()
                .is_none_or(|reason| mentions(&record.failure, reason))
            && self.kind.is_none_or(|kind| kind == record.kind)
            && self
                .fingerprint
                .as_ref()
                .is_none_or(|text| record.failure.fingerprint.begins_with(text))
            && self.since.is_none_or(|since| record.dead_since >= since)
            && self.until.is_none_or(|until| record.dead_since < until)
            && self
                .min_attempts
                .is_none_or(|least| record.total_attempts >= least)
    }
}

fn covers(pattern: &str, record: &LetterRecord) -> bool {
    pattern
        .parse::<Pattern>()
        .is_ok_and(|pattern| pattern.matches(&record.origin.topic))
}

fn mentions(failure: &Failure, reason: &str) -> bool {
    let reason = reason.to_lowercase();
    failure.message.to_lowercase().contains(&reason)
        || failure.class.to_lowercase().contains(&reason)
}
