//! Publishing single messages and waiting for their confirmation.

use async_nats::{
    HeaderMap, Request, RequestErrorKind,
    jetstream::{context::PublishAckFuture, publish::PublishAck},
};
use bytes::Bytes;
use serde::{Deserialize, de::IgnoredAny};
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers::EXPECTED_STREAM,
        connection::{
            handle::Connection,
            retry::{self, Attempt, RIDE_OUT, Transient as _},
            stream::coverage,
        },
        error::{self, ApiError, error},
    },
    transport::{ErrorKind, Result, TransportError},
};

/// A message as it is published.
#[derive(Debug, Clone)]
pub(crate) struct RawMessage {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// Publishes a message and returns its sequence. While the stream has no leader nothing can have been stored, so that
/// the message is sent again; after a lost answer it is not.
pub(crate) async fn publish(
    connection: &Connection,
    message: &RawMessage,
) -> Result<u64, ApiError> {
    retry::attempts(Instant::now() + RIDE_OUT, |_| async {
        match publish_once(connection, message.clone()).await {
            Err(failed @ ApiError::Unanswered(_)) => Attempt::Final(Err(failed)),
            Err(failed) if failed.is_transient() => Attempt::Again(failed),
            result => Attempt::Final(result),
        }
    })
    .await
}

/// Publishes a message that has an id (`Nats-Msg-Id`) by which the server drops duplicates, again while no answer comes.
pub(crate) async fn publish_with_id(
    connection: &Connection,
    message: &RawMessage,
) -> Result<u64, ApiError> {
    let deadline = Instant::now() + RIDE_OUT;
    retry::attempts(deadline, |last| async move {
        let failed = match publish(connection, message).await {
            Err(failed) if failed.is_transient() => failed,
            result => return Attempt::Final(result),
        };
        // An earlier attempt without an answer may have been the one that was stored.
        let is_unknown = matches!(last, Some(ApiError::Unanswered(_)));
        let failed = if is_unknown {
            ApiError::Unanswered(failed.into())
        } else {
            failed
        };
        connection.reconnect(deadline, failed).await
    })
    .await
}

/// Publishes a message once. If no stream stored it, or another one than it expects, the error says where it belongs.
pub(crate) async fn publish_once(
    connection: &Connection,
    message: RawMessage,
) -> Result<u64, ApiError> {
    let (subject, expected) = (message.subject, expected_stream(&message.headers));
    let request = Request::new()
        .headers(message.headers)
        .payload(message.payload);
    let answer = connection.client.send_request(subject.clone(), request);
    let answer = connection.denials.or_denied(&subject, answer).await;
    let answer = match answer.map_err(ApiError::Unanswered)? {
        Ok(answer) => answer,
        Err(failed) if failed.kind() == RequestErrorKind::NoResponders => {
            let why = coverage::not_stored(connection, &subject, expected.as_deref()).await;
            return Err(ApiError::NotStored(why));
        }
        Err(failed) => return Err(ApiError::Unanswered(error::from_request(failed))),
    };
    match serde_json::from_slice(&answer.payload) {
        Ok(Confirmation {
            error: None, seq, ..
        }) => Ok(seq),
        Ok(Confirmation {
            stream: Some(stream),
            ..
        }) => Err(refusal(
            connection,
            &answer.payload,
            &Addressed {
                subject,
                stream,
                expected,
            },
        )
        .await),
        _ => error::parse_answer(&answer.payload).map(|_| 0),
    }
}

/// The confirmation of a message, or its refusal.
#[derive(Deserialize)]
struct Confirmation {
    error: Option<IgnoredAny>,
    stream: Option<String>,
    #[serde(default)]
    seq: u64,
}

/// Where a message went, and which stream it expects.
struct Addressed {
    subject: String,
    stream: String,
    expected: Option<String>,
}

/// Reads why a stream refused a message, which may belong to another one.
async fn refusal(connection: &Connection, answer: &[u8], to: &Addressed) -> ApiError {
    match (error::parse_answer(answer), &to.expected) {
        (Err(refused), Some(expected)) if refused.has_code(error::OTHER_STREAM) => {
            let why = coverage::other_stream(connection, &to.subject, &to.stream, expected);
            ApiError::NotStored(why.await)
        }
        (Err(refused), _) => refused,
        (Ok(_), _) => {
            ApiError::Unanswered(error(ErrorKind::Other, "unexpected answer to a message"))
        }
    }
}

fn expected_stream(headers: &HeaderMap) -> Option<String> {
    let expected = headers.get(EXPECTED_STREAM)?;
    Some(expected.as_str().to_owned())
}

/// Waits for the confirmation of a message that was sent.
pub(crate) async fn confirmation(
    connection: &Connection,
    subject: &str,
    confirmed: PublishAckFuture,
) -> Result<PublishAck, ApiError> {
    let confirmed = connection
        .denials
        .or_denied(subject, confirmed.into_future())
        .await;
    let confirmed = confirmed.map_err(ApiError::Unanswered)?;
    confirmed.map_err(|failed| error::from_publish(failed, subject))
}

/// Stores an internal message in the state stream.
pub(crate) async fn publish_internal(
    connection: &Connection,
    subject: String,
    payload: Bytes,
) -> Result<()> {
    publish_internal_with(connection, subject, payload, HeaderMap::new()).await
}

/// Stores an internal message with headers in the state stream.
pub(crate) async fn publish_internal_with(
    connection: &Connection,
    subject: String,
    payload: Bytes,
    mut headers: HeaderMap,
) -> Result<()> {
    headers.insert("Nats-Msg-Id", connection.id());
    headers.insert(EXPECTED_STREAM, connection.names.state_stream());
    let message = RawMessage {
        subject,
        headers,
        payload,
    };
    let stored = publish_with_id(connection, &message).await;
    stored.map(drop).map_err(TransportError::from)
}
