//! A delayed message or retry as a record of a compacted topic, under a key of its own. A later record of the same key
//! replaces it, a tombstone ends it.

use std::time::SystemTime;

use bytes::Bytes;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use serde::{Deserialize, Serialize};

use crate::{
    backends::kafka::codec::record::{self, FetchedRecord, KEY, NULL, OutgoingRecord, WAITING},
    event::{Message, Position, Topic},
    transport::{Attempts, Lineage, Result},
};

/// The metadata of a delayed message or retry, stored in a header as JSON. Times are milliseconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DelayedRecord {
    pub(crate) due: i64,
    /// The topic that a delayed message goes to, or that a retry came from.
    pub(crate) topic: Topic,
    /// The position of the original; none if it was never stored, as a delayed message.
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
    /// The lineage of a replayed message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lineage: Option<Box<Lineage>>,
}

impl DelayedRecord {
    /// Returns the metadata of a message that was never stored in a topic and is due then.
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

    /// Returns the attempts so far.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts {
            failed: self.failed,
            crashed: 0,
            first_failed: self.first_failed.map(|millis| record::time(Some(millis))),
        }
    }
}

/// Encodes a delayed message for a partition and a key.
pub(crate) fn encode(
    (topic, partition): (&str, i32),
    key: Bytes,
    waiting: &DelayedRecord,
    message: &Message,
) -> Result<OutgoingRecord> {
    let metadata = record::json(waiting)?;
    let mut headers: Vec<(&'static str, &[u8])> = vec![(WAITING, &metadata)];
    if let Some(key) = &message.key {
        headers.push((KEY, key));
    }
    if message.payload.is_none() {
        headers.push((NULL, b""));
    }
    Ok(OutgoingRecord {
        topic: topic.to_owned(),
        partition: Some(partition),
        key: Some(key),
        payload: Some(message.payload.clone().unwrap_or_default()),
        headers: Some(record::headers(message, &headers)),
    })
}

/// Decodes a delayed message; none if the record is a tombstone or was written by another program.
pub(crate) fn decode(read: FetchedRecord) -> Option<(DelayedRecord, Message)> {
    let payload = read.payload?;
    let waiting: DelayedRecord = serde_json::from_slice(read.marks.get(WAITING)?).ok()?;
    let message = Message {
        topic: waiting.topic.clone(),
        key: read.marks.get(KEY).cloned(),
        headers: read.headers,
        payload: read.marks.get(NULL).is_none().then_some(payload),
    };
    Some((waiting, message))
}

/// Returns when a record is due; none if it is a tombstone or was written by another program.
pub(crate) fn due(read: &FetchedRecord) -> Option<i64> {
    read.payload.as_ref()?;
    due_in(read.marks.get(WAITING)?)
}

/// Returns when a record is due without copying it; none if it is a tombstone or was written by another program.
pub(crate) fn due_of(record: &BorrowedMessage<'_>) -> Option<i64> {
    record.payload()?;
    let headers = record.headers()?;
    let found = headers.iter().filter(|header| header.key == WAITING);
    due_in(found.last()?.value?)
}

fn due_in(metadata: &[u8]) -> Option<i64> {
    #[derive(Deserialize)]
    struct Due {
        due: i64,
    }
    let metadata: Due = serde_json::from_slice(metadata).ok()?;
    Some(metadata.due)
}

/// Returns the partition that stores a delayed message: the same for every message of a key, and the same when the
/// message is stored again, so that its records replace each other.
pub(crate) fn partition(message: &Message, fallback: &[u8], partitions: i32) -> i32 {
    let key = message.key.as_deref().unwrap_or(fallback);
    let hash = crate::backends::fnv::fnv1a(key.iter().copied());
    let count = u64::try_from(partitions.max(1)).unwrap_or(1);
    i32::try_from(hash % count).unwrap_or(0)
}
