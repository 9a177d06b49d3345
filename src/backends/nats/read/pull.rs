//! Pull requests to a consumer.
//!
//! A request has no answer of its own: messages and status messages arrive at its inbox. A request that the server has
//! lost, because the connection or the leader of the consumer went away, looks like one for which there is nothing, so
//! heartbeats tell the two apart: without one for two intervals the request counts as lost.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::{HeaderMap, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    backends::nats::{
        codec::timestamp::nanos,
        connection::{consumer::PullLimits, direct_get::StoredMessage, handle::Connection},
        error::error,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// How often the server sends a heartbeat while a request waits.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often the connection is checked while a request waits.
const CHECK: Duration = Duration::from_millis(250);

/// A message as a consumer delivers it.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) subject: Subject,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) payload: Bytes,
    /// Where to acknowledge it.
    pub(crate) reply: Subject,
    pub(crate) stream_sequence: u64,
    pub(crate) consumer_sequence: u64,
    pub(crate) delivered: u64,
    pub(crate) published: SystemTime,
}

impl From<StoredMessage> for Received {
    /// Turns a message that was read without a consumer into one that nobody acknowledges.
    fn from(stored: StoredMessage) -> Self {
        Self {
            subject: stored.subject.into(),
            headers: Some(stored.headers),
            payload: stored.payload,
            reply: Subject::from(""),
            stream_sequence: stored.sequence,
            consumer_sequence: 0,
            delivered: 1,
            published: stored.time,
        }
    }
}

/// What happened while a reader waited.
#[derive(Debug)]
pub(crate) enum PullEvent {
    /// A message came.
    Message(Received),
    /// A request ended after this many messages: no more came in its time.
    Ended(u64),
    /// The server refused or ended a request for this reason.
    Refused(String),
    /// No message came for a while; the request is still known to the server.
    Idle,
    /// The requests are lost: the connection, or the server, went away.
    Lost,
    /// The consumer was deleted.
    Deleted,
    /// The user may not send requests to the consumer, or not receive answers.
    Denied(TransportError),
}

#[derive(Debug)]
struct Request {
    number: u64,
    left: usize,
    delivered: u64,
}

/// The requests of one reader of a consumer.
#[derive(Debug)]
pub(crate) struct Pull {
    connection: Arc<Connection>,
    pub(crate) limits: PullLimits,
    next: String,
    inbox: String,
    subscriber: Subscriber,
    requests: VecDeque<Request>,
    last_number: u64,
    connects: u64,
    heard: Instant,
    /// Something was received since the last check of the connection: a clock is not read for every message.
    has_received: bool,
    checked: Instant,
    /// When the last request was sent, and what was denied since.
    requested: Instant,
    denials: watch::Receiver<()>,
}

impl Pull {
    /// Prepares requests to a consumer.
    pub(crate) async fn open(
        connection: &Arc<Connection>,
        stream: &str,
        consumer: &str,
        limits: PullLimits,
    ) -> Result<Self> {
        let inbox = connection.client.new_inbox();
        let denials = connection.denials.listen();
        let subscriber = subscribe(connection, &inbox).await?;
        Ok(Self {
            requested: Instant::now(),
            denials,
            limits,
            next: connection.api_subject(&format!("CONSUMER.MSG.NEXT.{stream}.{consumer}")),
            connects: connection.connects(),
            connection: Arc::clone(connection),
            inbox,
            subscriber,
            requests: VecDeque::new(),
            last_number: 0,
            heard: Instant::now(),
            has_received: false,
            checked: Instant::now(),
        })
    }

    /// Counts the messages that were requested and have not arrived.
    pub(crate) fn outstanding(&self) -> usize {
        self.requests.iter().map(|request| request.left).sum()
    }

    /// Requests at most this many messages: those that exist, or those that arrive within a while.
    pub(crate) async fn request(&mut self, batch: usize, wait: bool) -> Result<()> {
        let mut left = batch;
        loop {
            let some = left.min(self.limits.batch());
            self.send(some, wait).await?;
            left -= some;
            if left == 0 || self.requests.len() >= self.limits.requests() {
                return Ok(());
            }
        }
    }

    /// Reports whether the limits of the consumer allow another request.
    pub(crate) fn may_request(&self) -> bool {
        self.requests.is_empty() || self.requests.len() < self.limits.requests()
    }

    async fn send(&mut self, batch: usize, wait: bool) -> Result<()> {
        self.last_number += 1;
        let number = self.last_number;
        let expires = self.limits.expires();
        let heartbeat = HEARTBEAT.min(expires / 2);
        let body = if wait {
            json!({"batch": batch, "expires": nanos(expires), "idle_heartbeat": nanos(heartbeat)})
        } else {
            json!({"batch": batch, "no_wait": true})
        };
        let reply = format!("{}.{number}", self.inbox);
        self.requested = Instant::now();
        let sent = self
            .connection
            .client
            .publish_with_reply(self.next.clone(), reply, body.to_string().into())
            .await;
        sent.map_err(|source| {
            error(ErrorKind::Unavailable, "the connection is closed").because(source)
        })?;
        if self.requests.is_empty() {
            self.connects = self.connection.connects();
            self.heard = self.requested;
            self.checked = self.requested;
        }
        self.requests.push_back(Request {
            number,
            left: batch,
            delivered: 0,
        });
        Ok(())
    }

