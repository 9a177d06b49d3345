//! What an event itself says about how it is to be handled.

use std::{sync::LazyLock, time::SystemTime};

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use crate::{
    event::{Envelope, Message, names::MAX_ATTEMPTS},
    runtime::describe_failure,
    transport::Failure,
};

const EXPIRY: &str = "expirytime";

/// What an event asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// Runs that it wants to get.
    pub(super) max_attempts: Option<u32>,
    /// Set when its time is over.
    pub(super) expired: Option<Failure>,
}

impl Wishes {
    /// Reads them; most events have none, and then the message is not parsed.
    pub(super) fn of(message: &Message, now: SystemTime) -> Self {
        if !mentions_any(message) {
            return Self::default();
        }
        let header = message.headers.text(MAX_ATTEMPTS).and_then(number);
        let Ok(envelope) = Envelope::read(message) else {
            return Self {
                max_attempts: header,
                expired: None,
            };
        };
        let own = envelope.extension(MAX_ATTEMPTS);
        let expiry = envelope.extension(EXPIRY);
        Self {
            max_attempts: own.as_deref().and_then(number).or(header),
            expired: expiry.and_then(|time| expired(&time, now.into())),
        }
    }
}

fn mentions_any(message: &Message) -> bool {
    static FINDERS: LazyLock<[Finder<'static>; 2]> =
        LazyLock::new(|| [Finder::new(MAX_ATTEMPTS), Finder::new(EXPIRY)]);
    let named = |name: &str| {
        let name = name.as_bytes();
        [MAX_ATTEMPTS, EXPIRY].iter().any(|end| {
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

fn expired(time: &str, now: DateTime<Utc>) -> Option<Failure> {
    let expiry = DateTime::parse_from_rfc3339(time).ok()?;
    let message = format!("expired at {time}");
    (expiry < now).then(|| describe_failure("expired", &message, None))
}
