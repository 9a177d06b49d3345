//! Pull requests to a consumer: sent, answered, timed out, and sent again after the connection was lost.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_nats::{HeaderMap, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    backends::nats::{
        connection::{handle::Link, stream::info::nanos},
        error::error,
    },
    event::from_unix_nanos,
    transport::{ErrorKind, Result, TransportError},
};

/// How long a request waits for messages.
const EXPIRES: Duration = Duration::from_secs(30);
/// How often the server shows that a request is still known to it.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// How often the connection is looked at while a request waits.
const LOOK: Duration = Duration::from_millis(250);

/// The most requests that wait at the same time, where a consumer allows only small ones.
const AT_ONCE: usize = 64;

/// What a consumer allows its requests, where that is limited.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    #[serde(rename = "max_batch")]
    batch: usize,
    /// In nanoseconds.
    #[serde(rename = "max_expires")]
    expires: u64,
    /// How many may wait, of all members together.
    #[serde(rename = "max_waiting")]
    waiting: usize,
}

impl Limits {
    fn batch(&self) -> usize {
        match self.batch {
            0 => usize::MAX,
            limit => limit,
        }
    }

    fn expires(&self) -> Duration {
        match self.expires {
            0 => EXPIRES,
            limit => EXPIRES.min(Duration::from_nanos(limit)),
        }
    }

    /// Returns how many requests one member may have: room is left for others.
    fn requests(&self) -> usize {
        match self.waiting {
            0 => AT_ONCE,
            limit => (limit / 4).clamp(1, AT_ONCE),
        }
    }
}

/// A message as a consumer delivers it.
#[derive(Debug)]
pub(crate) struct Arrived {
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

/// What became of waiting.
#[derive(Debug)]
pub(crate) enum Pulled {
    /// A message came.
    Message(Arrived),
    /// A request ended, after so many messages: nothing more came in its time.
    Ended(u64),
    /// The server refused a request, or gave it up, and says why.
    Refused(String),
    /// Nothing came for a while.
    Idle,
    /// The requests are lost: the connection, or the server, went away.
    Lost,
    /// There is no such consumer any more.
    Deleted,
    /// The server does not let us ask, or hear the answer.
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
    link: Arc<Link>,
    pub(crate) limits: Limits,
    next: String,
    inbox: String,
    subscriber: Subscriber,
    requests: VecDeque<Request>,
    last_number: u64,
    connects: u64,
    heard: Instant,
    /// Something was heard since it was looked at the connection last: a clock is not read for every message.
    hears: bool,
    looked: Instant,
    /// When it was asked last, and what was denied since.
    asked: Instant,
    denials: watch::Receiver<()>,
}

impl Pull {
    /// Prepares to ask a consumer.
    pub(crate) async fn open(
        link: &Arc<Link>,
        (stream, consumer): (&str, &str),
        limits: Limits,
    ) -> Result<Self> {
        let inbox = link.client.new_inbox();
        let denials = link.denials.listen();
        let subscriber = subscribe(link, &inbox).await?;
        Ok(Self {
            asked: Instant::now(),
            denials,
            limits,
            next: format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"),
            connects: link.connects(),
            link: Arc::clone(link),
            inbox,
            subscriber,
            requests: VecDeque::new(),
            last_number: 0,
            heard: Instant::now(),
            hears: false,
            looked: Instant::now(),
        })
    }

    /// Counts the messages that were asked for and have not come.
    pub(crate) fn outstanding(&self) -> usize {
        self.requests.iter().map(|request| request.left).sum()
    }

    /// Asks for at most so many messages: those that are there, or those that come within a while.
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

    /// Reports whether the consumer lets us ask for more while something is on its way.
    pub(crate) fn may_ask(&self) -> bool {
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
        self.asked = Instant::now();
        let sent = self
            .link
            .client
            .publish_with_reply(self.next.clone(), reply, body.to_string().into())
            .await;
        sent.map_err(|source| {
            error(ErrorKind::Unavailable, "the connection is closed").because(source)
        })?;
        if self.requests.is_empty() {
            self.connects = self.link.connects();
            self.heard = self.asked;
            self.looked = self.asked;
        }
        self.requests.push_back(Request {
            number,
            left: batch,
            delivered: 0,
        });
        Ok(())
    }

    /// Returns how long ago it was asked last.
    pub(crate) fn since_asked(&self) -> Duration {
        self.asked.elapsed()
    }

