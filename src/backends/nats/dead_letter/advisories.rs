//! What consumers of other programs gave up: the server tells of it in advisories, which a stream of ours keeps until
//! they are dead letters.

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
        codec::headers,
        connection::{
            confirmed_publish::{RIDE_OUT, while_it_may_pass},
            handle::Link,
            names::Names,
            stream::info::nanos,
        },
        consume::subscription::DONE,
        dead_letter::store::{self as letter, Original},
        delay::Last,
        error::error,
        read::pull::{Arrived, Limits, Pull, Pulled, refused},
    },
    event::{Position, Stored},
    failpoint,
    transport::{
        Attempts, Capture, Captured, DeadLetter, Delivery, ErrorKind, Failure, Fingerprint,
        LetterKind, Result, Ticket, TransportError,
    },
};

/// The consumer of advisories, shared by all who capture.
const CONSUMER: &str = "capture";
/// How long an advisory belongs to somebody of whom nothing is heard.
const ACK_WAIT: Duration = Duration::from_secs(10);
/// The most advisories asked for at once.
const BATCH: usize = 200;
/// How many letters are stored at once.
const AT_ONCE: usize = 64;
/// The pause before the server is asked again.
const PAUSE: Duration = Duration::from_millis(250);

/// An advisory as the server writes it.
#[derive(Debug, Deserialize)]
struct Advisory {
    timestamp: DateTime<Utc>,
    consumer: String,
    stream_seq: u64,
    #[serde(default)]
    deliveries: u32,
    /// Only where a consumer terminated a message and said why.
    #[serde(default)]
    reason: String,
}

