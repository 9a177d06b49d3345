//! Answers of brokers and failures of connections as `TransportError`.

use crate::transport::{ErrorKind, TransportError};

/// The URL scheme.
pub(crate) const SCHEME: &str = "pulsar";

/// What brokers answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
enum ServerError {
    UnknownError = 0,
    MetadataError = 1,
    PersistenceError = 2,
    AuthenticationError = 3,
    AuthorizationError = 4,
    ConsumerBusy = 5,
    ServiceNotReady = 6,
    ProducerBlockedQuotaExceededError = 7,
    ProducerBlockedQuotaExceededException = 8,
    ChecksumError = 9,
    UnsupportedVersionError = 10,
    TopicNotFound = 11,
    SubscriptionNotFound = 12,
    ConsumerNotFound = 13,
    TooManyRequests = 14,
    TopicTerminatedError = 15,
    ProducerBusy = 16,
    InvalidTopicName = 17,
    IncompatibleSchema = 18,
    ConsumerAssignError = 19,
    TransactionCoordinatorNotFound = 20,
    InvalidTxnStatus = 21,
    NotAllowedError = 22,
    TransactionConflict = 23,
    TransactionNotFound = 24,
    ProducerFenced = 25,
}

/// Creates an error of this transport.
pub(crate) fn error(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}

/// How the error of a subscription begins that consumers of another type use.
const OTHER_TYPE: &str = "the subscription is in use with another type";

/// Reports whether a subscription exists that could not be joined: other consumers use it.
pub(crate) fn is_in_use(error: &TransportError) -> bool {
    error.kind() == ErrorKind::Held || error.message().starts_with(OTHER_TYPE)
}

/// Creates the error of a URL.
pub(crate) fn configuration(message: impl Into<String>) -> TransportError {
    error(ErrorKind::Configuration, message)
}

/// Returns the error of a request that a broker refused.
pub(crate) fn from_server(code: i32, text: &str) -> TransportError {
    use ServerError as Code;
    let known = Code::try_from(code).unwrap_or(Code::UnknownError);
    let text = match first_line(text) {
        "" if known != Code::TopicNotFound => {
            &format!("the broker refused without a reason: {known:?}")
        }
        text => text,
    };
    let (kind, hint) = match known {
        Code::AuthenticationError => {
            let message = format!("authentication failed: {text}");
            return error(ErrorKind::Denied, message)
                .hint("`token-file=FILE` in the URL names the file with the token");
        }
        Code::AuthorizationError => (
            ErrorKind::Denied,
            "`pulsar-admin namespaces grant-permission` grants `produce` and `consume` to the role of the token",
        ),
        Code::ConsumerBusy => return busy(text),
        Code::ServiceNotReady | Code::TooManyRequests | Code::MetadataError => {
            (ErrorKind::Unavailable, "")
        }
        Code::PersistenceError if is_transient(text) => (ErrorKind::Unavailable, ""),
        Code::ProducerBlockedQuotaExceededError | Code::ProducerBlockedQuotaExceededException => (
            ErrorKind::Full,
            "the backlog quota of the namespace is reached: consume, or raise it",
        ),
        Code::TopicNotFound => return not_found(text),
        Code::SubscriptionNotFound | Code::ConsumerNotFound => (ErrorKind::NotFound, ""),
        Code::InvalidTopicName => (ErrorKind::Invalid, ""),
        Code::IncompatibleSchema => (
            ErrorKind::Configuration,
            "the topic enforces a schema; events are published as bytes, without one",
        ),
        Code::TopicTerminatedError => (
            ErrorKind::Configuration,
            "a terminated topic accepts no more messages",
        ),
        Code::ProducerBusy | Code::ProducerFenced => (ErrorKind::Held, ""),
        Code::UnsupportedVersionError => (ErrorKind::Unsupported, ""),
        Code::NotAllowedError => (ErrorKind::Configuration, ""),
        _ => (ErrorKind::Other, ""),
    };
    with_hint(error(kind, text), hint)
}

/// A broker that has only just started, or hands a topic over, reports what it cannot do yet like a failure of storage.
fn is_transient(text: &str) -> bool {
    !text.contains("not allowed") && !text.contains("Not allowed")
}

