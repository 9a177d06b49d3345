//! The connection to the server: made once, kept, and asked.

use std::{
    error::Error as _,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Request, ServerError, StatusCode,
    Subject,
    connection::State,
    jetstream::{
        self,
        context::{ContextBuilder, PublishError, PublishErrorKind},
    },
};
use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use ulid::Ulid;

use super::{
    config::{Config, Login},
    error,
    errors::{self, Refusal},
    names::Names,
};
use crate::transport::{ErrorKind, Result, TransportError};

/// How long a confirmation is waited for before the question is asked again.
const ANSWER: Duration = Duration::from_secs(5);

/// The server's answers to a delete of what is not there.
const GONE: [u64; 3] = [
    errors::NO_MESSAGE_TO_DELETE,
    errors::NO_MESSAGE,
    errors::NO_SEQUENCE,
];

/// What to do about a server that is too old.
pub(super) const UPDATE: &str = "bring the server up to date";
/// How long a lost connection is ridden out.
const RIDE_OUT: Duration = Duration::from_secs(30);
/// The pause before a question is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// The most messages that wait for their confirmation: enough that the server is never idle, and fewer than it refuses.
const WINDOW: usize = 4096;

/// An open connection, and the names that belong to the URL.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) js: jetstream::Context,
    pub(super) names: Names,
    /// Whether commands to the server are let through with what is published.
    pub(super) broker_headers: bool,
    /// Batches enter the connection one after the other.
    pub(super) turn: tokio::sync::Mutex<()>,
    /// Room for messages that wait for their confirmation.
    pub(super) window: Arc<Semaphore>,
    /// How long a server is waited for that a command could do without.
    pub(super) patience: Duration,
    complaint: Complaint,
    ids: String,
    next_id: AtomicU64,
}

/// What the server last complained about without naming the request.
type Complaint = Arc<Mutex<Option<String>>>;

/// Connects, or says within the URL's time why not.
pub(super) async fn connect(config: Config) -> Result<Arc<Link>> {
    let complaint = Complaint::default();
    let options = options(&config, Arc::clone(&complaint)).await?;
    let servers: Vec<async_nats::ServerAddr> = config
        .servers
        .iter()
        .map(|server| server.parse())
        .collect::<Result<_, _>>()
        .map_err(|source| {
            error(ErrorKind::Configuration, "a server's address is wrong").because(source)
        })?;
    let connected = timeout(config.timeout, options.connect(servers)).await;
    let client = match connected {
        Ok(Ok(client)) => client,
        Ok(Err(failed)) => return Err(refused(failed, &config)),
        Err(_) => return Err(unreachable(&config)),
    };
    let js = ContextBuilder::new()
        .timeout(ANSWER)
        .max_ack_inflight(1 << 20)
        .build(client.clone());
    Ok(Arc::new(Link {
        client,
        js,
        names: config.names,
        broker_headers: config.broker_headers,
        turn: tokio::sync::Mutex::default(),
        window: Arc::new(Semaphore::new(WINDOW)),
        patience: config.timeout,
        complaint,
        ids: Ulid::generate().to_string(),
        next_id: AtomicU64::new(0),
    }))
}

async fn options(config: &Config, complaint: Complaint) -> Result<ConnectOptions> {
    let mut options = ConnectOptions::new()
        .name("pf")
        .connection_timeout(config.timeout)
        .request_timeout(Some(ANSWER))
        .subscription_capacity(1 << 16)
        .retain_servers_order()
        .reconnect_delay_callback(delay)
        .event_callback(move |event| {
            let complaint = Arc::clone(&complaint);
            async move { note(&complaint, &event) }
        });
    options = match config.login.clone() {
        None => options,
        Some(Login::Token(token)) => options.token(token),
        Some(Login::User(user, password)) => options.user_and_password(user, password),
    };
    if let Some(file) = &config.creds {
        options = options.credentials_file(file).await.map_err(|source| {
            let message = format!("the credentials file {} cannot be used", file.display());
            error(ErrorKind::Configuration, message).because(source)
        })?;
    }
    if let Some(file) = &config.tls.authority {
        options = options.add_root_certificates(file.clone());
    }
    if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options.require_tls(config.tls.required))
}

