//! Attributes of an event that override how it is handled: its number of attempts, its expiry, and the mark of a dead letter.

use std::{sync::LazyLock, time::SystemTime};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use crate::{
    event::{
        Envelope, Message,
        attributes::names::{
            MAX_ATTEMPTS, PF_DEAD_LETTER, PF_ERROR_MESSAGE, PF_MAX_ATTEMPTS, attempts_of,
        },
    },
    runtime::describe_failure,
    transport::{DeadLetterKind, Delivery, Failure},
};

const EXPIRY: &str = "expirytime";
/// The attributes that override something.
const ATTRIBUTES: [&str; 4] = [MAX_ATTEMPTS, PF_MAX_ATTEMPTS, EXPIRY, PF_DEAD_LETTER];
/// Strings of which one is in every payload with such an attribute. Nearly all events have none, so a search for four
/// strings spares the parsing of the event.
const PAYLOAD_MARKERS: [&str; 4] = ["\"pf_", "\"pfmax", "\"ce_pf", EXPIRY];

/// Overrides of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::runtime::consume) struct EventOverrides {
    /// Number of attempts.
    pub(in crate::runtime::consume) max_attempts: Option<u32>,
    /// Set if the event is dead-lettered without a run.
    pub(in crate::runtime::consume) given_up: Option<(DeadLetterKind, Failure)>,
    /// Set if the event has expired: says when.
    pub(in crate::runtime::consume) expired: Option<Failure>,
}

impl EventOverrides {
    /// Reads the overrides. The message is parsed only if it can have one.
    pub(in crate::runtime::consume) fn of(delivery: &Delivery, now: SystemTime) -> Self {
        let message = &delivery.stored.message;
        if !mentions_override(message) {
            return Self::default();
        }
        let header = message.headers.text(PF_MAX_ATTEMPTS).and_then(attempts_of);
        let Ok(envelope) = Envelope::read(message) else {
            return Self {
                max_attempts: header,
                ..Self::default()
            };
        };
        // Replaying is an explicit decision, which stands above those of the publisher and of other consumers.
        let is_replay = delivery.lineage.is_some();
        let expiry = envelope.extension(EXPIRY).filter(|_| !is_replay);
        Self {
            max_attempts: envelope.max_attempts().or(header),
            given_up: dead_letter_of_go_library(&envelope).filter(|_| !is_replay),
            expired: expiry.and_then(|time| expired(&time, now.into())),
        }
    }
}

fn mentions_override(message: &Message) -> bool {
    static FINDERS: LazyLock<[Finder<'static>; 4]> =
        LazyLock::new(|| PAYLOAD_MARKERS.map(Finder::new));
    let named = |name: &str| {
        let name = name.as_bytes();
        ATTRIBUTES.iter().any(|end| {
            name.len() >= end.len()
                && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        })
    };
    message.headers.iter().any(|(name, _)| named(name))
        || FINDERS
            .iter()
            .any(|finder| finder.find(message.bytes()).is_some())
}

fn expired(time: &str, now: DateTime<Utc>) -> Option<Failure> {
    let expiry = DateTime::parse_from_rfc3339(time).ok()?;
    let failure = || describe_failure("expired", &format!("expired at {time}"), None);
    (expiry < now).then(failure)
}

/// Recognises a dead letter of the Go library, which publishes dead letters to the topic that they came from. Without this
/// they would be handled and fail again without end. One that was replayed is handled.
fn dead_letter_of_go_library(envelope: &Envelope<'_>) -> Option<(DeadLetterKind, Failure)> {
    if envelope.extension(PF_DEAD_LETTER)? != "true" {
        return None;
    }
    let message = envelope.extension(PF_ERROR_MESSAGE);
    let message = message.filter(|message| !message.is_empty());
    let message = message.as_deref().unwrap_or("another consumer gave it up");
    let failure = describe_failure("protoflow dead letter", message, None);
    Some((DeadLetterKind::Terminated, failure))
}
