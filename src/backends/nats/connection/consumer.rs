//! Consumers as the server describes them.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    backends::nats::{
        connection::handle::Connection,
        error::{NO_CONSUMER, error},
    },
    transport::{ErrorKind, Result},
};

/// How long a request waits for messages.
const MAX_EXPIRES: Duration = Duration::from_secs(30);
/// The most open requests, where a consumer allows only small ones.
const MAX_REQUESTS: usize = 64;

/// A consumer as the server describes it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ConsumerInfo {
    pub(crate) name: String,
    pub(crate) config: ConsumerConfig,
    #[serde(default)]
    pub(crate) num_pending: u64,
    #[serde(default)]
    pub(crate) num_ack_pending: u64,
    #[serde(default)]
    delivered: SequencePair,
    #[serde(default)]
    ack_floor: SequencePair,
    /// Changes if the consumer is deleted and created again.
    #[serde(default)]
    pub(crate) created: String,
    #[serde(default)]
    pub(crate) paused: bool,
}

/// A position of a consumer, in the stream and in its own deliveries.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct SequencePair {
    stream_seq: u64,
    consumer_seq: u64,
}

/// The settings of a consumer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ConsumerConfig {
    pub(crate) durable_name: String,
    pub(crate) filter_subject: String,
    pub(crate) filter_subjects: Vec<String>,
    pub(crate) ack_policy: String,
    pub(crate) deliver_policy: String,
    pub(crate) ack_wait: u64,
    pub(crate) max_deliver: i64,
    pub(crate) max_ack_pending: i64,
    pub(crate) deliver_subject: String,
    pub(crate) backoff: Vec<u64>,
    pub(crate) replay_policy: String,
    pub(crate) headers_only: bool,
    pub(crate) priority_policy: String,
    pub(crate) priority_groups: Vec<String>,
    pub(crate) inactive_threshold: u64,
    pub(crate) mem_storage: bool,
    pub(crate) pause_until: Option<String>,
    #[serde(flatten)]
    pub(crate) limits: PullLimits,
}

impl ConsumerInfo {
    /// Returns how long the server waits for an acknowledgement before it delivers again.
    pub(crate) fn ack_wait(&self) -> Duration {
        let wait = Duration::from_nanos(self.config.ack_wait);
        if wait.is_zero() {
            Duration::from_secs(30)
        } else {
            wait
        }
    }

    /// Returns how many messages of one member may be in flight: the server delivers no more than its limit.
    pub(crate) fn max_in_flight(&self, wanted: usize) -> usize {
        match usize::try_from(self.config.max_ack_pending) {
            Ok(limit) if limit > 0 => wanted.min(limit),
            _ => wanted,
        }
    }

    /// Returns the sequence up to which every message is acknowledged.
    pub(crate) fn ack_floor(&self) -> u64 {
        match self.num_ack_pending {
            0 => self.delivered.stream_seq,
            _ => self.ack_floor.stream_seq,
        }
    }

    /// Reports whether it skips messages that its filters match.
    pub(crate) fn skips_messages(&self) -> bool {
        self.config.deliver_policy == "last_per_subject"
    }

    /// Returns the last sequence that it has delivered.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.stream_seq
    }

    /// Returns until when it is paused, if it is.
    pub(crate) fn paused_until(&self) -> Option<&str> {
        let until = self.config.pause_until.as_deref().filter(|_| self.paused);
        // To the second.
        until.map(|until| {
            until
                .split_once('.')
                .map_or(until, |(second, _)| second)
                .trim_end_matches('Z')
        })
    }

    /// Returns how many deliveries it has made.
    pub(crate) fn deliveries(&self) -> u64 {
        self.delivered.consumer_seq
    }

    /// Returns its filters, sorted.
    pub(crate) fn filters(&self) -> Vec<String> {
        let mut filters = self.config.filter_subjects.clone();
        if !self.config.filter_subject.is_empty() {
            filters.push(self.config.filter_subject.clone());
        }
        if filters.is_empty() {
            filters.push(">".to_owned());
        }
        filters.sort_unstable();
        filters
    }
}

/// The limits of a consumer on pull requests; 0 means none.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct PullLimits {
    #[serde(rename = "max_batch")]
    batch: usize,
    /// In nanoseconds.
    #[serde(rename = "max_expires")]
    expires: u64,
    /// How many may wait, those of all members together.
    #[serde(rename = "max_waiting")]
    waiting: usize,
}

impl PullLimits {
    /// Returns how many messages one request may ask for.
    pub(crate) fn batch(&self) -> usize {
        match self.batch {
            0 => usize::MAX,
            limit => limit,
        }
    }

    /// Returns how long a request may wait.
    pub(crate) fn expires(&self) -> Duration {
        match self.expires {
            0 => MAX_EXPIRES,
            limit => MAX_EXPIRES.min(Duration::from_nanos(limit)),
        }
    }

    /// Returns how many requests one member may have open: it leaves room for others.
    pub(crate) fn requests(&self) -> usize {
        match self.waiting {
            0 => MAX_REQUESTS,
            limit => (limit / 4).clamp(1, MAX_REQUESTS),
        }
    }
}

/// Asks for a consumer of the stream that the URL names.
pub(crate) async fn find(connection: &Connection, name: &str) -> Result<Option<ConsumerInfo>> {
    find_on(connection, &connection.names.stream, name).await
}

/// Asks for a consumer of a stream.
pub(crate) async fn find_on(
    connection: &Connection,
    stream: &str,
    name: &str,
) -> Result<Option<ConsumerInfo>> {
    let verb = format!("CONSUMER.INFO.{stream}.{name}");
    match connection.api(verb, &json!({})).await {
        Ok(answer) => parse(answer).map(Some),
        Err(refused) if refused.has_code(NO_CONSUMER) => Ok(None),
        Err(failed) => Err(failed.into()),
    }
}

/// Reads the description of a consumer.
pub(crate) fn parse(answer: Value) -> Result<ConsumerInfo> {
    serde_json::from_value(answer).map_err(|source| {
        error(ErrorKind::Other, "unexpected CONSUMER.INFO response").because(source)
    })
}