/// Returns how long to wait before a connection is tried, the first time not at all.
fn delay(attempt: usize) -> Duration {
    match attempt {
        0 | 1 => Duration::ZERO,
        attempt => Duration::from_millis(25 << attempt.min(5)),
    }
}

fn note(complaint: &Mutex<Option<String>>, event: &Event) {
    tracing::debug!(%event, "nats");
    if let Event::ServerError(ServerError::Other(text)) = event
        && text.to_lowercase().contains("permissions violation")
    {
        *complaint.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(text.trim_start_matches("nats: ").to_owned());
    }
}

fn unreachable(config: &Config) -> TransportError {
    let message = format!("no server answers at {}", config.servers.join(", "));
    error(ErrorKind::Unavailable, message).hint("`nats-server -js` starts one")
}

fn refused(failed: async_nats::ConnectError, config: &Config) -> TransportError {
    let (kind, message) = match failed.kind() {
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => (
            ErrorKind::Denied,
            "the server does not accept these credentials",
        ),
        ConnectErrorKind::Tls => return unencrypted(&failed.to_string()).because(failed),
        ConnectErrorKind::ServerParse => {
            (ErrorKind::Configuration, "the server's address is wrong")
        }
        _ => {
            return match broken_handshake(&failed) {
                Some(reason) => unencrypted(&reason),
                None => unreachable(config),
            }
            .because(failed);
        }
    };
    error(kind, message).because(failed)
}

/// Returns why no encrypted connection was made, if that is why there is none: the client tells of it as it does of
/// a server that is not there.
fn broken_handshake(failed: &async_nats::ConnectError) -> Option<String> {
    let io = failed.source()?.downcast_ref::<io::Error>()?;
    (io.kind() == io::ErrorKind::InvalidData).then(|| io.to_string())
}

fn unencrypted(reason: &str) -> TransportError {
    if reason.contains("CertificateRequired") {
        return error(ErrorKind::Denied, "the server wants to see a certificate")
            .hint("`cert=FILE` and `key=FILE` in the URL are shown to it");
    }
    let failed = error(
        ErrorKind::Configuration,
        "no encrypted connection can be made",
    );
    if reason.contains("UnknownIssuer") {
        return failed.hint("`ca=FILE` in the URL names the authority that vouches for the server");
    }
    failed
}

