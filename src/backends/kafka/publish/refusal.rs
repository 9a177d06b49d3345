//! The meaning of a broker's refusal of a record.

use rdkafka::types::RDKafkaErrorCode as Code;

use crate::{
    backends::kafka::{
        connection::{
            access::{self, Access},
            admin,
            client::errors::ClientErrors,
            config::Config,
        },
        error::error,
    },
    transport::{ErrorKind, TransportError},
};

/// Adds the connection error to an unknown outcome.
pub(super) fn with_cause(
    failed: TransportError,
    errors: &ClientErrors,
    servers: &[String],
) -> TransportError {
    match errors.if_unreachable(servers) {
        Some(trouble) if failed.kind() == ErrorKind::Ambiguous => failed.because(trouble),
        _ => failed,
    }
}

/// Returns the error of a record that was not stored, or of which that is unknown.
pub(super) fn refusal(config: &Config, code: Code, name: &str) -> TransportError {
    match code {
        Code::MessageTimedOut | Code::NotEnoughReplicasAfterAppend => {
            let message = "outcome unknown: the broker did not confirm that the message was stored";
            let failed = error(ErrorKind::Ambiguous, message);
            failed.hint("`pf doctor` shows whether brokers or replicas are missing")
        }
        Code::MessageSizeTooLarge => too_large(name, None),
        Code::UnknownTopicOrPartition | Code::UnknownTopic => admin::unknown(name),
        Code::InvalidRecord => {
            let failed = error(ErrorKind::Invalid, format!("`{name}` rejected the record"));
            failed.hint("a compacted topic accepts only records with a key; set one with `--key`")
        }
        code => access::from_code(config, code, "publishing", Access::topic("Write", name)),
    }
}

pub(super) fn too_large(name: &str, limit: Option<usize>) -> TransportError {
    let message = match limit {
        Some(limit) => format!("the record is larger than the limit of `{name}`, {limit} bytes"),
        None => format!("the record is larger than the limit of `{name}`"),
    };
    error(ErrorKind::TooLarge, message).hint("the topic's `max.message.bytes` sets the limit")
}
