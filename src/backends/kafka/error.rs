//! Errors of librdkafka and the brokers as [`TransportError`]s.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use crate::transport::{ErrorKind, TransportError};

/// The URL scheme.
pub(super) const SCHEME: &str = "kafka";

/// Returns an error of this transport.
pub(super) fn error(kind: ErrorKind, message: impl Into<String>) -> TransportError {
    TransportError::new(SCHEME, kind, message.into())
}

/// Turns an error of the client into a [`TransportError`]; `doing` is what failed, as in `reading offsets`.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub(super) fn from_kafka(failed: KafkaError, doing: &str) -> TransportError {
    match failed.rdkafka_error_code() {
        // Its words say all that the client knows.
        Some(code) => from_code(code, doing),
        None => error(ErrorKind::Other, format!("{doing} failed: {failed}")),
    }
}

/// Turns a broker's or the client's code into an error.
pub(super) fn from_code(code: Code, doing: &str) -> TransportError {
    let (kind, hint) = classify(code);
    let failed = error(kind, format!("{doing} failed: {}", describe(code)));
    match hint {
        "" => failed,
        hint => failed.hint(hint),
    }
}

/// Tells whether a record was refused for what it is: trying the same again would not help.
pub(super) fn is_refusal(failed: &TransportError) -> bool {
    !matches!(
        failed.kind(),
        ErrorKind::Unavailable | ErrorKind::Ambiguous | ErrorKind::Held | ErrorKind::Full
    )
}

/// Returns what a code is to us, and what to do about it.
fn classify(code: Code) -> (ErrorKind, &'static str) {
    match code {
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::TimedOutQueue
        | Code::NetworkException
        | Code::BrokerNotAvailable
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::ReplicaNotAvailable
        | Code::WaitingForCoordinator
        | Code::RebalanceInProgress
        | Code::NotEnoughReplicas
        | Code::BrokerDestroy => (ErrorKind::Unavailable, ""),
        Code::MessageTimedOut | Code::NotEnoughReplicasAfterAppend => (ErrorKind::Ambiguous, ""),
        Code::Authentication | Code::SaslAuthenticationFailed => {
            (ErrorKind::Denied, "check user and password")
        }
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => {
            (ErrorKind::Denied, "the cluster's ACLs do not allow it")
        }
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            (ErrorKind::NotFound, "`--create` makes a topic")
        }
        Code::MessageSizeTooLarge => (
            ErrorKind::TooLarge,
            "the topic's `max.message.bytes` sets the limit",
        ),
        Code::InvalidTopic | Code::InvalidRecord | Code::InvalidMessageSize => {
            (ErrorKind::Invalid, "")
        }
        Code::InvalidPartitions | Code::InvalidReplicationFactor | Code::InvalidConfig => {
            (ErrorKind::Configuration, "")
        }
        Code::PolicyViolation => (ErrorKind::Denied, "a policy of the cluster forbids it"),
        Code::UnsupportedVersion | Code::UnsupportedFeature => (
            ErrorKind::Unsupported,
            "the broker is too old; Kafka 4.0 or newer is needed",
        ),
        Code::InvalidProducerEpoch | Code::Fenced | Code::ProducerFenced => {
            (ErrorKind::Held, "another process took over")
        }
        Code::FencedInstanceId | Code::UnreleasedInstanceId => (
            ErrorKind::Held,
            "another member of the group has the same `--instance`",
        ),
        Code::IllegalGeneration | Code::UnknownMemberId | Code::AssignmentLost => {
            (ErrorKind::Lost, "")
        }
        Code::KafkaStorageError => (ErrorKind::Full, "look at the broker's disk"),
        _ => (ErrorKind::Other, ""),
    }
}

/// Returns a code in words, without the client's prefix.
fn describe(code: Code) -> String {
    let text = code.to_string();
    let text = text
        .split_once(" (")
        .map_or(&*text, |(_, rest)| rest.strip_suffix(')').unwrap_or(rest));
    match text.split_once(": ") {
        Some(("Broker" | "Local", words)) => words.to_lowercase(),
        _ => text.to_lowercase(),
    }
}

/// Returns a warning because of an error, with its hint.
pub(super) fn warning(message: &str, cause: &TransportError) -> TransportError {
    let warning = error(ErrorKind::Warning, format!("{message}: {cause}"));
    match cause.advice() {
        Some(advice) => warning.hint(advice.to_owned()),
        None => warning,
    }
}

/// Returns the error of a thread or task that ended without a result.
pub(super) fn thread_ended(
    failed: impl std::error::Error + Send + Sync + 'static,
) -> TransportError {
    error(ErrorKind::Other, "an internal thread ended").because(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_kinds() {
        let kind = |code| from_code(code, "it").kind();
        assert_eq!(kind(Code::MessageSizeTooLarge), ErrorKind::TooLarge);
        assert_eq!(kind(Code::AllBrokersDown), ErrorKind::Unavailable);
        assert_eq!(kind(Code::Authentication), ErrorKind::Denied);
        assert_eq!(kind(Code::ProducerFenced), ErrorKind::Held);
        assert_eq!(kind(Code::MessageTimedOut), ErrorKind::Ambiguous);
    }

    #[test]
    fn words_are_for_people() {
        let told = from_code(Code::UnknownTopicOrPartition, "publishing").to_string();
        assert_eq!(told, "kafka: publishing failed: unknown topic or partition");
    }
}
