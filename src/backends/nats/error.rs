//! Errors of the client and answers of the server as `TransportError`.
//!
//! [`ApiError`] keeps apart what `TransportError` cannot: a request that the server refused, one that surely was not
//! carried out, and one whose outcome is unknown. Only the last must not be repeated blindly.

use async_nats::{
    RequestErrorKind,
    jetstream::{self, context::PublishErrorKind},
};
use serde_json::Value;

use crate::transport::{ErrorKind, Result, TransportError};

/// The URL scheme.
pub(crate) const SCHEME: &str = "nats";

/// Creates an error of this transport.
pub(crate) fn error(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}

/// The last sequence of the subject is not the expected one: another writer was faster.
pub(crate) const WRONG_LAST_SEQUENCE: u64 = 10071;
/// The stream does not exist.
pub(crate) const NO_STREAM: u64 = 10059;
/// A stream of this name exists with other settings.
pub(crate) const STREAM_EXISTS: u64 = 10058;
/// The consumer does not exist.
pub(crate) const NO_CONSUMER: u64 = 10014;
/// A consumer of this name exists.
pub(crate) const CONSUMER_EXISTS: u64 = 10148;
/// No message was found.
pub(crate) const NO_MESSAGE: u64 = 10037;
/// The message to delete does not exist.
pub(crate) const NO_MESSAGE_TO_DELETE: u64 = 10057;
/// The message names another stream (`Nats-Expected-Stream`).
pub(crate) const OTHER_STREAM: u64 = 10060;
/// A message of an atomic batch is missing: it went to another leader, or to another stream.
pub(crate) const BATCH_INCOMPLETE: u64 = 10176;
/// There is no message with this sequence.
pub(crate) const NO_SEQUENCE: u64 = 10043;

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// The server refused it.
    Refused {
        /// The error code of `JetStream`.
        code: u64,
        /// The description of the server.
        text: String,
    },
    /// No answer came: the request may have been carried out.
    Unanswered(TransportError),
    /// No stream stored the message: the request was not carried out.
    NotStored(TransportError),
}

impl ApiError {
    /// Reports whether the server refused the request with this code.
    pub(crate) fn has_code(&self, number: u64) -> bool {
        matches!(self, Self::Refused { code, .. } if *code == number)
    }
}

impl From<ApiError> for TransportError {
    fn from(failed: ApiError) -> Self {
        match failed {
            ApiError::Refused { code, text } => from_code(code, &text),
            ApiError::Unanswered(error) | ApiError::NotStored(error) => error,
        }
    }
}

/// Reads an answer of the `JetStream` API.
pub(crate) fn parse_answer(answer: &[u8]) -> Result<Value, ApiError> {
    let answer: Value = serde_json::from_slice(answer).map_err(|source| {
        let message = "the server sent an answer that is not JSON";
        ApiError::Unanswered(error(ErrorKind::Other, message).because(source))
    })?;
    match refusal(&answer) {
        Some(refused) => Err(refused),
        None => Ok(answer),
    }
}

fn refusal(answer: &Value) -> Option<ApiError> {
    let error = answer.get("error")?;
    let number = |name: &str| error.get(name).and_then(Value::as_u64);
    let text = error.get("description").and_then(Value::as_str);
    Some(ApiError::Refused {
        code: number("err_code").or_else(|| number("code")).unwrap_or(0),
        text: text.unwrap_or("refused without a reason").to_owned(),
    })
}

/// Reports whether the server is not ready yet: it starts, elects a leader, or waits for other servers of its cluster.
pub(crate) fn is_transient_code(code: u64) -> bool {
    matches!(code, 503 | 10005 | 10008 | 10009 | 10118 | 10119)
}

/// Returns the error for a code of the server.
pub(crate) fn from_code(code: u64, text: &str) -> TransportError {
    let (kind, hint) = match code {
        NO_STREAM => (
            ErrorKind::NotFound,
            "`--create` creates the stream that the path of the URL names",
        ),
        NO_CONSUMER | NO_MESSAGE | NO_MESSAGE_TO_DELETE | NO_SEQUENCE => (ErrorKind::NotFound, ""),
        10054 => (
            ErrorKind::TooLarge,
            "the stream's `max_msg_size` is smaller than this message",
        ),
        10047 | 10077 | 10122 => (
            ErrorKind::Full,
            "raise the stream's limits, or let it discard old messages",
        ),
        OTHER_STREAM | 10065 | STREAM_EXISTS | 10084 | 10100 | 10101 | 10136 | 10138 => (
            ErrorKind::Configuration,
            "`nats stream info` and `nats consumer ls` show the current settings",
        ),
        10188 => (
            ErrorKind::Unsupported,
            "the stream does not allow schedules; `pf doctor` prints the fix",
        ),
        10189 | 10190 | 10166 | 10111 | 10174 | 10168 | 10212 => (ErrorKind::Invalid, ""),
        10039 | 10076 => (
            ErrorKind::Unavailable,
            "JetStream is not enabled for this account; start the server with `-js`",
        ),
        code if is_transient_code(code) => (ErrorKind::Unavailable, ""),
        _ => (ErrorKind::Other, ""),
    };
    let message = format!("{text} ({code})");
    match hint {
        "" => error(kind, message),
        hint => error(kind, message).hint(hint),
    }
}

