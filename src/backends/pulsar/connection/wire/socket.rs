//! Sockets with and without TLS, the handshake of the protocol, and why either failed.

use std::{
    fs, io,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    },
};
use tokio_util::codec::Framed;

use super::commands;
use crate::{
    backends::pulsar::{
        codec::protocol::{CommandConnected, Frame, FrameCodec},
        connection::config::{Config, Tls},
        error::{configuration, error},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// The first bytes of a TLS alert.
const TLS_ALERT: [u8; 2] = [0x15, 0x03];

/// A socket with or without TLS.
#[derive(Debug)]
pub(super) enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connects to a server within the connect timeout, and greets it.
pub(super) async fn connect(
    config: &Config,
    server: &str,
    token: Option<&str>,
    behind_proxy: Option<&str>,
) -> Result<(Framed<Socket, FrameCodec>, CommandConnected)> {
    let connecting = async {
        let socket = open(config, server).await?;
        match greet(socket, token, behind_proxy).await {
            Err(Greeting::Failed(failed)) => Err(failed),
            Err(Greeting::Silent(source)) => Err(silent(config, server, source).await),
            Ok(greeted) => Ok(greeted),
        }
    };
    let connected = timeout(config.timeout, connecting).await;
    connected.unwrap_or_else(|_| {
        let limit = humantime::format_duration(config.timeout);
        Err(unreachable(server, &format!("no answer within {limit}")))
    })
}

/// Opens a socket without Nagle's algorithm: with it, every acknowledgement waits 40 ms.
pub(super) async fn open(config: &Config, server: &str) -> Result<Socket> {
    let failed = |source: io::Error| unreachable(server, &words(&source)).because(source);
    let stream = TcpStream::connect(server).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let Some(tls) = &config.tls else {
        return Ok(Socket::Plain(stream));
    };
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let stream = handshake(tls, host, stream).await?;
    Ok(Socket::Tls(Box::new(stream)))
}

/// Adds TLS to a connection.
pub(crate) async fn handshake(
    tls: &Tls,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>> {
    let host = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host)
        .map_err(|source| configuration("the host is not a valid name for TLS").because(source))?;
    let connector = TlsConnector::from(Arc::new(client_config(tls)?));
    let shaken = connector.connect(name, stream).await;
    shaken.map_err(|source| refused_tls(tls, source))
}

async fn greet(
    socket: Socket,
    token: Option<&str>,
    behind_proxy: Option<&str>,
) -> Result<(Framed<Socket, FrameCodec>, CommandConnected), Greeting> {
    let mut frames = Framed::new(socket, FrameCodec);
    let command = commands::connect(token, behind_proxy);
    let payload = None;
    let sent = frames.send(Frame { command, payload }).await;
    let answer = match sent {
        Ok(()) => timeout(std::time::Duration::from_secs(4), frames.next())
            .await
            .ok()
            .flatten(),
        Err(_) => None,
    };
    let answer = match answer {
        Some(Ok(answer)) => answer.command,
        Some(Err(_)) if frames.read_buffer().starts_with(&TLS_ALERT) => {
            return Err(Greeting::Failed(expects_tls()));
        }
        Some(Err(source)) => return Err(Greeting::Silent(Some(source))),
        None => return Err(Greeting::Silent(None)),
    };
    if let Some(refused) = commands::refusal(&answer) {
        return Err(Greeting::Failed(refused));
    }
    match answer.connected {
        Some(connected) => Ok((frames, connected)),
        None => Err(Greeting::Failed(commands::unexpected("handshake"))),
    }
}

/// Why a server was not greeted.
enum Greeting {
    Failed(TransportError),
    /// It gave no answer of a broker.
    Silent(Option<io::Error>),
}

/// Returns the error of a server that gives no answer. With TLS it may have refused the client's certificate after the
/// handshake; without, it may expect TLS, and closes the connection without a word.
async fn silent(config: &Config, server: &str, source: Option<io::Error>) -> TransportError {
    let is_alert = |source: &io::Error| source.to_string().contains("received fatal alert");
    match (&config.tls, source) {
        (Some(tls), Some(source)) if is_alert(&source) => refused_client(tls, source),
        (None, _) if speaks_tls(server).await => expects_tls(),
        (_, source) => {
            let failed = error(ErrorKind::Unavailable, "the server does not answer as a Pulsar broker")
                .hint("`pulsar://` names the binary port, 6650 by default; with TLS write `pulsar+ssl://`");
            match source {
                Some(source) => failed.because(source),
                None => failed,
            }
        }
    }
}

fn expects_tls() -> TransportError {
    configuration("the broker expects TLS at this port")
        .hint("write `pulsar+ssl://` instead of `pulsar://`")
}

/// Reports whether a server answers with a certificate.
async fn speaks_tls(server: &str) -> bool {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let host = host.trim_matches(['[', ']']).to_owned();
    let (Ok(name), Ok(config)) = (ServerName::try_from(host), client_config(&Tls::default()))
    else {
        return false;
    };
    let Ok(stream) = TcpStream::connect(server).await else {
        return false;
    };
    let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
    match shaken.await {
        Ok(_) => true,
        Err(failed) => failed.to_string().contains("invalid peer certificate"),
    }
}

/// Returns the error of a broker that does not accept the client's certificate, or wants one.
fn refused_client(tls: &Tls, source: io::Error) -> TransportError {
    let (why, hint) = if tls.certificate.is_none() {
        (
            "the broker requires a client certificate",
            "add `cert=FILE` and `key=FILE` to the URL",
        )
    } else {
        (
            "the broker does not accept the client certificate",
            "`cert=` names a certificate that the broker's authority has issued, and `key=` its key",
        )
    };
    configuration(format!("the TLS handshake failed: {why}"))
        .hint(hint)
        .because(source)
}

/// Reads the token for each connection, so that a renewed one is used.
pub(crate) fn token(config: &Config) -> Result<Option<String>> {
    let Some(file) = &config.token_file else {
        return Ok(None);
    };
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|source| {
        configuration(format!(
            "cannot read {shown}, which `token-file=` in the URL names"
        ))
        .because(source)
    })?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        let message = format!("{shown}, which `token-file=` in the URL names, has no token");
        return Err(configuration(message));
    }
    Ok(Some(token.to_owned()))
}

