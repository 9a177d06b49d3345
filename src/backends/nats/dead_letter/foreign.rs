//! Dead letters that other programs stored in subjects of the user's stream, which the URL names.
//!
//! JetStream has no dead-letter queue of its own, so that no name tells such a subject: whatever lies in one that is named is
//! a dead letter, at worst one of which nothing is known but its bytes. It is deleted there once it is resolved.

use crate::{
    backends::{
        foreign::{self, ForeignFailure, UNKNOWN_GROUP},
        foreign_letter::StoredAt,
        nats::{
            codec::headers,
            connection::{
                direct_get::{self, Query},
                handle::Connection,
                stream::info::{self, StreamInfo},
            },
            error::{SCHEME, error},
            read::pull::Received,
        },
    },
    event::{Group, Position, Topic},
    transport::{DeadLetter, ErrorKind, Result},
};

/// Marks the sequence of a message of the user's stream among those of the dead-letter stream.
const IN_USER_STREAM: u64 = 1 << 63;

/// Where a dead letter is stored, as one number: the sequence, and which stream it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the dead-letter stream.
    DeadLetters(u64),
    /// In the user's stream.
    User(u64),
}

impl Place {
    /// Reads the number.
    pub(crate) fn of(number: u64) -> Self {
        match number & IN_USER_STREAM {
            0 => Self::DeadLetters(number),
            _ => Self::User(number & !IN_USER_STREAM),
        }
    }

    /// Returns the number of a position that [`letter`] or a scan of the dead-letter stream gave.
    pub(crate) fn number_at(at: &Position) -> Option<u64> {
        match at.as_str().rsplit_once('/') {
            Some((_, sequence)) => Some(sequence.parse::<u64>().ok()? | IN_USER_STREAM),
            None => at.as_str().parse().ok(),
        }
    }
}

/// Returns the subjects that the URL names, of a stream that stores them.
pub(crate) fn subjects(connection: &Connection, info: Option<&StreamInfo>) -> Result<Vec<String>> {
    let names = &connection.names;
    let subjects: Vec<String> = names.dead_letter_subjects().collect();
    let is_stored = |subject: &&String| info.is_some_and(|info| info.covers(subject));
    match subjects.iter().find(|subject| !is_stored(subject)) {
        None => Ok(subjects),
        Some(subject) => {
            let stream = &names.stream;
            let message = format!(
                "stream `{stream}` does not store `{subject}`, which was to hold dead letters"
            );
            Err(error(ErrorKind::NotFound, message)
                .hint("the URL names the stream, and `prefix` what stands before topics"))
        }
    }
}

/// Decodes a message as a dead letter; none if its subject is not a valid topic.
pub(crate) fn letter(
    connection: &Connection,
    store: &str,
    received: Received,
) -> Option<DeadLetter> {
    let names = &connection.names;
    let own: Topic = received.subject.strip_prefix(&names.prefix)?.parse().ok()?;
    let (sequence, died) = (received.stream_sequence, received.published);
    let mut message = headers::read(own, received.headers.as_ref(), received.payload);
    let failure = ForeignFailure::read(&message).unwrap_or_else(ForeignFailure::unknown);
    let origin = failure
        .topic
        .as_deref()
        .and_then(|name| names.topic(name).or_else(|| name.parse().ok()));
    let group = failure
        .group
        .as_deref()
        .and_then(|group| group.parse().ok());
    let group: Group = group.or_else(|| UNKNOWN_GROUP.parse().ok())?;
    message.headers.retain(|name| !foreign::is_added(name));
    if let Some(origin) = origin {
        message.topic = origin;
    }
    let at = Position::new(format!("{}/{sequence}", names.stream));
    let stored = StoredAt {
        transport: SCHEME,
        store,
        at: &at,
        died,
    };
    let letter = stored.letter(failure, message, Some(Position::number(sequence)), &group);
    Some(DeadLetter {
        at: Some(at),
        ..letter
    })
}

/// Reads the dead letter with a sequence of the user's stream, if it still exists.
pub(crate) async fn fetch(
    connection: &Connection,
    store: &str,
    sequence: u64,
) -> Result<Option<DeadLetter>> {
    let stream = &connection.names.stream;
    let found = direct_get::from_leader(connection, stream, Query::Sequence(sequence)).await?;
    Ok(found.and_then(|found| letter(connection, store, found.into())))
}

/// The user's stream, as far as its dead letters need it.
#[derive(Debug)]
pub(crate) struct UserStream {
    /// The name from which the ids of its dead letters are derived.
    pub(crate) store: String,
    /// Why its messages cannot be deleted, if they cannot.
    pub(crate) keeps_all: Option<String>,
}

impl UserStream {
    /// Asks for it; none if it does not exist.
    pub(crate) async fn find(connection: &Connection) -> Result<Option<Self>> {
        let info = info::find(connection, &connection.names.stream).await?;
        Ok(info.map(|info| {
            let stream = &connection.names.stream;
            let reason = format!(
                "stream `{stream}` does not allow messages to be deleted (deny_delete), so that it would stay a dead letter"
            );
            Self {
                store: info.store(),
                keeps_all: info.config.deny_delete.then_some(reason),
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_number() {
        let own = Place::number_at(&Position::number(7)).unwrap();
        let theirs = Place::number_at(&Position::new("S/7")).unwrap();
        assert_eq!(Place::of(own), Place::DeadLetters(7));
        assert_eq!(Place::of(theirs), Place::User(7));
        assert_eq!(Place::number_at(&Position::new("x")), None);
    }
}