impl Advisory {
    fn failure(&self, kind: LetterKind) -> Failure {
        let consumer = &self.consumer;
        let message = match kind {
            LetterKind::Terminated if self.reason.is_empty() => {
                format!("the consumer `{consumer}` terminated it")
            }
            LetterKind::Terminated => self.reason.clone(),
            _ => {
                let count = self.deliveries;
                format!("the consumer `{consumer}` did not settle it in {count} deliveries")
            }
        };
        let class = match kind {
            LetterKind::Terminated => "terminated",
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

    /// Returns the runs before the last one, which the kind of a letter counts or not.
    fn attempts(&self, kind: LetterKind) -> Attempts {
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
    link: Arc<Link>,
    store: String,
    pull: Pull,
    until_end: bool,
    remarks: Vec<String>,
}

impl Advisories {
    /// Lets the server keep advisories from now on, and begins to read them.
    pub(crate) async fn open(link: &Arc<Link>, until_end: bool) -> Result<Self> {
        let facts = link.facts().await?;
        let replicas = facts.config.num_replicas;
        let mut remarks = link.make_side_places(replicas).await?;
        remarks.extend(link.make_advisories(replicas).await?);
        let stream = link.names.advisories();
        let config = json!({"durable_name": CONSUMER, "name": CONSUMER, "ack_policy": "explicit",
            "ack_wait": nanos(ACK_WAIT), "max_deliver": -1});
        let body = json!({"stream_name": stream, "config": config});
        let answer = link
            .api(format!("CONSUMER.CREATE.{stream}.{CONSUMER}"), &body)
            .await?;
        let limits = answer.get("config").map(Limits::deserialize);
        let limits = limits.and_then(std::result::Result::ok).unwrap_or_default();
        Ok(Self {
            pull: Pull::open(link, (&stream, CONSUMER), limits).await?,
            link: Arc::clone(link),
            store: facts.store(),
            until_end,
            remarks,
        })
    }

    /// Reports whether nothing is left, nor with somebody who may have gone down with it.
    async fn is_end(&self) -> Result<bool> {
        let stream = self.link.names.advisories();
        let verb = format!("CONSUMER.INFO.{stream}.{CONSUMER}");
        let answer = self.link.api(verb, &json!({})).await?;
        let count = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        Ok(count("num_pending") + count("num_ack_pending") == 0)
    }

    /// Waits for advisories; none is the end.
    async fn take(&mut self, max: usize) -> Result<Vec<Arrived>> {
        loop {
            if self.pull.outstanding() == 0 {
                self.pull.request(BATCH, !self.until_end).await?;
            }
            match self.pull.next().await {
                Pulled::Message(first) => {
                    let mut taken = vec![first];
                    while taken.len() < max
                        && let Some(Pulled::Message(more)) = self.pull.next().now_or_never()
                    {
                        taken.push(more);
                    }
                    return Ok(taken);
                }
                Pulled::Ended(0) if self.until_end => {
                    if self.is_end().await? {
                        return Ok(Vec::new());
                    }
                    sleep(PAUSE).await;
                }
                Pulled::Ended(_) | Pulled::Idle => {}
                Pulled::Refused(text) => return Err(refused(CONSUMER, &text)),
                Pulled::Lost => {
                    sleep(PAUSE).await;
                    self.pull.reset().await?;
                }
                Pulled::Deleted => {
                    let message = format!("the consumer `{CONSUMER}` was deleted");
                    return Err(error(ErrorKind::NotFound, message));
                }
                Pulled::Denied(denied) => return Err(denied),
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
            let (link, store) = (&self.link, &self.store);
            let found: Vec<(Arrived, Found)> = stream::iter(taken)
                .map(|arrived| async move {
                    let found = find(link, store, &arrived).await?;
                    Ok::<_, TransportError>((arrived, found))
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            // Letters are stored in the order of the advisories: nothing is waited for before they are sent.
            let captured: Vec<Option<Captured>> = stream::iter(found)
                .map(|(arrived, found)| keep(link, arrived.reply, found))
                .buffered(AT_ONCE)
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
fn kind_of(subject: &str) -> LetterKind {
    if subject.contains(".MSG_TERMINATED.") {
        LetterKind::Terminated
    } else {
        LetterKind::Exhausted
    }
}

/// What an advisory speaks of.
enum Found {
    /// A message that is to become a letter, and its number.
    Dead(Box<DeadLetter>, u64),
    /// A message that the stream has dropped.
    Gone(Captured),
    /// Nothing of ours.
    Nothing,
}

/// Makes one message a dead letter; nothing if it was one already.
async fn keep(link: &Link, reply: Subject, found: Found) -> Result<Option<Captured>> {
    let captured = match found {
        Found::Dead(letter, number) => {
            let original = Original {
                number,
                claim: None,
            };
            let is_new = letter::store_surely(link, &letter, original).await?;
            is_new.then_some(Captured::Letter(letter))
        }
        Found::Gone(captured) => Some(captured),
        Found::Nothing => None,
    };
    failpoint::reach("nats.captured");
    let until = Instant::now() + RIDE_OUT;
    while_it_may_pass(until, || link.confirm(reply.clone(), DONE)).await?;
    Ok(captured)
}

/// Reads what an advisory speaks of.
async fn find(link: &Link, store: &str, arrived: &Arrived) -> Result<Found> {
    let advisory: Advisory = match serde_json::from_slice(&arrived.payload) {
        Ok(advisory) => advisory,
        Err(failed) => {
            tracing::warn!(%failed, "an advisory cannot be read, and is passed over");
            return Ok(Found::Nothing);
        }
    };
    let kind = kind_of(&arrived.subject);
    let group = Names::group(&advisory.consumer)?;
    let what = json!({"seq": advisory.stream_seq});
    let Some(found) = link.get(&link.names.stream, &what).await? else {
        let position = Position::number(advisory.stream_seq);
        return Ok(Found::Gone(Captured::Gone { group, position }));
    };
    let lineage = headers::read_lineage(Some(&found.headers));
    let Some(stored) = stored(link, found) else {
        return Ok(Found::Nothing);
    };
    let delivery = Delivery::new(stored, advisory.attempts(kind), lineage, Ticket(0));
    let failure = advisory.failure(kind);
    let mut dead = DeadLetter::of(
        crate::backends::nats::error::SCHEME,
        store,
        &group,
        &delivery,
        kind,
        failure,
    );
    dead.record.dead_since = advisory.time();
    Ok(Found::Dead(Box::new(dead), advisory.stream_seq))
}

/// Makes the message of what stands in the stream; none if its subject is no topic.
fn stored(link: &Link, found: Last) -> Option<Stored> {
    let topic = link.names.topic(&found.subject)?;
    Some(Stored {
        message: headers::read(topic, Some(&found.headers), found.payload),
        position: Position::number(found.number),
        time: found.time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advisory_tells_the_story() {
        let text = r#"{"type":"io.nats.jetstream.advisory.v1.max_deliver","id":"x",
            "timestamp":"2026-11-22T01:57:54.107409358Z","stream":"S","consumer":"billing","stream_seq":7,
            "deliveries":3}"#;
        let advisory: Advisory = serde_json::from_str(text).unwrap();
        let subject = "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.S.billing";
        let kind = kind_of(subject);
        assert_eq!(kind, LetterKind::Exhausted);
        assert_eq!(advisory.attempts(kind).failed, 2, "the last one is added");
        assert!(advisory.failure(kind).message.contains("3 deliveries"));
        let kind = kind_of("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.S.billing");
        assert_eq!(kind, LetterKind::Terminated);
        assert_eq!(advisory.attempts(kind).failed, 3);
    }
}