    /// Waits for the next message or the end of a request. May be dropped.
    pub(crate) async fn next(&mut self) -> Pulled {
        loop {
            // What is there already needs no timer.
            while let Some(Some(message)) = self.subscriber.next().now_or_never() {
                self.hears = true;
                if let Some(pulled) = self.take(message) {
                    return pulled;
                }
            }
            let look = self.looked + LOOK;
            tokio::select! {
                biased;
                message = self.subscriber.next() => match message {
                    None => return Pulled::Lost,
                    Some(message) => {
                        self.heard = Instant::now();
                        if let Some(pulled) = self.take(message) {
                            return pulled;
                        }
                    }
                },
                _ = self.denials.changed() => {
                    if let Some(denied) = self.link.denials.of(&self.next, self.asked) {
                        return Pulled::Denied(denied);
                    }
                }
                () = sleep_until(look), if !self.requests.is_empty() => {
                    self.looked = Instant::now();
                    if std::mem::take(&mut self.hears) {
                        self.heard = self.looked;
                    }
                    if self.is_stale() {
                        return Pulled::Lost;
                    }
                }
            }
        }
    }

    fn is_stale(&self) -> bool {
        self.connects != self.link.connects() || self.heard.elapsed() > 2 * HEARTBEAT + LOOK
    }

    fn take(&mut self, message: async_nats::Message) -> Option<Pulled> {
        let Some(status) = message.status else {
            return self.deliver(message);
        };
        if status == StatusCode::IDLE_HEARTBEAT {
            return Some(Pulled::Idle);
        }
        let number = message.subject.rsplit('.').next()?.parse::<u64>().ok()?;
        let place = self
            .requests
            .iter()
            .position(|request| request.number == number)?;
        let ended = self.requests.remove(place)?;
        let text = message.description.as_deref().unwrap_or_default();
        tracing::trace!(%status, text, "a pull request ended");
        Some(match status {
            StatusCode::NO_RESPONDERS => Pulled::Lost,
            _ if text.contains("Consumer Deleted") => Pulled::Deleted,
            _ if text.contains("Shutdown") || text.contains("Leadership") => Pulled::Lost,
            StatusCode::NOT_FOUND | StatusCode::TIMEOUT => Pulled::Ended(ended.delivered),
            _ if text.contains("Batch Completed") => Pulled::Ended(ended.delivered),
            _ => Pulled::Refused(format!("{status} {text}")),
        })
    }

    fn deliver(&mut self, message: async_nats::Message) -> Option<Pulled> {
        let arrived = arrived(message)?;
        if let Some(request) = self.requests.front_mut() {
            request.left = request.left.saturating_sub(1);
            request.delivered += 1;
            if request.left == 0 {
                self.requests.pop_front();
            }
        }
        Some(Pulled::Message(arrived))
    }

    /// Forgets what was asked, so that it can be asked again on a connection that works.
    pub(crate) async fn reset(&mut self) -> Result<()> {
        self.inbox = self.link.client.new_inbox();
        self.subscriber = subscribe(&self.link, &self.inbox).await?;
        self.requests.clear();
        self.connects = self.link.connects();
        self.heard = Instant::now();
        Ok(())
    }

    /// Stops asking, and returns what is on its way.
    pub(crate) async fn stop(mut self) -> Vec<Arrived> {
        let mut rest = Vec::new();
        if self.subscriber.drain().await.is_err() {
            return rest;
        }
        let end = Instant::now() + Duration::from_secs(1);
        while let Ok(Some(message)) = tokio::time::timeout_at(end, self.subscriber.next()).await {
            rest.extend(message.status.is_none().then(|| arrived(message)).flatten());
        }
        rest
    }
}

/// Returns the error of a consumer of our own that somebody changed so that it serves us no longer.
pub(crate) fn refused(consumer: &str, text: &str) -> TransportError {
    let message = format!("the server refuses requests of the consumer `{consumer}`: {text}");
    error(ErrorKind::Configuration, message)
}

async fn subscribe(link: &Link, inbox: &str) -> Result<Subscriber> {
    let subscribed = link.client.subscribe(format!("{inbox}.*")).await;
    subscribed
        .map_err(|source| error(ErrorKind::Unavailable, "the connection is closed").because(source))
}

/// Reads what the reply subject tells of a delivery.
fn arrived(message: async_nats::Message) -> Option<Arrived> {
    let reply = message.reply?;
    // An account and a domain stand in front where the server names them.
    let skipped = match memchr::memchr_iter(b'.', reply.as_bytes()).count() + 1 {
        9 => 4,
        11.. => 6,
        _ => return None,
    };
    let mut tokens = reply.split('.').skip(skipped);
    let mut number = || tokens.next()?.parse::<u64>().ok();
    let (delivered, stream_sequence, consumer_sequence) = (number()?, number()?, number()?);
    let published = from_unix_nanos(number()?);
    Some(Arrived {
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
