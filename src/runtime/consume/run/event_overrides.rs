//! What an event itself says about how it is to be handled.

use std::{sync::LazyLock, time::SystemTime};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use crate::{
    event::{
        Envelope, Message,
        names::{MAX_ATTEMPTS, PF_DEAD_LETTER, PF_ERROR_MESSAGE, PF_MAX_ATTEMPTS, attempts_of},
    },
    runtime::describe_failure,
    transport::{Delivery, Failure, LetterKind},
};

const EXPIRY: &str = "expirytime";
/// The attributes that are looked for.
const MENTIONED: [&str; 4] = [MAX_ATTEMPTS, PF_MAX_ATTEMPTS, EXPIRY, PF_DEAD_LETTER];
/// What one of them needs in a payload: few enough to look for each in every event.
const TRACES: [&str; 3] = ["\"pf_", "\"pfmax", EXPIRY];

/// What an event asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::runtime::consume) struct Wishes {
    /// Runs that it wants to get.
    pub(in crate::runtime::consume) max_attempts: Option<u32>,
    /// Set when it is to be given up without a run.
    pub(in crate::runtime::consume) over: Option<(LetterKind, Failure)>,
}

impl Wishes {
    /// Reads them; most events have none, and then the message is not parsed.
    pub(in crate::runtime::consume) fn of(delivery: &Delivery, now: SystemTime) -> Self {
        let message = &delivery.stored.message;
        if !mentions_any(message) {
            return Self::default();
        }
        let header = message.headers.text(PF_MAX_ATTEMPTS).and_then(attempts_of);
        let Ok(envelope) = Envelope::read(message) else {
            return Self {
                max_attempts: header,
                over: None,
            };
        };
        let expiry = envelope.extension(EXPIRY);
        let expired = expiry.and_then(|time| expired(&time, now.into()));
        Self {
            max_attempts: envelope.max_attempts().or(header),
            over: given_up(&envelope)
                .filter(|_| delivery.lineage.is_none())
                .or(expired),
        }
    }
}

fn mentions_any(message: &Message) -> bool {
    static FINDERS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| TRACES.map(Finder::new));
    let named = |name: &str| {
        let name = name.as_bytes();
        MENTIONED.iter().any(|end| {
            name.len() >= end.len()
                && name[name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        })
    };
    message.headers.iter().any(|(name, _)| named(name))
        || FINDERS
            .iter()
            .any(|finder| finder.find(message.bytes()).is_some())
}

fn expired(time: &str, now: DateTime<Utc>) -> Option<(LetterKind, Failure)> {
    let expiry = DateTime::parse_from_rfc3339(time).ok()?;
    let message = format!("expired at {time}");
    let failure = || describe_failure("expired", &message, None);
    (expiry < now).then(|| (LetterKind::Expired, failure()))
}

/// Recognises what the Go library gave up: it publishes its dead letters to the topic that they came from, for ever.
/// One that was replayed is to be handled.
fn given_up(envelope: &Envelope<'_>) -> Option<(LetterKind, Failure)> {
    if envelope.extension(PF_DEAD_LETTER)? != "true" {
        return None;
    }
    let message = envelope.extension(PF_ERROR_MESSAGE);
    let message = message.filter(|message| !message.is_empty());
    let message = message.as_deref().unwrap_or("another consumer gave it up");
    let failure = describe_failure("protoflow dead letter", message, None);
    Some((LetterKind::Terminated, failure))
}