/// Returns the error for a request without an answer.
pub(crate) fn from_request(failed: async_nats::RequestError) -> TransportError {
    match failed.kind() {
        RequestErrorKind::NoResponders => {
            error(ErrorKind::Unavailable, "JetStream does not answer")
                .hint("is JetStream enabled? `nats-server -js` starts it")
        }
        RequestErrorKind::TimedOut => error(ErrorKind::Unavailable, "the server did not answer"),
        RequestErrorKind::InvalidSubject => error(ErrorKind::Invalid, "the subject is not valid"),
        RequestErrorKind::MaxPayloadExceeded => too_large(),
        RequestErrorKind::Other => error(ErrorKind::Unavailable, "the connection was lost"),
    }
    .because(failed)
}

/// Returns the error for a message that is larger than the server accepts.
pub(crate) fn too_large() -> TransportError {
    error(
        ErrorKind::TooLarge,
        "the message is larger than the server accepts",
    )
    .hint("`max_payload` in the server's configuration sets the limit")
}

/// Returns the error for a subject that no stream covers. Internal subjects are only uncovered while a leader is elected.
pub(crate) fn uncovered(subject: &str) -> TransportError {
    if subject.starts_with("_pf.") {
        let message = format!("no stream stores `{subject}` at the moment");
        return error(ErrorKind::Unavailable, message);
    }
    let message = format!("no stream covers the subject `{subject}`");
    error(ErrorKind::NotFound, message).hint("`--create` creates the stream that the URL names")
}

/// Returns why a publish failed.
pub(crate) fn from_publish(failed: jetstream::context::PublishError, subject: &str) -> ApiError {
    let source = std::error::Error::source(&failed);
    if let Some(js) = source.and_then(|source| source.downcast_ref::<jetstream::Error>()) {
        let code = Some(js.error_code().0).filter(|code| *code != 0);
        return ApiError::Refused {
            code: code.unwrap_or(js.code() as u64),
            text: description(js),
        };
    }
    let number = |code: u64, text: &str| ApiError::Refused {
        code,
        text: text.to_owned(),
    };
    match failed.kind() {
        PublishErrorKind::WrongLastSequence => number(WRONG_LAST_SEQUENCE, "wrong last sequence"),
        PublishErrorKind::WrongLastMessageId => number(10070, "wrong last message id"),
        PublishErrorKind::StreamNotFound => ApiError::NotStored(uncovered(subject).because(failed)),
        PublishErrorKind::MaxPayloadExceeded => ApiError::Unanswered(too_large().because(failed)),
        PublishErrorKind::Other => ApiError::Unanswered(
            error(ErrorKind::Invalid, "the message cannot be published").because(failed),
        ),
        _ => ApiError::Unanswered(
            error(
                ErrorKind::Unavailable,
                "the server did not confirm the message",
            )
            .because(failed),
        ),
    }
}

/// Returns the description of the server without its codes.
fn description(refused: &jetstream::Error) -> String {
    let text = refused.to_string();
    match text.rsplit_once(" (code ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_kinds() {
        assert_eq!(from_code(10054, "too big").kind(), ErrorKind::TooLarge);
        assert_eq!(from_code(10077, "maximum messages").kind(), ErrorKind::Full);
        assert_eq!(
            from_code(10059, "stream not found").kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            from_code(10188, "no schedules").kind(),
            ErrorKind::Unsupported
        );
        assert_eq!(from_code(1, "new").to_string(), "nats: new (1)");
    }

    #[test]
    fn an_answer_without_error_is_none() {
        assert!(refusal(&serde_json::json!({"seq": 1})).is_none());
        let answer =
            serde_json::json!({"error": {"code": 400, "err_code": 10071, "description": "x"}});
        assert!(refusal(&answer).unwrap().has_code(WRONG_LAST_SEQUENCE));
    }
}
