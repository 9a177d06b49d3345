//! The connection to the server: made once, shared, and asked through the `JetStream` API.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, Message, RequestError, Subject, connection::State, jetstream};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};
use ulid::Ulid;

use crate::{
    backends::nats::{
        connection::{
            config::Config,
            names::Names,
            permissions::Denials,
            retry::{self, Attempt, RIDE_OUT, Transient as _},
        },
        error::{self, ApiError, error},
    },
    transport::{ErrorKind, Result},
};

/// How long one request waits for its answer before it is repeated.
pub(crate) const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// What to do about a server that is too old.
pub(crate) const UPDATE_HINT: &str = "update the server";

/// The answers of the server to a delete of a message that does not exist.
const NOTHING_TO_DELETE: [u64; 3] = [
    error::NO_MESSAGE_TO_DELETE,
    error::NO_MESSAGE,
    error::NO_SEQUENCE,
];

/// An open connection, and the names that belong to the URL.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) js: jetstream::Context,
    pub(crate) names: Names,
    /// Whether messages may carry commands to the server (`Nats-*` headers).
    pub(crate) broker_headers: bool,
    /// Whether to refuse messages that the stream would drop because no consumer covers them.
    pub(crate) require_consumer: bool,
    /// Whether no duplicate of an event is stored, whatever its publish asks for.
    pub(crate) dedup: bool,
    /// How long a command waits for a server that it could do without.
    pub(crate) timeout: Duration,
    /// The requests that the server has denied.
    pub(crate) denials: Arc<Denials>,
    api_prefix: String,
    id_prefix: String,
    next_id: AtomicU64,
}

impl Connection {
    /// Wraps a connected client.
    pub(crate) fn new(
        client: Client,
        js: jetstream::Context,
        config: Config,
        denials: Arc<Denials>,
    ) -> Self {
        Self {
            client,
            js,
            names: config.names,
            broker_headers: config.broker_headers,
            require_consumer: config.require_consumer,
            dedup: config.dedup,
            timeout: config.timeout,
            denials,
            api_prefix: config.api_prefix,
            id_prefix: Ulid::generate().to_string(),
            next_id: AtomicU64::new(0),
        }
    }

