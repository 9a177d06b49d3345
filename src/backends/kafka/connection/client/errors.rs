//! Errors and log lines that librdkafka reports beside its answers: why no broker answers, and the ids of topics.
//!
//! A request that gets no answer fails with a timeout alone. The reason, such as a refused login, comes through a callback
//! earlier, and is kept here for the error message.

use std::sync::Arc;

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode as Code};

use super::{
    tls::{self, TlsFailure},
    topic_ids::TopicIds,
};
use crate::{
    backends::kafka::error::error,
    lock::Mutex,
    transport::{ErrorKind, TransportError},
};

/// Keeps the last error that a client reported.
#[derive(Debug, Default)]
pub(crate) struct ClientErrors {
    heard: Mutex<Option<(Code, String)>>,
    /// The last topic that a record was refused for, by ACLs.
    denied: Mutex<Option<String>>,
    /// The ids of topics, where the settings of the client make it log them.
    pub(crate) topics: Arc<TopicIds>,
}

impl ClientErrors {
    /// Starts with ids of topics that are known already.
    pub(crate) fn knowing(topics: TopicIds) -> Self {
        Self {
            topics: Arc::new(topics),
            ..Self::default()
        }
    }

    /// Notes the topic of a record that ACLs refused.
    pub(crate) fn note_denied_topic(&self, topic: &str) {
        *self.denied.lock() = Some(topic.to_owned());
    }

    /// Returns the last topic of a record that ACLs refused.
    pub(crate) fn denied_topic(&self) -> Option<String> {
        self.denied.lock().clone()
    }

    /// Keeps an error of the client.
    pub(crate) fn record(&self, failed: &KafkaError, reason: &str) {
        tracing::debug!(%failed, reason, "librdkafka");
        let Some(code) = failed.rdkafka_error_code() else {
            return;
        };
        // "All brokers are down" says less than why one of them is.
        if !matches!(
            code,
            Code::AllBrokersDown | Code::PartitionEOF | Code::NoError
        ) {
            let mut heard = self.lock();
            // A failure of TLS says more than the lost connection that follows.
            let is_told = heard.as_ref().is_some_and(|(code, _)| *code == Code::SSL);
            if !is_told || code != Code::BrokerTransportFailure {
                *heard = Some((code, reason.to_owned()));
            }
        }
    }

    /// Returns the last error if it will not pass by itself.
    pub(crate) fn fatal(&self) -> Option<TransportError> {
        let heard = self.lock();
        let (code, reason) = heard.as_ref()?;
        let is_final = matches!(
            code,
            Code::Authentication | Code::SaslAuthenticationFailed | Code::UnsupportedSASLMechanism
        );
        if is_final {
            return Some(denied(reason));
        }
        let failure = tls::failure(reason).filter(|failure| failure.is_certain)?;
        Some(misconfigured(reason, failure))
    }

    /// Returns the last error if it will not pass by itself, for a client that no broker has answered: of a connection
    /// that was up before, a failure of TLS may only mean that the broker went away.
    pub(crate) fn fatal_at_start(&self) -> Option<TransportError> {
        self.fatal().or_else(|| {
            let heard = self.lock();
            let (_, reason) = heard.as_ref()?;
            Some(misconfigured(reason, tls::failure(reason)?))
        })
    }

    /// Returns why no broker answers, if an error was reported.
    pub(crate) fn if_unreachable(&self, servers: &[String]) -> Option<TransportError> {
        let heard = self.lock().is_some();
        heard.then(|| self.unreachable(servers))
    }

    /// Returns the text of the last error.
    pub(crate) fn last(&self) -> Option<String> {
        let heard = self.lock();
        heard.as_ref().map(|(_, reason)| brief(reason))
    }

    /// Returns the error of a broker that does not answer.
    pub(crate) fn unreachable(&self, servers: &[String]) -> TransportError {
        let servers = servers.join(", ");
        let heard = self.lock().clone();
        match heard {
            Some((_, reason)) => error(
                ErrorKind::Unavailable,
                format!("no broker answers at {servers}: {}", brief(&reason)),
            ),
            None => error(
                ErrorKind::Unavailable,
                format!("no broker answers at {servers}"),
            ),
        }
        .hint("is Kafka running there, and the URL right?")
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<(Code, String)>> {
        self.heard.lock()
    }
}

fn misconfigured(reason: &str, failure: TlsFailure) -> TransportError {
    let message = format!("no secure connection: {}", brief(reason));
    error(ErrorKind::Configuration, message).hint(failure.hint)
}

fn denied(reason: &str) -> TransportError {
    let message = format!("authentication failed: {}", brief(reason));
    error(ErrorKind::Denied, message).hint("check user, password and `sasl.mechanisms`")
}

/// Removes the addresses before a reason and the timing behind it.
fn brief(reason: &str) -> String {
    let text = reason.split(" (after ").next().unwrap_or(reason);
    let text = text.split_once("]: ").map_or(text, |(_, rest)| rest);
    // `host:port/bootstrap: why`
    let text = match text.split_once(": ") {
        Some((place, why)) if place.contains('/') && !place.contains(' ') => why,
        _ => text,
    };
    text.replace("ipv4#", "").replace("ipv6#", "")
}

/// Passes a line of librdkafka's log to tracing: it must not go to the user's stderr.
pub(super) fn log(facility: &str, message: &str) {
    tracing::debug!(target: "librdkafka", facility, "{message}");
}
