//! Connecting to a server: options, reconnect delay, and why a connection was refused.

use std::{error::Error as _, io, path::Path, sync::Arc, time::Duration};

use async_nats::{ConnectErrorKind, ConnectOptions, jetstream::context::ContextBuilder};
use tokio::time::timeout;

use crate::{
    backends::{
        explain_path,
        nats::{
            connection::{
                config::{Config, Login},
                handle::{ANSWER_TIMEOUT, Connection},
                permissions::Denials,
                tls,
            },
            error::error,
        },
    },
    transport::{ErrorKind, Result, TransportError},
};

/// Connects, or returns within the connect timeout why that failed.
pub(crate) async fn connect(config: Config) -> Result<Arc<Connection>> {
    let denials = Arc::new(Denials::new(&config.inbox_prefix));
    tls::check_files(&config.tls)?;
    let options = options(&config, Arc::clone(&denials)).await?;
    let servers: Vec<async_nats::ServerAddr> = config
        .servers
        .iter()
        .map(|server| server.parse())
        .collect::<Result<_, _>>()
        .map_err(|source| {
            error(ErrorKind::Configuration, "a server address is not valid").because(source)
        })?;
    let connected = timeout(config.timeout, options.connect(servers)).await;
    let client = match connected {
        Ok(Ok(client)) => client,
        Ok(Err(failed)) => return Err(refused(failed, &config)),
        Err(_) => return Err(unreachable(&config)),
    };
    let js = ContextBuilder::new()
        .timeout(ANSWER_TIMEOUT)
        .max_ack_inflight(1 << 20)
        .build(client.clone());
    Ok(Arc::new(Connection::new(client, js, config, denials)))
}

async fn options(config: &Config, denials: Arc<Denials>) -> Result<ConnectOptions> {
    let mut options = ConnectOptions::new()
        .name("pf")
        .connection_timeout(per_server(config))
        .custom_inbox_prefix(&config.inbox_prefix)
        .request_timeout(Some(ANSWER_TIMEOUT))
        .subscription_capacity(1 << 16)
        .retain_servers_order()
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            tracing::debug!(%event, "nats");
            denials.record(&event);
            std::future::ready(())
        });
    options = match config.login.clone() {
        None => options,
        Some(Login::Token(token)) => options.token(token),
        Some(Login::User(user, password)) => options.user_and_password(user, password),
    };
    if let Some(file) = &config.creds {
        options = options.credentials_file(file).await.map_err(|source| {
            let problem = explain_path(file, &source);
            let file = file.display();
            let message = match problem {
                Some(problem) => format!("cannot read the credentials file {file}: {problem}"),
                None => format!("cannot read the credentials file {file}"),
            };
            error(ErrorKind::Configuration, message).because(source)
        })?;
    }
    if let Some(file) = &config.nkey {
        options = options.nkey(read_seed(file)?);
    }
    if let Some(file) = &config.tls.authority {
        options = options.add_root_certificates(file.clone());
    }
    if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options.require_tls(config.tls.required))
}

/// Returns how long to wait for one server: the next ones have to be tried within the same limit.
fn per_server(config: &Config) -> Duration {
    let servers = u32::try_from(config.servers.len()).unwrap_or(u32::MAX);
    config.timeout / servers.max(1)
}

/// Reads the seed of a user's key: a line of its own, as `nk` writes it, or within a decorated block.
fn read_seed(file: &Path) -> Result<String> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|source| {
        let message = format!("cannot read the key file {shown}");
        error(ErrorKind::Configuration, message).because(source)
    })?;
    let is_seed = |line: &&str| {
        line.len() == 58
            && line.starts_with("SU")
            && line
                .bytes()
                .all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'))
    };
    let seed = text.lines().map(str::trim).find(is_seed);
    seed.map(str::to_owned).ok_or_else(|| {
        let message = format!("the key file {shown} has no seed of a user");
        error(ErrorKind::Configuration, message)
            .hint("a seed begins with `SU`; `nk -gen user` makes one")
    })
}

/// Returns the delay before a connection attempt; the first one is made at once.
fn reconnect_delay(attempt: usize) -> Duration {
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
        ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication => {
            (ErrorKind::Denied, "authentication failed")
        }
        ConnectErrorKind::Tls => return tls::handshake_failed(&failed.to_string()).because(failed),
        ConnectErrorKind::ServerParse => {
            (ErrorKind::Configuration, "a server address is not valid")
        }
        _ => {
            return match broken_handshake(&failed) {
                Some(reason) => tls::handshake_failed(&reason),
                None => unreachable(config),
            }
            .because(failed);
        }
    };
    error(kind, message).because(failed)
}

/// Returns why the TLS handshake failed, if that is the cause: the client reports it like a server that is not there.
fn broken_handshake(failed: &async_nats::ConnectError) -> Option<String> {
    let io = failed.source()?.downcast_ref::<io::Error>()?;
    (io.kind() == io::ErrorKind::InvalidData).then(|| io.to_string())
}
