//! The connection to the server: made once, and kept.

use std::{
    error::Error as _,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectErrorKind, ConnectOptions,
    connection::State,
    jetstream::{self, context::ContextBuilder},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, timeout},
};
use ulid::Ulid;

use crate::{
    backends::nats::{
        connection::{
            config::{Config, Login},
            names::Names,
            permissions::Denials,
            stream::retention::Watch,
        },
        error::error,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// How long a confirmation is waited for before the question is asked again.
const ANSWER: Duration = Duration::from_secs(5);

/// What to do about a server that is too old.
pub(crate) const UPDATE: &str = "bring the server up to date";

/// The most messages that wait for their confirmation: enough that the server is never idle, and fewer than it refuses.
const WINDOW: usize = 4096;

/// An open connection, and the names that belong to the URL.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) client: Client,
    pub(crate) js: jetstream::Context,
    pub(crate) names: Names,
    /// Whether commands to the server are let through with what is published.
    pub(crate) broker_headers: bool,
    /// Whether it is refused to publish what would be dropped for want of a consumer.
    pub(crate) require_consumer: bool,
    /// What the stream keeps of what is published, as far as it is known.
    pub(crate) watch: Watch,
    /// Batches enter the connection one after the other.
    pub(crate) turn: tokio::sync::Mutex<()>,
    /// Room for messages that wait for their confirmation.
    pub(crate) window: Arc<Semaphore>,
    /// How long a server is waited for that a command could do without.
    pub(crate) patience: Duration,
    /// What the server does not let this user do.
    pub(crate) denials: Arc<Denials>,
    ids: String,
    next_id: AtomicU64,
}

/// Connects, or says within the URL's time why not.
pub(crate) async fn connect(config: Config) -> Result<Arc<Link>> {
    let denials = Arc::<Denials>::default();
    let options = options(&config, Arc::clone(&denials)).await?;
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
        require_consumer: config.require_consumer,
        watch: Watch::default(),
        turn: tokio::sync::Mutex::default(),
        window: Arc::new(Semaphore::new(WINDOW)),
        patience: config.timeout,
        denials,
        ids: Ulid::generate().to_string(),
        next_id: AtomicU64::new(0),
    }))
}

async fn options(config: &Config, denials: Arc<Denials>) -> Result<ConnectOptions> {
    let mut options = ConnectOptions::new()
        .name("pf")
        .connection_timeout(config.timeout)
        .request_timeout(Some(ANSWER))
        .subscription_capacity(1 << 16)
        .retain_servers_order()
        .reconnect_delay_callback(delay)
        .event_callback(move |event| {
            tracing::debug!(%event, "nats");
            denials.note(&event);
            std::future::ready(())
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
    pub(crate) fn id(&self) -> String {
        let number = self.next_id.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.ids)
    }

    /// Counts how often a connection was made.
    pub(crate) fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// Says that the server is older than the version that something needs, if it is.
    pub(crate) fn too_old(&self, what: &str, (major, minor): (i64, i64)) -> Option<String> {
        let version = self.client.server_info().version;
        let fits = self.client.is_server_compatible(major, minor, 0);
        (!fits).then(|| {
            format!("nats-server {version} is too old: {what} NATS {major}.{minor} or later")
        })
    }

    /// Refuses a server that is older than the version that something needs.
    pub(crate) fn need(&self, what: &str, version: (i64, i64)) -> Result<()> {
        match self.too_old(what, version) {
            None => Ok(()),
            Some(message) => Err(error(ErrorKind::Unsupported, message).hint(UPDATE)),
        }
    }

    /// Reports whether there is a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Waits for the connection, at most until then.
    pub(crate) async fn wait_for_connection(&self, until: Instant) {
        while !self.is_connected() && Instant::now() < until {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends what is on its way; while there is no connection, that would wait for one.
    pub(crate) async fn flush(&self) -> Result<()> {
        let flushed = timeout(self.patience, self.client.flush()).await;
        let flushed =
            flushed.map_err(|_| error(ErrorKind::Unavailable, "the server did not answer"))?;
        flushed.map_err(|source| {
            error(ErrorKind::Unavailable, "the connection is closed").because(source)
        })
    }
}
