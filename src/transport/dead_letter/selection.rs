//! Selections of dead letters.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{kind::DeadLetterKind, letter::DeadLetter, record::DeadLetterRecord};
use crate::{
    event::{Group, Pattern},
    transport::Failure,
};

/// A dead letter as a user names it: the beginning of its id, or the position of the original.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRef(pub String);

impl DeadLetterRef {
    /// Reports whether it names this letter.
    #[must_use]
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        letter.id.as_str().starts_with(&self.0) || letter.record.origin.position.as_str() == self.0
    }
}

/// A selection of dead letters: those that satisfy every condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// One of these letters; empty means all.
    #[serde(rename = "letters", default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<DeadLetterRef>,
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
    /// Why it was dead-lettered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DeadLetterKind>,
    /// The fingerprint, or its beginning after the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Dead-lettered at this time or later.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::transport::stamp::optional"
    )]
    pub since: Option<SystemTime>,
    /// Dead-lettered before this time.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::transport::stamp::optional"
    )]
    pub until: Option<SystemTime>,
    /// At least this many failed runs in total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_attempts: Option<u32>,
}

impl Selection {
    /// Reports whether it selects everything.
    #[must_use]
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Reports whether it selects the letter.
    #[must_use]
    pub fn matches(&self, letter: &DeadLetter) -> bool {
        let record = &letter.record;
        (self.ids.is_empty() || self.ids.iter().any(|named| named.matches(letter)))
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
            && self
                .since
                .is_none_or(|since| record.dead_lettered_at >= since)
            && self
                .until
                .is_none_or(|until| record.dead_lettered_at < until)
            && self
                .min_attempts
                .is_none_or(|least| record.total_attempts >= least)
    }
}

fn covers(pattern: &str, record: &DeadLetterRecord) -> bool {
    pattern
        .parse::<Pattern>()
        .is_ok_and(|pattern| pattern.matches(&record.origin.topic))
}

fn mentions(failure: &Failure, reason: &str) -> bool {
    let reason = reason.to_lowercase();
    failure.message.to_lowercase().contains(&reason)
        || failure.class.to_lowercase().contains(&reason)
}
