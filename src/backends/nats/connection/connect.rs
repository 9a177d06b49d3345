//! Connecting to a server: options, reconnect delay, and why a connection was refused.

use std::{error::Error as _, io, sync::Arc, time::Duration};

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
            },
            error::error,
        },
    },
    transport::{ErrorKind, Result, TransportError},
};

/// Connects, or returns within the connect timeout why that failed.
pub(crate) async fn connect(config: Config) -> Result<Arc<Connection>> {
    let denials = Arc::<Denials>::default();
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
        .connection_timeout(config.timeout)
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
    if let Some(file) = &config.tls.authority {
        options = options.add_root_certificates(file.clone());
    }
    if let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok(options.require_tls(config.tls.required))
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
        ConnectErrorKind::Tls => return unencrypted(&failed.to_string()).because(failed),
        ConnectErrorKind::ServerParse => {
            (ErrorKind::Configuration, "a server address is not valid")
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

/// Returns why the TLS handshake failed, if that is the cause: the client reports it like a server that is not there.
fn broken_handshake(failed: &async_nats::ConnectError) -> Option<String> {
    let io = failed.source()?.downcast_ref::<io::Error>()?;
    (io.kind() == io::ErrorKind::InvalidData).then(|| io.to_string())
}

fn unencrypted(reason: &str) -> TransportError {
    if reason.contains("CertificateRequired") {
        return error(
            ErrorKind::Denied,
            "the server requires a client certificate",
        )
        .hint("add `cert=FILE` and `key=FILE` to the URL");
    }
    let failed = error(ErrorKind::Configuration, "the TLS handshake failed");
    if reason.contains("UnknownIssuer") {
        return failed
            .hint("add `ca=FILE` with the certificate authority of the server to the URL");
    }
    failed
}