fn not_found(text: &str) -> TransportError {
    let text = match text {
        "" => "the topic does not exist",
        text => text,
    };
    if text.contains("Namespace not found") || text.contains("does not exist: namespace") {
        return error(
            ErrorKind::NotFound,
            "the namespace of the URL does not exist",
        )
        .hint("`pulsar-admin namespaces create TENANT/NAMESPACE` creates it");
    }
    error(ErrorKind::NotFound, text).hint("`--create` creates topics")
}

/// Returns the error of a subscription that has a consumer which excludes this one.
fn busy(text: &str) -> TransportError {
    if let Some((_, rest)) = text.split_once("Active subscription type of '") {
        let active = rest.split('\'').next().unwrap_or_default();
        let message = format!("{OTHER_TYPE}, {active}");
        return error(ErrorKind::Configuration, message).hint(format!(
            "write `type={}` into the URL, or stop the consumers that are connected",
            parameter_of(active)
        ));
    }
    error(
        ErrorKind::Held,
        "another consumer holds the exclusive subscription",
    )
    .hint(
        "`--wait` waits until it ends, and takes over; or let all consumers share the subscription with `type=key_shared` in \
         their URLs",
    )
}

fn parameter_of(subscription_type: &str) -> &'static str {
    match subscription_type {
        "Exclusive" => "exclusive",
        "Failover" => "failover",
        "Shared" => "shared",
        _ => "key_shared",
    }
}

/// Returns the error of a connection that ended.
pub(crate) fn connection_lost(why: &str) -> TransportError {
    error(
        ErrorKind::Unavailable,
        format!("the connection to the broker was lost: {why}"),
    )
}

/// Returns the error of a message that may be stored.
pub(crate) fn outcome_unknown(why: &str) -> TransportError {
    error(ErrorKind::Ambiguous, format!("outcome unknown: {why}"))
}

/// Returns the error of a delay that consumers would not keep.
pub(crate) fn exclusive_delay() -> TransportError {
    error(
        ErrorKind::Unsupported,
        "consumers of an exclusive or failover subscription get delayed events at once",
    )
    .hint("write `type=key_shared` or `type=shared` into the URL")
}

/// Returns the error of a request that got no answer.
pub(crate) fn no_answer() -> TransportError {
    error(ErrorKind::Unavailable, "the broker did not answer")
}

/// Returns the error of a caller who leaves before everything settled is acknowledged: the events are delivered again.
pub(crate) fn unacknowledged(why: TransportError) -> TransportError {
    connection_lost(
        "the last acknowledgements were not confirmed; their events may be delivered again",
    )
    .because(why)
}

fn with_hint(error: TransportError, hint: &'static str) -> TransportError {
    match hint {
        "" => error,
        hint => error.hint(hint),
    }
}

/// Exceptions of Java come with their stack.
fn first_line(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    let bare = line
        .rsplit_once("Exception: ")
        .map_or(line, |(_, bare)| bare);
    if bare.is_empty() { line } else { bare }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_subscription_says_which_type_it_has() {
        let code = ServerError::ConsumerBusy as i32;
        let held = from_server(code, "Exclusive consumer is already connected");
        assert_eq!(held.kind(), ErrorKind::Held);
        let text = "Subscription is of different type. Active subscription type of 'Shared' is different than the connecting consumer's type 'Exclusive'.";
        let other = from_server(code, text);
        assert_eq!(other.kind(), ErrorKind::Configuration);
        assert!(is_in_use(&held) && is_in_use(&other));
        let refused = from_server(ServerError::NotAllowedError as i32, "no");
        assert!(!is_in_use(&refused));
        assert!(other.advice().unwrap().contains("type=shared"), "{other:?}");
    }

    /// Brokers answer so while a namespace is deleted.
    #[test]
    fn an_answer_without_text_has_a_message() {
        for code in -1..27 {
            let refused = from_server(code, "");
            let message = refused.message();
            assert!(
                !message.is_empty() && !message.ends_with(' '),
                "{refused:?}"
            );
        }
        let missing = from_server(ServerError::TopicNotFound as i32, "");
        assert_eq!(missing.message(), "the topic does not exist");
    }

    #[test]
    fn only_the_first_line_of_an_exception_is_shown() {
        let text = "org.apache.pulsar.X$NotAllowedException: no\n\tat org.apache";
        let refused = from_server(ServerError::NotAllowedError as i32, text);
        assert_eq!(refused.message(), "no");
    }
}