    /// Returns how long ago the last request was sent.
    pub(crate) fn since_request(&self) -> Duration {
        self.requested.elapsed()
    }

    /// Waits for the next message or the end of a request. Cancel safe.
    pub(crate) async fn next(&mut self) -> PullEvent {
        loop {
            // Messages that have arrived already need no timer.
            while let Some(Some(message)) = self.subscriber.next().now_or_never() {
                self.has_received = true;
                if let Some(pulled) = self.take(message) {
                    return pulled;
                }
            }
            let look = self.checked + CHECK;
            tokio::select! {
                biased;
                message = self.subscriber.next() => match message {
                    None => return PullEvent::Lost,
                    Some(message) => {
                        self.heard = Instant::now();
                        if let Some(pulled) = self.take(message) {
                            return pulled;
                        }
                    }
                },
                _ = self.denials.changed() => {
                    if let Some(denied) = self.connection.denials.of(&self.next, self.requested) {
                        return PullEvent::Denied(denied);
                    }
                }
                () = sleep_until(look), if !self.requests.is_empty() => {
                    self.checked = Instant::now();
                    if std::mem::take(&mut self.has_received) {
                        self.heard = self.checked;
                    }
                    if self.is_stale() {
                        return PullEvent::Lost;
                    }
                }
            }
        }
    }

    fn is_stale(&self) -> bool {
        self.connects != self.connection.connects() || self.heard.elapsed() > 2 * HEARTBEAT + CHECK
    }

    fn take(&mut self, message: async_nats::Message) -> Option<PullEvent> {
        let Some(status) = message.status else {
            return self.deliver(message);
        };
        if status == StatusCode::IDLE_HEARTBEAT {
            return Some(PullEvent::Idle);
        }
        let number = message.subject.rsplit('.').next()?.parse::<u64>().ok()?;
        let index = self
            .requests
            .iter()
            .position(|request| request.number == number)?;
        let ended = self.requests.remove(index)?;
        let text = message.description.as_deref().unwrap_or_default();
        tracing::trace!(%status, text, "a pull request ended");
        Some(match status {
            StatusCode::NO_RESPONDERS => PullEvent::Lost,
            _ if text.contains("Consumer Deleted") => PullEvent::Deleted,
            _ if text.contains("Shutdown") || text.contains("Leadership") => PullEvent::Lost,
            StatusCode::NOT_FOUND | StatusCode::TIMEOUT => PullEvent::Ended(ended.delivered),
            _ if text.contains("Batch Completed") => PullEvent::Ended(ended.delivered),
            _ => PullEvent::Refused(format!("{status} {text}")),
        })
    }

    fn deliver(&mut self, message: async_nats::Message) -> Option<PullEvent> {
        let received = received(message)?;
        if let Some(request) = self.requests.front_mut() {
            request.left = request.left.saturating_sub(1);
            request.delivered += 1;
            if request.left == 0 {
                self.requests.pop_front();
            }
        }
        Some(PullEvent::Message(received))
    }

    /// Forgets all requests, so that they can be sent again on a connection that works.
    pub(crate) async fn reset(&mut self) -> Result<()> {
        self.inbox = self.connection.client.new_inbox();
        self.subscriber = subscribe(&self.connection, &self.inbox).await?;
        self.requests.clear();
        self.connects = self.connection.connects();
        self.heard = Instant::now();
        Ok(())
    }

    /// Stops, and returns the messages that were on their way.
    pub(crate) async fn stop(mut self) -> Vec<Received> {
        let mut rest = Vec::new();
        if self.subscriber.drain().await.is_err() {
            return rest;
        }
        let end = Instant::now() + Duration::from_secs(1);
        while let Ok(Some(message)) = tokio::time::timeout_at(end, self.subscriber.next()).await {
            rest.extend(
                message
                    .status
                    .is_none()
                    .then(|| received(message))
                    .flatten(),
            );
        }
        rest
    }
}

/// Returns the error for an internal consumer that was changed by others so that it refuses requests.
pub(crate) fn refused(consumer: &str, text: &str) -> TransportError {
    let message = format!("the server refuses requests of the consumer `{consumer}`: {text}");
    error(ErrorKind::Configuration, message)
}

async fn subscribe(connection: &Connection, inbox: &str) -> Result<Subscriber> {
    let subscribed = connection.client.subscribe(format!("{inbox}.*")).await;
    subscribed
        .map_err(|source| error(ErrorKind::Unavailable, "the connection is closed").because(source))
}

/// Reads the delivery from the reply subject of a message.
fn received(message: async_nats::Message) -> Option<Received> {
    let reply = message.reply?;
    // Newer servers put a domain and an account in front.
    let skipped = match memchr::memchr_iter(b'.', reply.as_bytes()).count() + 1 {
        9 => 4,
        11.. => 6,
        _ => return None,
    };
    let mut tokens = reply.split('.').skip(skipped);
    let mut number = || tokens.next()?.parse::<u64>().ok();
    let (delivered, stream_sequence, consumer_sequence) = (number()?, number()?, number()?);
    let published = SystemTime::UNIX_EPOCH + Duration::from_nanos(number()?);
    Some(Received {
        subject: message.subject,
        headers: message.headers,
        payload: message.payload,
        stream_sequence,
        consumer_sequence,
        delivered,
        published,
        reply,
    })
}
