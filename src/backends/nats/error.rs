//! What the server answers, as errors of ours.

use async_nats::{
    RequestErrorKind,
    jetstream::{self, context::PublishErrorKind},
};
use serde_json::Value;

use crate::transport::{ErrorKind, TransportError};

/// The URL scheme.
pub(crate) const SCHEME: &str = "nats";

/// Returns an error of this transport.
pub(crate) fn error(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}

/// A wrong last sequence: somebody else was faster.
pub(crate) const WRONG_LAST_SEQUENCE: u64 = 10071;
/// The stream does not exist.
pub(crate) const NO_STREAM: u64 = 10059;
/// The consumer does not exist.
pub(crate) const NO_CONSUMER: u64 = 10014;
/// A consumer of this name exists.
pub(crate) const CONSUMER_EXISTS: u64 = 10148;
/// No message was found.
pub(crate) const NO_MESSAGE: u64 = 10037;
/// No message was found to delete.
pub(crate) const NO_MESSAGE_TO_DELETE: u64 = 10057;
/// The stream is not the one that the message is meant for.
pub(crate) const OTHER_STREAM: u64 = 10060;
/// A batch lacks a message: one went to another leader, or to another stream.
pub(crate) const BATCH_INCOMPLETE: u64 = 10176;
/// There is nothing under this number.
pub(crate) const NO_SEQUENCE: u64 = 10043;

/// Why a request was not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The server said no.
    Server {
        /// `JetStream`'s number for the reason.
        code: u64,
        /// The reason.
        text: String,
    },
    /// No answer came: it may have been carried out.
    Lost(TransportError),
    /// No stream took it: it was not carried out.
    Untaken(TransportError),
}

impl Refusal {
    /// Reports whether this is the server's answer of that number.
    pub(crate) fn is(&self, number: u64) -> bool {
        matches!(self, Self::Server { code, .. } if *code == number)
    }

    /// Reports whether the same request may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Server { code, .. } => is_passing(*code),
            Self::Lost(error) | Self::Untaken(error) => error.is_transient(),
        }
    }
}

impl From<Refusal> for TransportError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Server { code, text } => of_code(code, &text),
            Refusal::Lost(error) | Refusal::Untaken(error) => error,
        }
    }
}

/// Takes the error out of an answer.
pub(crate) fn refused(answer: &Value) -> Option<Refusal> {
    let error = answer.get("error")?;
    let number = |name: &str| error.get(name).and_then(Value::as_u64);
    let text = error.get("description").and_then(Value::as_str);
    Some(Refusal::Server {
        code: number("err_code").or_else(|| number("code")).unwrap_or(0),
        text: text.unwrap_or("refused without a reason").to_owned(),
    })
}

/// Reports whether the server is only not ready: it starts, elects a leader, or waits for other servers of its cluster.
pub(crate) fn is_passing(code: u64) -> bool {
    matches!(code, 503 | 10005 | 10008 | 10009 | 10118 | 10119)
}

