//! Messages that consumers of other programs gave up, captured as dead letters.
//!
//! The server publishes an advisory when a consumer reaches its delivery limit or terminates a message, and stores it
//! nowhere. An internal work-queue stream keeps advisories until each is a dead letter.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::Subject;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::{
    backends::nats::{
        codec::{headers, timestamp::nanos},
        connection::{
            ack::ACK,
            consumer::PullLimits,
            direct_get::{self, Query},
            handle::Connection,
            names::Names,
            retry::{self, RIDE_OUT},
            stream::{info, setup},
        },
        dead_letter::store::{self, OriginalRef},
        error::{SCHEME, error},
        read::{
            pull::{Pull, PullEvent, Received, refused},
            stored,
        },
    },
    event::Position,
    failpoint,
    transport::{
        Attempts, Capture, Captured, DeadLetter, DeadLetterKind, Delivery, ErrorKind, Failure,
        Fingerprint, Result, Ticket, TransportError,
    },
};

/// The consumer of advisories, shared by all capturing processes.
const CONSUMER: &str = "capture";
/// How long an advisory stays assigned to a process that does not acknowledge it.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// The most advisories in one request.
const BATCH: usize = 200;
/// How many dead letters are stored at the same time.
const CONCURRENCY: usize = 64;
/// The pause between two requests.
const PAUSE: Duration = Duration::from_millis(250);

/// An advisory of the server.
#[derive(Debug, Deserialize)]
struct Advisory {
    timestamp: DateTime<Utc>,
    consumer: String,
    stream_seq: u64,
    #[serde(default)]
    deliveries: u32,
    /// Only where a consumer terminated a message and gave a reason.
    #[serde(default)]
    reason: String,
}

impl Advisory {
    fn failure(&self, kind: DeadLetterKind) -> Failure {
        let consumer = &self.consumer;
        let message = match kind {
            DeadLetterKind::Terminated if self.reason.is_empty() => {
                format!("the consumer `{consumer}` terminated it")
            }
            DeadLetterKind::Terminated => self.reason.clone(),
            _ => {
                let count = self.deliveries;
                format!("the consumer `{consumer}` did not settle it in {count} deliveries")
            }
        };
        let class = match kind {
            DeadLetterKind::Terminated => "terminated",
            _ => "max-deliver",
        };
        Failure {
            class: class.to_owned(),
            message,
            detail: None,
            duration: None,
            fingerprint: Fingerprint(format!("1:{class}")),
        }
    }

    /// Returns the attempts before the last one, which is counted or not depending on the kind of dead letter.
    fn attempts(&self, kind: DeadLetterKind) -> Attempts {
        Attempts {
            failed: self
                .deliveries
                .saturating_sub(u32::from(kind.counts_last_run())),
            crashed: 0,
            first_failed: Some(self.time()),
        }
    }

    fn time(&self) -> SystemTime {
        self.timestamp.into()
    }
}

/// An open read of advisories.
pub(crate) struct Advisories {
    connection: Arc<Connection>,
    store: String,
    pull: Pull,
    until_end: bool,
    remarks: Vec<String>,
}

impl Advisories {
    /// Makes the server keep advisories from now on, and starts to read them.
    pub(crate) async fn open(connection: &Arc<Connection>, until_end: bool) -> Result<Self> {
        let info = info::require(connection).await?;
        let replicas = info.config.num_replicas;
        let mut remarks = setup::create_support_streams(connection, replicas).await?;
        remarks.extend(setup::create_advisory_stream(connection, replicas).await?);
        let stream = connection.names.advisory_stream();
        let config = json!({"durable_name": CONSUMER, "name": CONSUMER, "ack_policy": "explicit",
            "ack_wait": nanos(ACK_WAIT), "max_deliver": -1});
        let body = json!({"stream_name": stream, "config": config});
        let answer = connection
            .api(format!("CONSUMER.CREATE.{stream}.{CONSUMER}"), &body)
            .await?;
        let limits = answer.get("config").map(PullLimits::deserialize);
        let limits = limits.and_then(std::result::Result::ok).unwrap_or_default();
        Ok(Self {
            pull: Pull::open(connection, &stream, CONSUMER, limits).await?,
            connection: Arc::clone(connection),
            store: info.store(),
            until_end,
            remarks,
        })
    }

    /// Reports whether nothing is left, including what another process may have crashed with.
    async fn is_end(&self) -> Result<bool> {
        let stream = self.connection.names.advisory_stream();
        let verb = format!("CONSUMER.INFO.{stream}.{CONSUMER}");
        let answer = self.connection.api(verb, &json!({})).await?;
        let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        Ok(count("num_pending") + count("num_ack_pending") == 0)
    }

    /// Waits for advisories; none is the end.
    async fn take(&mut self, max: usize) -> Result<Vec<Received>> {
        loop {
            if self.pull.outstanding() == 0 {
                self.pull.request(BATCH, !self.until_end).await?;
            }
            match self.pull.next().await {
                PullEvent::Message(first) => {
                    let mut taken = vec![first];
                    while taken.len() < max
                        && let Some(PullEvent::Message(more)) = self.pull.next().now_or_never()
                    {
                        taken.push(more);
                    }
                    return Ok(taken);
                }
                PullEvent::Ended(0) if self.until_end => {
                    if self.is_end().await? {
                        return Ok(Vec::new());
                    }
                    sleep(PAUSE).await;
                }
                PullEvent::Ended(_) | PullEvent::Idle => {}
                PullEvent::Refused(text) => return Err(refused(CONSUMER, &text)),
                PullEvent::Lost => {
                    sleep(PAUSE).await;
                    self.pull.reset().await?;
                }
                PullEvent::Deleted => {
                    let message = format!("the consumer `{CONSUMER}` was deleted");
                    return Err(error(ErrorKind::NotFound, message));
                }
                PullEvent::Denied(denied) => return Err(denied),
            }
        }
    }
}