fn client_config(tls: &Tls) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = &tls.authority {
        for certificate in certificates("ca", file)? {
            roots
                .add(certificate)
                .map_err(|source| no_pem("ca", file).because(source))?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let builder = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| configuration("TLS is not available").because(source))?
        .with_root_certificates(roots);
    let (Some(certificate), Some(key)) = (&tls.certificate, &tls.key) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates("cert", certificate)?;
    let key = PrivateKeyDer::from_pem_slice(&read("key", key)?)
        .map_err(|source| no_pem("key", key).because(source))?;
    builder.with_client_auth_cert(chain, key).map_err(|source| {
        configuration("the client certificate and its key do not belong together")
            .hint("`cert=` and `key=` in the URL name the two files")
            .because(source)
    })
}

fn certificates(parameter: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let bytes = read(parameter, file)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(no_pem(parameter, file)),
    }
}

fn read(parameter: &str, file: &Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|source| {
        let shown = file.display();
        configuration(format!(
            "cannot read {shown}, which `{parameter}=` in the URL names"
        ))
        .because(source)
    })
}

fn no_pem(parameter: &str, file: &Path) -> TransportError {
    let kind = if parameter == "key" {
        "private key"
    } else {
        "certificate"
    };
    let shown = file.display();
    configuration(format!(
        "{shown}, which `{parameter}=` in the URL names, has no {kind} in PEM format"
    ))
}

/// Returns why the TLS handshake failed, with the parameter that fixes it.
fn refused_tls(tls: &Tls, source: io::Error) -> TransportError {
    let text = source.to_string();
    let is = |part: &str| text.contains(part);
    if is("received fatal alert") {
        return refused_client(tls, source);
    }
    let (why, hint) = if is("UnknownIssuer") {
        (
            "the issuer of the broker's certificate is not known",
            "add `ca=FILE` with the certificate authority of the broker to the URL",
        )
    } else if is("Expired") || is("NotValidYet") {
        (
            "the broker's certificate is not valid at this time",
            "renew it, and check the clock of this machine",
        )
    } else if is("NotValidForName") {
        (
            "the broker's certificate is for another host name",
            "write a host name of the certificate into the URL",
        )
    } else {
        (
            "the broker does not use TLS at this port",
            "write `pulsar://` instead of `pulsar+ssl://`, or the port for TLS, 6651 by default",
        )
    };
    configuration(format!("the TLS handshake failed: {why}"))
        .hint(hint)
        .because(source)
}

fn unreachable(server: &str, why: &str) -> TransportError {
    error(
        ErrorKind::Unavailable,
        format!("no broker answers at {server}: {why}"),
    )
    .hint("`bin/pulsar standalone` starts one")
}

/// Returns why a connection failed without the number that the system adds.
fn words(source: &io::Error) -> String {
    let text = source.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    text.rsplit_once(": ")
        .map_or(text, |(_, why)| why)
        .to_lowercase()
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