/// Turns the server's number for a reason into an error.
pub(crate) fn of_code(code: u64, text: &str) -> TransportError {
    let (kind, hint) = match code {
        NO_STREAM => (
            ErrorKind::NotFound,
            "`--create` makes the stream that the path of the URL names",
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
        OTHER_STREAM | 10065 | 10058 | 10084 | 10100 | 10101 | 10136 | 10138 => (
            ErrorKind::Configuration,
            "`nats stream info` and `nats consumer ls` show what is there",
        ),
        10188 => (
            ErrorKind::Unsupported,
            "the stream does not allow schedules; `pf doctor` says how to mend it",
        ),
        10189 | 10190 | 10166 | 10111 | 10174 | 10168 | 10212 => (ErrorKind::Invalid, ""),
        10039 | 10076 => (
            ErrorKind::Unavailable,
            "JetStream is not enabled for this account; start the server with `-js`",
        ),
        code if is_passing(code) => (ErrorKind::Unavailable, ""),
        _ => (ErrorKind::Other, ""),
    };
    let message = format!("{text} ({code})");
    match hint {
        "" => error(kind, message),
        hint => error(kind, message).hint(hint),
    }
}

/// Turns a request that got no answer into an error.
pub(crate) fn of_request(failed: async_nats::RequestError) -> TransportError {
    match failed.kind() {
        RequestErrorKind::NoResponders => {
            error(ErrorKind::Unavailable, "JetStream does not answer")
                .hint("is JetStream enabled? `nats-server -js` starts it")
        }
        RequestErrorKind::TimedOut => error(ErrorKind::Unavailable, "the server did not answer"),
        RequestErrorKind::InvalidSubject => error(ErrorKind::Invalid, "not a subject"),
        RequestErrorKind::MaxPayloadExceeded => too_large(),
        RequestErrorKind::Other => error(ErrorKind::Unavailable, "the connection was lost"),
    }
    .because(failed)
}

/// Returns the error for a message that the server would not take.
pub(crate) fn too_large() -> TransportError {
    error(
        ErrorKind::TooLarge,
        "the message is larger than the server takes",
    )
    .hint("`max_payload` in the server's configuration sets the limit")
}

/// Returns the error for a subject that no stream covers. Of our own ones that is only so for a moment.
pub(crate) fn uncovered(subject: &str) -> TransportError {
    if subject.starts_with("_pf.") {
        let message = format!("no stream takes `{subject}` at the moment");
        return error(ErrorKind::Unavailable, message);
    }
    let message = format!("no stream covers the subject `{subject}`");
    error(ErrorKind::NotFound, message).hint("`--create` makes the stream that the URL names")
}

/// Turns a publish that failed into an answer of the server, or none.
pub(crate) fn of_publish(failed: jetstream::context::PublishError, subject: &str) -> Refusal {
    let source = std::error::Error::source(&failed);
    if let Some(js) = source.and_then(|source| source.downcast_ref::<jetstream::Error>()) {
        let code = Some(js.error_code().0).filter(|code| *code != 0);
        return Refusal::Server {
            code: code.unwrap_or(js.code() as u64),
            text: description(js),
        };
    }
    let number = |code: u64, text: &str| Refusal::Server {
        code,
        text: text.to_owned(),
    };
    match failed.kind() {
        PublishErrorKind::WrongLastSequence => number(WRONG_LAST_SEQUENCE, "wrong last sequence"),
        PublishErrorKind::WrongLastMessageId => number(10070, "wrong last message id"),
        PublishErrorKind::StreamNotFound => Refusal::Untaken(uncovered(subject).because(failed)),
        PublishErrorKind::MaxPayloadExceeded => Refusal::Lost(too_large().because(failed)),
        PublishErrorKind::Other => {
            Refusal::Lost(error(ErrorKind::Invalid, "not publishable").because(failed))
        }
        _ => Refusal::Lost(
            error(
                ErrorKind::Unavailable,
                "the server did not confirm the message",
            )
            .because(failed),
        ),
    }
}

/// Returns the server's own words, without its numbers.
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
        assert_eq!(of_code(10054, "too big").kind(), ErrorKind::TooLarge);
        assert_eq!(of_code(10077, "maximum messages").kind(), ErrorKind::Full);
        assert_eq!(
            of_code(10059, "stream not found").kind(),
            ErrorKind::NotFound
        );
        assert_eq!(
            of_code(10188, "no schedules").kind(),
            ErrorKind::Unsupported
        );
        assert_eq!(of_code(1, "new").to_string(), "nats: new (1)");
    }

    #[test]
    fn an_answer_without_error_is_none() {
        assert!(refused(&serde_json::json!({"seq": 1})).is_none());
        let answer =
            serde_json::json!({"error": {"code": 400, "err_code": 10071, "description": "x"}});
        assert!(refused(&answer).unwrap().is(WRONG_LAST_SEQUENCE));
    }
}
