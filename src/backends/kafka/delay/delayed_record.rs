//! A message that waits for its time: a record of a compacted topic under a key of its own. A later record of the
//! same key replaces it, an empty one ends it.

use std::time::SystemTime;

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde::{Deserialize, Serialize};

use crate::{
    backends::kafka::codec::record::{self, FetchedRecord, KEY, NULL, OutgoingRecord, WAITING},
    event::{Message, Position, Topic},
    transport::{Attempts, Lineage, Result},
};

/// What is known of a message that waits, as written down. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub(crate) due: i64,
    /// Where the message goes, or came from.
    pub(crate) topic: Topic,
    /// Where the original stands; none if it never stood anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) position: Option<Position>,
    /// When the original was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stored: Option<i64>,
    /// Handler runs that failed.
    #[serde(default)]
    pub(crate) failed: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_failed: Option<i64>,
    /// Its history, if it was replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lineage: Option<Box<Lineage>>,
}

impl Waiting {
    /// Returns what is known of a message that waits until then and never stood anywhere.
    pub(crate) fn new(topic: Topic, due: SystemTime) -> Self {
        Self {
            due: record::millis(due),
            topic,
            position: None,
            stored: None,
            failed: 0,
            first_failed: None,
            lineage: None,
        }
    }

    /// Returns when it is due.
    pub(crate) fn due(&self) -> SystemTime {
        record::time(Some(self.due))
    }

    /// Returns what became of earlier runs.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts {
            failed: self.failed,
            crashed: 0,
            first_failed: self.first_failed.map(|millis| record::time(Some(millis))),
        }
    }
}

/// Lays out a message that waits in this partition under this key.
pub(crate) fn write(
    (topic, partition): (&str, i32),
    key: Bytes,
    waiting: &Waiting,
    message: &Message,
) -> Result<OutgoingRecord> {
    let story = record::json(waiting)?;
    let mut marks: Vec<(&'static str, &[u8])> = vec![(WAITING, &story)];
    if let Some(key) = &message.key {
        marks.push((KEY, key));
    }
    if message.payload.is_none() {
        marks.push((NULL, b""));
    }
    Ok(OutgoingRecord {
        topic: topic.to_owned(),
        partition: Some(partition),
        key: Some(key),
        payload: Some(message.payload.clone().unwrap_or_default()),
        headers: Some(record::headers(message, &marks)),
    })
}

/// Reads a message that waits; none if the record is an end, or nothing of ours.
pub(crate) fn read(read: FetchedRecord) -> Option<(Waiting, Message)> {
    let payload = read.payload?;
    let waiting: Waiting = serde_json::from_slice(read.marks.get(WAITING)?).ok()?;
    let message = Message {
        topic: waiting.topic.clone(),
        key: read.marks.get(KEY).cloned(),
        headers: read.headers,
        payload: read.marks.get(NULL).is_none().then_some(payload),
    };
    Some((waiting, message))
}

/// Returns when a record is due; none if it is an end, or nothing of ours.
pub(crate) fn due(read: &FetchedRecord) -> Option<i64> {
    read.payload.as_ref()?;
    due_in(read.marks.get(WAITING)?)
}

/// Returns when a record is due without copying it; none if it is an end, or nothing of ours.
pub(crate) fn due_of(record: &BorrowedMessage<'_>) -> Option<i64> {
    record.payload()?;
    let headers = record.headers()?;
    let marks = headers.iter().filter(|header| header.key == WAITING);
    due_in(marks.last()?.value?)
}

fn due_in(story: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Due {
        due: i64,
    }
    let story: Due = serde_json::from_slice(story).ok()?;
    Some(story.due)
}

/// Returns the partition, of so many, in which a message waits: the same on every repeat, and one for each key.
pub(crate) fn partition(message: &Message, fallback: &[u8], partitions: i32) -> i32 {
    let key = message.key.as_deref().unwrap_or(fallback);
    let hash = crate::backends::fnv::fnv1a(key.iter().copied());
    let count = u64::try_from(partitions.max(1)).unwrap_or(1);
    i32::try_from(hash % count).unwrap_or(0)
}