    /// Returns an id that no other message has.
    pub(crate) fn id(&self) -> String {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.id_prefix)
    }

    /// Counts how often the client has connected.
    pub(crate) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Returns that the server is older than a feature needs, if it is.
    pub(crate) fn too_old(&self, feature: &str, (major, minor): (i64, i64)) -> Option<String> {
        let version = self.client.server_info().version;
        let is_compatible = self.client.is_server_compatible(major, minor, 0);
        (!is_compatible).then(|| {
            format!("nats-server {version} is too old: {feature} NATS {major}.{minor} or later")
        })
    }

    /// Refuses a server that is older than a feature needs.
    pub(crate) fn require_version(&self, feature: &str, version: (i64, i64)) -> Result<()> {
        match self.too_old(feature, version) {
            None => Ok(()),
            Some(message) => Err(error(ErrorKind::Unsupported, message).hint(UPDATE_HINT)),
        }
    }

    /// Reports whether the client is connected.
    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Waits for the connection, at most until the deadline.
    pub(crate) async fn wait_until_connected(&self, deadline: Instant) {
        while !self.is_connected() && Instant::now() < deadline {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits for the connection after a failure, and says whether to repeat what failed.
    pub(crate) async fn reconnect<T, E>(&self, deadline: Instant, failed: E) -> Attempt<T, E> {
        if Instant::now() >= deadline {
            return Attempt::Final(Err(failed));
        }
        self.wait_until_connected(deadline).await;
        if self.is_connected() {
            Attempt::Reconnected(failed)
        } else {
            Attempt::Final(Err(failed))
        }
    }

    /// Sends what the client has buffered. Without a connection a flush would wait for one.
    pub(crate) async fn flush(&self) -> Result<()> {
        let flushed = timeout(self.timeout, self.client.flush()).await;
        let flushed =
            flushed.map_err(|_| error(ErrorKind::Unavailable, "the server did not answer"))?;
        flushed.map_err(|source| {
            error(ErrorKind::Unavailable, "the connection is closed").because(source)
        })
    }

    /// Returns the subject of a request to the `JetStream` API.
    pub(crate) fn api_subject(&self, verb: &str) -> String {
        format!("{}.{verb}", self.api_prefix)
    }

    /// Sends a request to the `JetStream` API, and repeats it if the connection was lost meanwhile or no leader answers.
    /// Only for requests that may be carried out twice.
    pub(crate) async fn api(&self, verb: String, body: &Value) -> Result<Value, ApiError> {
        self.ride_out(|| self.api_once(&verb, body)).await
    }

    /// Sends a request to the `JetStream` API once.
    pub(crate) async fn api_once(&self, verb: &str, body: &Value) -> Result<Value, ApiError> {
        let subject = self.api_subject(verb);
        let body = Bytes::from(body.to_string());
        let answer = self.client.request(subject.clone(), body);
        error::parse_answer(&self.answer(&subject, answer).await?.payload)
    }

    /// Repeats an operation while it fails because the connection was lost and comes back, or the cluster has no leader.
    pub(crate) async fn ride_out<T, F>(&self, mut op: impl FnMut() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let (connects, deadline) = (self.connects(), Instant::now() + RIDE_OUT);
        retry::attempts(deadline, |_| {
            let attempt = op();
            async move {
                match attempt.await {
                    Err(failed) if failed.is_transient() => {
                        // On a connection that was there all the time, a server without a cluster would fail again.
                        let was_connected = self.is_connected() && self.connects() == connects;
                        if was_connected && !self.may_lack_leader(&failed) {
                            return Attempt::Final(Err(failed));
                        }
                        self.reconnect(deadline, failed).await
                    }
                    result => Attempt::Final(result),
                }
            }
        })
        .await
    }

    /// Reports whether a request may have failed because a cluster elects a leader. A single server always has one.
    fn may_lack_leader(&self, failed: &ApiError) -> bool {
        match failed {
            ApiError::Refused { .. } => true,
            ApiError::Unanswered(_) | ApiError::NotStored(_) => {
                let info = self.client.server_info();
                info.cluster.is_some() && info.jetstream
            }
        }
    }

    /// Waits for the answer to a request, or for its denial.
    pub(crate) async fn answer(
        &self,
        subject: &str,
        answer: impl Future<Output = Result<Message, RequestError>>,
    ) -> Result<Message, ApiError> {
        let answer = self.denials.or_denied(subject, answer).await;
        let answer = answer.map_err(ApiError::Unanswered)?;
        answer.map_err(|failed| ApiError::Unanswered(error::from_request(failed)))
    }

    /// Sends an acknowledgement and waits until the server has confirmed it.
    pub(crate) async fn ack(&self, reply: Subject, ack: Bytes) -> Result<()> {
        let answer = self.client.request(reply.clone(), ack);
        self.answer(&reply, answer).await?;
        Ok(())
    }

    /// Deletes a message and reports whether it existed. Its bytes are not overwritten, which makes a delete about a
    /// thousand times faster than that of the client.
    pub(crate) async fn delete(&self, stream: &str, sequence: u64) -> Result<bool> {
        let body = serde_json::json!({"seq": sequence, "no_erase": true});
        match self.api(format!("STREAM.MSG.DELETE.{stream}"), &body).await {
            Ok(_) => Ok(true),
            Err(ApiError::Refused { text, .. }) if text.contains("not permitted") => {
                Err(error(ErrorKind::Denied, text))
            }
            Err(refused) if NOTHING_TO_DELETE.iter().any(|code| refused.has_code(*code)) => {
                Ok(false)
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// Deletes the messages of a subject and returns how many there were.
    pub(crate) async fn purge(&self, stream: &str, filter: &str) -> Result<u64> {
        let body = serde_json::json!({"filter": filter});
        let answer = self.api(format!("STREAM.PURGE.{stream}"), &body).await?;
        Ok(answer.get("purged").and_then(Value::as_u64).unwrap_or(0))
    }
}
