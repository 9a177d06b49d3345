//! What an event itself says about how it is to be handled.

use std::{sync::LazyLock, time::SystemTime};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use crate::{
    event::{
        Envelope, Message,
        names::{DEAD_LETTER, ERROR_MESSAGE, MAX_ATTEMPTS},
    },
    runtime::describe_failure,
    transport::{Delivery, Failure, LetterKind},
};

const EXPIRY: &str = "expirytime";
/// The attributes that are looked for.
const MENTIONED: [&str; 3] = [MAX_ATTEMPTS, EXPIRY, DEAD_LETTER];

/// What an event asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Runs that it wants to get.
    pub(super) max_attempts: Option<u32>,
    /// Set when it is to be given up without a run.
    pub(super) over: Option<(LetterKind, Failure)>,
}

impl Wishes {
    /// Reads them; most events have none, and then the message is not parsed.
    pub(super) fn of(delivery: &Delivery, now: SystemTime) -> Self {
        let message = &delivery.stored.message;
        if !mentions_any(message) {
            return Self::default();
        }
        let header = message.headers.text(MAX_ATTEMPTS).and_then(number);
        let Ok(envelope) = Envelope::read(message) else {
            return Self {
                max_attempts: header,
                over: None,
            };
        };
        let own = envelope.extension(MAX_ATTEMPTS);
        let expiry = envelope.extension(EXPIRY);
        let expired = expiry.and_then(|time| expired(&time, now.into()));
        Self {
            max_attempts: own.as_deref().and_then(number).or(header),
            over: given_up(&envelope)
                .filter(|_| delivery.lineage.is_none())
                .or(expired),
        }
    }
}

fn mentions_any(message: &Message) -> bool {
    static FINDERS: LazyLock<[Finder<'static>; 3]> = LazyLock::new(|| MENTIONED.map(Finder::new));
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

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|attempts| *attempts > 0)
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
    if envelope.extension(DEAD_LETTER)? != "true" {
        return None;
    }
    let message = envelope.extension(ERROR_MESSAGE);
    let message = message.filter(|message| !message.is_empty());
    let message = message.as_deref().unwrap_or("another consumer gave it up");
    let failure = describe_failure("protoflow dead letter", message, None);
    Some((LetterKind::Terminated, failure))
}