#[async_trait]
impl Capture for Advisories {
    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }

    async fn next(&mut self, max: usize) -> Result<Vec<Captured>> {
        loop {
            let taken = self.take(max.max(1)).await?;
            if taken.is_empty() {
                return Ok(Vec::new());
            }
            let (connection, store) = (&self.connection, &self.store);
            let found: Vec<(Received, AdvisedMessage)> = stream::iter(taken)
                .map(|advisory| async move {
                    let found = find(connection, store, &advisory).await?;
                    Ok::<_, TransportError>((advisory, found))
                })
                .buffered(CONCURRENCY)
                .try_collect()
                .await?;
            // Dead letters are stored in the order of the advisories, as all originals are read before the first is sent.
            let captured: Vec<Option<Captured>> = stream::iter(found)
                .map(|(advisory, found)| store_letter(connection, advisory.reply, found))
                .buffered(CONCURRENCY)
                .try_collect()
                .await?;
            let captured: Vec<Captured> = captured.into_iter().flatten().collect();
            if !captured.is_empty() {
                return Ok(captured);
            }
        }
    }
}

/// Returns why a message was given up, as the subject of the advisory says.
fn kind_of(subject: &str) -> DeadLetterKind {
    if subject.contains(".MSG_TERMINATED.") {
        DeadLetterKind::Terminated
    } else {
        DeadLetterKind::Exhausted
    }
}

/// The message that an advisory is about.
enum AdvisedMessage {
    /// A message that becomes a dead letter, and its sequence.
    Dead(Box<DeadLetter>, u64),
    /// A message that the stream no longer holds.
    Gone(Captured),
    /// An unreadable advisory, or a message that is not an event.
    Ignored,
}

/// Stores the dead letter of a message and acknowledges the advisory; none if it was stored before.
async fn store_letter(
    connection: &Connection,
    reply: Subject,
    found: AdvisedMessage,
) -> Result<Option<Captured>> {
    let captured = match found {
        AdvisedMessage::Dead(letter, sequence) => {
            let original = OriginalRef {
                sequence,
                ack_subject: None,
            };
            let is_new = store::store_riding_out(connection, &letter, original).await?;
            is_new.then_some(Captured::Letter(letter))
        }
        AdvisedMessage::Gone(captured) => Some(captured),
        AdvisedMessage::Ignored => None,
    };
    failpoint::reach("nats.captured");
    let deadline = Instant::now() + RIDE_OUT;
    retry::until(deadline, || connection.ack(reply.clone(), ACK)).await?;
    Ok(captured)
}

/// Reads the message that an advisory is about.
async fn find(connection: &Connection, store: &str, received: &Received) -> Result<AdvisedMessage> {
    let advisory: Advisory = match serde_json::from_slice(&received.payload) {
        Ok(advisory) => advisory,
        Err(failed) => {
            tracing::warn!(%failed, "an advisory cannot be read; skipped");
            return Ok(AdvisedMessage::Ignored);
        }
    };
    let kind = kind_of(&received.subject);
    let group = Names::group(&advisory.consumer)?;
    let query = Query::Sequence(advisory.stream_seq);
    let found = direct_get::from_leader(connection, &connection.names.stream, query).await?;
    let Some(found) = found else {
        let position = Position::number(advisory.stream_seq);
        return Ok(AdvisedMessage::Gone(Captured::Gone { group, position }));
    };
    let lineage = headers::read_lineage(Some(&found.headers));
    let Some(stored) = stored::from_message(connection, found) else {
        return Ok(AdvisedMessage::Ignored);
    };
    let delivery = Delivery::new(stored, advisory.attempts(kind), lineage, Ticket(0));
    let failure = advisory.failure(kind);
    let mut dead = DeadLetter::of(SCHEME, store, &group, &delivery, kind, failure);
    dead.record.dead_lettered_at = advisory.time();
    Ok(AdvisedMessage::Dead(Box::new(dead), advisory.stream_seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advisory_becomes_a_failure() {
        let text = r#"{"type":"io.nats.jetstream.advisory.v1.max_deliver","id":"x",
            "timestamp":"2026-11-22T01:57:54.107409358Z","stream":"S","consumer":"billing","stream_seq":7,
            "deliveries":3}"#;
        let advisory: Advisory = serde_json::from_str(text).unwrap();
        let subject = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.billing";
        let kind = kind_of(subject);
        assert_eq!(kind, DeadLetterKind::Exhausted);
        assert_eq!(advisory.attempts(kind).failed, 2, "the last one is added");
        assert!(advisory.failure(kind).message.contains("3 deliveries"));
        let kind = kind_of("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.S.billing");
        assert_eq!(kind, DeadLetterKind::Terminated);
        assert_eq!(advisory.attempts(kind).failed, 3);
    }
}
