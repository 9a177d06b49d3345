//! The record of a dead letter, stored beside its message: where it comes from and how it failed.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{id::DeadLetterId, kind::DeadLetterKind};
use crate::{
    event::{Group, Position, Topic},
    transport::Failure,
};

/// A detail that would be shorter than this is dropped.
const SHORTEST: usize = 64;

/// The original of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The URL scheme.
    pub transport: String,
    /// The store's own name, the same from every host and after a restart.
    pub store: String,
    /// The topic.
    pub topic: Topic,
    /// The position that the message was first stored at.
    pub position: Position,
    /// When the message was stored there.
    #[serde(with = "crate::transport::stamp")]
    pub time: SystemTime,
}

/// Where a dead letter comes from and how it failed, as stored beside the message. Version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRecord {
    /// The version of this form.
    pub version: u32,
    /// The original.
    pub origin: Origin,
    /// The group that gave up.
    pub group: Group,
    /// Why it gave up.
    pub kind: DeadLetterKind,
    /// How the last run failed.
    pub failure: Failure,
    /// How earlier runs failed, one line each, the first and the last few; only where the store keeps them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<String>,
    /// Handler runs that failed since the last replay.
    pub attempts: u32,
    /// Handler runs that failed in total, over replays.
    pub total_attempts: u32,
    /// Runs that crashed the process.
    pub crashes: u32,
    /// When the first run since the last replay failed.
    #[serde(with = "crate::transport::stamp")]
    pub first_failed: SystemTime,
    /// When it was dead-lettered.
    #[serde(rename = "dead_since", with = "crate::transport::stamp")]
    pub dead_lettered_at: SystemTime,
    /// How often it was replayed before.
    pub generation: u32,
    /// The dead letter whose replay failed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_of: Option<DeadLetterId>,
    /// The dead letter that this one is an edited copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_of: Option<DeadLetterId>,
    /// The hash of the request that edited it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<String>,
    /// Whether another program stored it, or its original; kept over edits, export and import.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub foreign: bool,
    /// The event's id, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The event's type, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
}

impl DeadLetterRecord {
    /// The most bytes that a stored record takes, as JSON.
    pub const MAX_LEN: usize = 4096;

    /// Returns the record shortened to at most `max` bytes of JSON.
    ///
    /// It loses, each only as far as needed, the middle of the earlier failures, the beginning of the detail, and the end of
    /// the message. Class, event id and event type stay unless the record is too long even without all of these; then the
    /// longest of them goes first. The origin and the counts always stay, so that in the extreme the record may be longer.
    #[must_use]
    pub fn fit(&self, max: usize) -> Self {
        let mut record = self.clone();
        while let Some(excess) = record.excess(max) {
            if !record.shorten(excess) {
                break;
            }
        }
        record
    }

    /// Returns the record without earlier failures and detail, at most [`MAX_LEN`](Self::MAX_LEN) bytes long: what is left
    /// where the message leaves little room.
    #[must_use]
    pub fn brief(&self) -> Self {
        let mut record = self.clone();
        record.earlier.clear();
        record.failure.detail = None;
        record.fit(Self::MAX_LEN)
    }

    /// Returns by how many bytes the record is too long, if it is.
    fn excess(&self, max: usize) -> Option<usize> {
        let length = serde_json::to_vec(self).map_or(0, |text| text.len());
        length.checked_sub(max).filter(|excess| *excess > 0)
    }

    /// Takes the next thing away; `false` if nothing is left to take. Texts lose at most half at a time: a character may
    /// take six bytes in JSON and one in memory.
    fn shorten(&mut self, excess: usize) -> bool {
        let kept = |text: &str| text.len().saturating_sub(excess.min(text.len() / 2 + 1));
        let failure = &mut self.failure;
        if !self.earlier.is_empty() {
            self.earlier.remove(self.earlier.len() / 2);
        } else if let Some(detail) = failure.detail.take() {
            let start = detail.ceil_char_boundary(detail.len() - kept(&detail));
            failure.detail = Some(detail[start..].to_owned()).filter(|rest| rest.len() > SHORTEST);
        } else if !failure.message.is_empty() {
            let end = kept(&failure.message);
            failure
                .message
                .truncate(failure.message.floor_char_boundary(end));
        } else {
            return self.drop_longest_name();
        }
        true
    }

