//! Retries: a message in the retry topic of its group, with what happened to it before.
//!
//! Beside Protoflow's own record, a retry has the properties that Java's clients write and read, so that consumers of both
//! kinds may share a group.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{
    message::{Inbound, Outbound},
    message_id::parse_id,
    properties::{LINEAGE, Marks, RETRY},
};
use crate::{
    event::{Headers, Message, Position, Stored, Topic},
    transport::{Attempts, Lineage},
};

/// How often it was retried.
pub(crate) const RECONSUME_TIMES: &str = "RECONSUMETIMES";
/// The topic of the original.
pub(crate) const REAL_TOPIC: &str = "REAL_TOPIC";
/// The id of the original.
pub(crate) const ORIGIN_MESSAGE_ID: &str = "ORIGIN_MESSAGE_ID";
/// The same under the name of older clients.
pub(crate) const ORIGIN_MESSAGE_ID_OLD: &str = "ORIGIN_MESSAGE_IDY_TIME";
/// The subscription that failed.
pub(crate) const REAL_SUBSCRIPTION: &str = "REAL_SUBSCRIPTION";
/// Properties that Java's clients write.
pub(crate) const JAVA: [&str; 8] = [
    RECONSUME_TIMES,
    REAL_TOPIC,
    ORIGIN_MESSAGE_ID,
    ORIGIN_MESSAGE_ID_OLD,
    REAL_SUBSCRIPTION,
    "DELAY_TIME",
    "RETRY_TOPIC",
    "EXCEPTION",
];

/// What happened to a message before its retry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetryRecord {
    /// Where the original is stored.
    pub(crate) position: Position,
    #[serde(with = "crate::transport::stamp")]
    pub(crate) time: SystemTime,
    /// Handler runs that failed.
    pub(crate) failed: u32,
    #[serde(with = "crate::transport::stamp")]
    pub(crate) first_failed: SystemTime,
    /// How earlier runs failed, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) earlier: Vec<String>,
    /// How many properties of Java's clients were added.
    pub(crate) added: usize,
}

impl RetryRecord {
    /// Encodes the retry of a message under this record.
    pub(crate) fn outbound(
        mut self,
        message: &Message,
        lineage: Option<&Lineage>,
        real_topic: &str,
    ) -> Outbound {
        let id = self
            .position
            .as_str()
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let java = [
            (RECONSUME_TIMES, self.failed.to_string()),
            (REAL_TOPIC, real_topic.to_owned()),
            (ORIGIN_MESSAGE_ID, id.to_owned()),
        ];
        self.added = java.len();
        let mut with_java = message.clone();
        for (name, value) in java {
            with_java.headers.push_known(name, Some(value.into()));
        }
        let mut marks = Marks::default().with(RETRY, json(&self));
        if let Some(lineage) = lineage {
            marks = marks.with(LINEAGE, json(lineage));
        }
        Outbound::internal(&with_java, &marks)
    }
}

/// A message as its consumer gets it.
#[derive(Debug)]
pub(crate) struct Consumed {
    pub(crate) stored: Stored,
    pub(crate) attempts: Attempts,
    pub(crate) lineage: Option<Box<Lineage>>,
}

/// Reads a message of a topic.
pub(crate) fn read_original(inbound: &Inbound, topic: &Topic) -> Consumed {
    Consumed {
        stored: inbound.stored(topic),
        attempts: Attempts::default(),
        lineage: lineage(inbound),
    }
}

/// Reads a message of the retry topic `name` that a group has for a topic: a retry, also of Java's clients, or a replay.
pub(crate) fn read_retry(inbound: &Inbound, topic: &Topic, name: &str) -> Consumed {
    let mut stored = inbound.stored(topic);
    let record: Option<RetryRecord> = inbound
        .marks
        .get(RETRY)
        .and_then(|text| serde_json::from_str(text).ok());
    let attempts = if let Some(record) = record {
        stored.message.headers = without_last(&inbound.headers, record.added);
        stored.position = record.position;
        stored.time = record.time;
        Attempts {
            failed: record.failed,
            crashed: 0,
            // One that was only moved never failed.
            first_failed: (record.failed > 0).then_some(record.first_failed),
        }
    } else {
        stored.position = Position::new(format!("{name}/{}", inbound.id.text()));
        read_java(inbound, topic, &mut stored)
    };
    Consumed {
        stored,
        attempts,
        lineage: lineage(inbound),
    }
}

/// Reads what a client for Java says of a retry.
fn read_java(inbound: &Inbound, topic: &Topic, stored: &mut Stored) -> Attempts {
    let times = inbound.headers.text(RECONSUME_TIMES);
    let Some(failed) = times.and_then(|times| times.parse().ok()) else {
        return Attempts::default();
    };
    if let Some(id) = inbound.headers.text(ORIGIN_MESSAGE_ID).and_then(parse_id) {
        stored.position = id.position(topic);
    }
    stored.message.headers.retain(|name| !JAVA.contains(&name));
    Attempts {
        failed,
        crashed: 0,
        first_failed: Some(inbound.time),
    }
}

/// Returns the history of a replayed message.
pub(crate) fn lineage(inbound: &Inbound) -> Option<Box<Lineage>> {
    let text = inbound.marks.get(LINEAGE)?;
    serde_json::from_str(text).ok().map(Box::new)
}

fn without_last(headers: &Headers, count: usize) -> Headers {
    let kept = headers.len().saturating_sub(count);
    let kept = headers.iter().take(kept);
    kept.map(|(name, value)| (name.to_owned(), value.cloned()))
        .collect()
}

/// Encodes an internal property. Its types have no maps with keys that are not text, so that this cannot fail.
pub(crate) fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
