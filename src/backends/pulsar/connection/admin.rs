//! The admin API of a broker: what the binary protocol cannot ask for or change.

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{
    handle::Connection,
    wire::{tls_handshake, token},
};
use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, Result, TransportError},
};

/// The most bytes of an answer.
const LARGEST: u64 = 64 << 20;

/// Creates a topic with partitions.
pub(crate) async fn create_partitions(
    connection: &Connection,
    name: &str,
    count: u32,
) -> Result<()> {
    let path = format!("{}/partitions", path_of(name));
    change(connection, "PUT", &path, &count.to_string()).await
}

/// Creates a topic without partitions.
pub(crate) async fn create_topic(connection: &Connection, name: &str) -> Result<()> {
    change(connection, "PUT", &path_of(name), "").await
}

/// Returns the statistics of a subscription of a log; none if it does not exist.
pub(crate) async fn subscription(
    connection: &Connection,
    log: &str,
    name: &str,
) -> Result<Option<Value>> {
    named(connection, &format!("{}/stats", path_of(log)), name).await
}

/// The same, and the time of the oldest message in its backlog, which the broker has to read.
pub(crate) async fn subscription_with_oldest(
    connection: &Connection,
    log: &str,
    name: &str,
) -> Result<Option<Value>> {
    let path = format!("{}/stats?getEarliestTimeInBacklog=true", path_of(log));
    named(connection, &path, name).await
}

async fn named(connection: &Connection, path: &str, name: &str) -> Result<Option<Value>> {
    let Some(mut stats) = get(connection, path).await? else {
        return Ok(None);
    };
    let found = stats["subscriptions"][name].take();
    Ok(Some(found).filter(|found| !found.is_null()))
}

/// Asks for what `path` names, behind `/admin/v2/`; none if it does not exist or is not set.
pub(crate) async fn get(connection: &Connection, path: &str) -> Result<Option<Value>> {
    let (status, body) = ask(connection, "GET", path, "").await?;
    match status {
        200 if body.is_empty() => Ok(None),
        200 => {
            let value = serde_json::from_str(&body).map_err(|source| {
                error(
                    ErrorKind::Other,
                    "the admin API sent an answer that is not JSON",
                )
                .because(source)
            })?;
            Ok(Some(value))
        }
        204 | 404 => Ok(None),
        _ => Err(refused(status, &body)),
    }
}

/// Changes something; what exists already is fine.
pub(crate) async fn change(
    connection: &Connection,
    method: &str,
    path: &str,
    body: &str,
) -> Result<()> {
    match ask(connection, method, path, body).await? {
        (200..300 | 409, _) => Ok(()),
        (status, body) => Err(refused(status, &body)),
    }
}

/// Returns the path of a topic in the admin API.
pub(crate) fn path_of(name: &str) -> String {
    let rest = name.strip_prefix("persistent://").unwrap_or(name);
    let encode = |part: &str| {
        percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let parts: Vec<_> = rest.splitn(3, '/').map(encode).collect();
    format!("persistent/{}", parts.join("/"))
}

async fn ask(
    connection: &Connection,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String)> {
    let exchange = exchange(connection, method, path, body);
    match timeout(connection.config.timeout, exchange).await {
        Ok(result) => result,
        Err(_) => Err(unreachable(connection)),
    }
}

async fn exchange(
    connection: &Connection,
    method: &str,
    path: &str,
    body: &str,
) -> Result<(u16, String)> {
    let admin = &connection.config.admin;
    let host = admin.host_str().unwrap_or_default();
    let port = admin.port_or_known_default().unwrap_or(8080);
    let token = token(&connection.config)?;
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    // HTTP 1.0, so that the answer comes in one piece and ends with the connection.
    let request = format!(
        "{method} /admin/v2/{path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n{}\r\n{body}",
        body.len(),
        token.unwrap_or_default()
    );
    let stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await;
    let stream = stream.map_err(|source| unreachable(connection).because(source))?;
    let answer = if admin.scheme() == "https" {
        let tls = connection.config.tls.clone().unwrap_or_default();
        let stream = tls_handshake(&tls, host, stream).await?;
        converse(stream, &request).await
    } else {
        converse(stream, &request).await
    };
    let answer = answer.map_err(|source| unreachable(connection).because(source))?;
    parse(&answer).ok_or_else(|| unreachable(connection))
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(LARGEST).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(answer: &str) -> Option<(u16, String)> {
    let status = answer.strip_prefix("HTTP/")?.split(' ').nth(1)?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    Some((status.parse().ok()?, body.to_owned()))
}

fn refused(status: u16, body: &str) -> TransportError {
    let reason = serde_json::from_str::<Value>(body).ok();
    let reason = reason
        .as_ref()
        .and_then(|reason| reason.get("reason")?.as_str());
    let reason = reason.unwrap_or_else(|| body.lines().next().unwrap_or_default());
    let kind = match status {
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        405 | 412 => ErrorKind::Configuration,
        500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    };
    error(
        kind,
        format!("the admin API refused it: {reason} ({status})"),
    )
}

fn unreachable(connection: &Connection) -> TransportError {
    let admin = connection.config.admin.as_str().trim_end_matches('/');
    error(
        ErrorKind::Unavailable,
        format!("the admin API does not answer at {admin}"),
    )
    .hint("`admin=http://HOST:PORT` in the URL names the web service of a broker, 8080 by default")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let answer = "HTTP/1.1 404 Not Found\r\nA: b\r\n\r\n{\"reason\":\"no topic\"}";
        let (status, body) = parse(answer).unwrap();
        let failed = refused(status, &body);
        assert_eq!(failed.kind(), ErrorKind::NotFound);
        assert!(failed.message().contains("no topic (404)"), "{failed}");
        assert_eq!(parse("nonsense"), None);
    }

    #[test]
    fn names_are_encoded() {
        let path = path_of("persistent://public/default/order.created-partition-1");
        assert_eq!(
            path,
            "persistent/public/default/order%2Ecreated%2Dpartition%2D1"
        );
    }
}