    /// Drops the longest of class, event id and event type; `false` if none is left.
    fn drop_longest_name(&mut self) -> bool {
        let length = |name: &Option<String>| name.as_ref().map_or(0, String::len);
        let (class, id, ty) = (
            self.failure.class.len(),
            length(&self.event_id),
            length(&self.event_type),
        );
        let longest = class.max(id).max(ty);
        if longest == 0 {
            return false;
        }
        if id == longest {
            self.event_id = None;
        } else if ty == longest {
            self.event_type = None;
        } else {
            self.failure.class.clear();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transport::{DeadLetterKind, Fingerprint};

    fn record(texts: [String; 5], earlier: Vec<String>) -> DeadLetterRecord {
        let [class, message, detail, id, ty] = texts;
        let now = SystemTime::UNIX_EPOCH;
        DeadLetterRecord {
            version: 1,
            origin: Origin {
                transport: "test".to_owned(),
                store: "store".to_owned(),
                topic: "order".parse().unwrap(),
                position: Position::new("1"),
                time: now,
            },
            group: "g".parse().unwrap(),
            kind: DeadLetterKind::Permanent,
            failure: Failure {
                class,
                message,
                detail: Some(detail),
                duration: None,
                fingerprint: Fingerprint("1:x".to_owned()),
            },
            earlier,
            attempts: 1,
            total_attempts: 1,
            crashes: 0,
            first_failed: now,
            dead_lettered_at: now,
            generation: 0,
            replay_of: None,
            edit_of: None,
            edit: None,
            foreign: false,
            event_id: Some(id),
            event_type: Some(ty),
        }
    }

    fn length(record: &DeadLetterRecord) -> usize {
        serde_json::to_vec(record).unwrap().len()
    }

    /// Returns the record without all that may be shortened.
    fn bare(record: &DeadLetterRecord) -> DeadLetterRecord {
        let mut bare = record.clone();
        bare.earlier.clear();
        bare.failure.detail = None;
        bare.failure.message.clear();
        bare
    }

    prop_compose! {
        fn records()(
            texts in prop::array::uniform5("(\\PC|[\u{0}-\u{1f}\"é字]){0,600}"),
            earlier in prop::collection::vec("\\PC{0,200}", 0..8),
        ) -> DeadLetterRecord {
            record(texts, earlier)
        }
    }

    proptest! {
        #[test]
        fn a_fitted_record_loses_things_in_one_order(record in records(), max in 600_usize..5_000) {
            let fitted = record.fit(max);
            prop_assert!(length(&fitted) <= max, "{} > {max}", length(&fitted));
            if length(&record) <= max {
                prop_assert_eq!(&fitted, &record);
            }
            let (before, after) = (&record.failure, &fitted.failure);
            let detail = before.detail.clone().unwrap();
            if after.detail != before.detail {
                prop_assert!(fitted.earlier.is_empty());
                prop_assert!(detail.ends_with(after.detail.as_deref().unwrap_or_default()));
            }
            if after.message != before.message {
                prop_assert_eq!(&after.detail, &None);
                prop_assert!(before.message.starts_with(&after.message));
            }
            if length(&bare(&record)) <= max {
                prop_assert_eq!(&after.class, &before.class);
                prop_assert_eq!(&fitted.event_id, &record.event_id);
                prop_assert_eq!(&fitted.event_type, &record.event_type);
            }
            prop_assert_eq!((&fitted.origin, &after.fingerprint), (&record.origin, &before.fingerprint));
        }

        #[test]
        fn a_brief_record_is_a_fitted_one_without_detail(record in records()) {
            let brief = record.brief();
            prop_assert!(length(&brief) <= DeadLetterRecord::MAX_LEN);
            prop_assert_eq!((&brief.failure.detail, brief.earlier.len()), (&None, 0));
        }
    }

    #[test]
    fn only_the_longest_name_goes() {
        let long = "x".repeat(5_000);
        let texts = ["exit 1", "boom", "", &long, "order.created"].map(str::to_owned);
        let fitted = record(texts, Vec::new()).fit(DeadLetterRecord::MAX_LEN);
        assert_eq!(fitted.event_id, None);
        assert_eq!(fitted.event_type.as_deref(), Some("order.created"));
        assert_eq!(fitted.failure.class, "exit 1");
    }
}