impl Link {
    /// Returns an id that no other message has.
    pub(super) fn id(&self) -> String {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.ids)
    }

    /// Counts how often a connection was made.
    pub(super) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Says that the server is older than the version that something needs, if it is.
    pub(super) fn too_old(&self, what: &str, (major, minor): (i64, i64)) -> Option<String> {
        let version = self.client.server_info().version;
        let fits = self.client.is_server_compatible(major, minor, 0);
        (!fits).then(|| {
            format!("nats-server {version} is too old: {what} NATS {major}.{minor} or later")
        })
    }

    /// Refuses a server that is older than the version that something needs.
    pub(super) fn need(&self, what: &str, version: (i64, i64)) -> Result<()> {
        match self.too_old(what, version) {
            None => Ok(()),
            Some(message) => Err(error(ErrorKind::Unsupported, message).hint(UPDATE)),
        }
    }

    /// Waits for the connection, at most until then.
    pub(super) async fn wait_for_connection(&self, until: Instant) {
        while self.client.connection_state() != State::Connected && Instant::now() < until {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns the server's last complaint about permissions as an error, once.
    pub(super) fn complaint(&self) -> Option<TransportError> {
        let mut complaint = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let text = complaint.take()?;
        Some(error(ErrorKind::Denied, text))
    }

    /// Asks `JetStream`, again if the connection was lost meanwhile: for questions, and for what may happen twice.
    pub(super) async fn api(&self, verb: String, body: &Value) -> Result<Value, Refusal> {
        let subject = format!("$JS.API.{verb}");
        let body = Bytes::from(body.to_string());
        self.ride_out(|| async {
            let answer = self.client.request(subject.clone(), body.clone()).await;
            parse(&answer.map_err(|failed| self.lost(failed))?.payload)
        })
        .await
    }

    /// Repeats a step while its failures come from a connection that was lost and comes back.
    async fn ride_out<T, F>(&self, mut step: impl FnMut() -> F) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Refusal>>,
    {
        let (connects, until) = (self.connects(), Instant::now() + RIDE_OUT);
        loop {
            match step().await {
                Err(refusal) if refusal.may_pass() && Instant::now() < until => {
                    let connected = self.client.connection_state() == State::Connected;
                    if connected && self.connects() == connects {
                        return Err(refusal);
                    }
                    self.wait_for_connection(until).await;
                    sleep(PAUSE).await;
                }
                result => return result,
            }
        }
    }

    fn lost(&self, failed: async_nats::RequestError) -> Refusal {
        Refusal::Lost(
            self.complaint()
                .unwrap_or_else(|| errors::of_request(failed)),
        )
    }

    /// Publishes one message and returns the number under which it is stored.
    pub(super) async fn put(
        &self,
        subject: String,
        headers: HeaderMap,
        payload: Bytes,
    ) -> Result<u64, Refusal> {
        let named = subject.clone();
        let request = Request::new().headers(headers).payload(payload);
        let answer = self.client.send_request(subject, request).await;
        let answer = answer.map_err(|failed| match failed.kind() {
            async_nats::RequestErrorKind::NoResponders => Refusal::Lost(errors::uncovered(&named)),
            _ => self.lost(failed),
        })?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Stored { error: None, seq }) => Ok(seq),
            _ => parse(&answer.payload).map(|_| 0),
        }
    }

    /// Returns why a message is not known to be stored.
    pub(super) fn unheard(&self, failed: PublishError, subject: &str) -> Refusal {
        let was_heard = failed.kind() == PublishErrorKind::StreamNotFound;
        match errors::of_publish(failed, subject) {
            Refusal::Lost(failed) if failed.is_transient() && !was_heard => {
                Refusal::Lost(self.complaint().unwrap_or(failed))
            }
            refusal => refusal,
        }
    }

    /// Reads the last message of a subject, or one by its number, from any replica.
    pub(super) async fn peek(
        &self,
        stream: &str,
        what: &Value,
    ) -> Result<Option<async_nats::Message>> {
        let subject = format!("$JS.API.DIRECT.GET.{stream}");
        let body = Bytes::from(what.to_string());
        let found = self.ride_out(|| async {
            let found = self.client.request(subject.clone(), body.clone()).await;
            found.map_err(|failed| self.lost(failed))
        });
        let found = found.await?;
        match found.status {
            None => Ok(Some(found)),
            Some(StatusCode::NOT_FOUND) => Ok(None),
            Some(status) => Err(error(
                ErrorKind::Other,
                format!("a message could not be read: {status}"),
            )),
        }
    }

    /// Tells the server something at a reply subject and waits until it took note.
    pub(super) async fn confirm(&self, reply: Subject, word: Bytes) -> Result<()> {
        let answer = self.client.request(reply, word).await;
        answer.map_err(|failed| TransportError::from(self.lost(failed)))?;
        Ok(())
    }

    /// Deletes a message without overwriting its bytes, which is what makes it fast; tells whether it was there.
    pub(super) async fn delete(&self, stream: &str, number: u64) -> Result<bool> {
        let body = serde_json::json!({"seq": number, "no_erase": true});
        match self.api(format!("STREAM.MSG.DELETE.{stream}"), &body).await {
            Ok(_) => Ok(true),
            Err(Refusal::Server { text, .. }) if text.contains("not permitted") => {
                Err(error(ErrorKind::Denied, text))
            }
            Err(refusal) if GONE.iter().any(|number| refusal.is(*number)) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Deletes what stands under a subject; tells how many messages that were.
    pub(super) async fn purge(&self, stream: &str, filter: &str) -> Result<u64> {
        let body = serde_json::json!({"filter": filter});
        let answer = self.api(format!("STREAM.PURGE.{stream}"), &body).await?;
        Ok(answer.get("purged").and_then(Value::as_u64).unwrap_or(0))
    }
}

/// The answer to a message that was stored.
#[derive(Deserialize)]
struct Stored {
    error: Option<IgnoredAny>,
    #[serde(default)]
    seq: u64,
}

fn parse(answer: &[u8]) -> Result<Value, Refusal> {
    let answer: Value = serde_json::from_slice(answer).map_err(|source| {
        Refusal::Lost(error(ErrorKind::Other, "the server answered nonsense").because(source))
    })?;
    match errors::refused(&answer) {
        Some(refusal) => Err(refusal),
        None => Ok(answer),
    }
}
