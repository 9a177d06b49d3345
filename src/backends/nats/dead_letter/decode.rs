//! Decoding dead letters.

use async_nats::HeaderMap;
use bytes::Bytes;

use crate::{
    backends::nats::{
        codec::headers::{self, ACK_SUBJECT, LETTER, ORIGINAL, TOPIC},
        connection::{
            direct_get::{self, Query},
            handle::Connection,
        },
        dead_letter::foreign::{self, Place, UserStream},
        read::pull::Received,
    },
    event::Position,
    transport::{DeadLetter, DeadLetterId, DeadLetterRecord, Result},
};

/// A message of the dead-letter stream.
#[derive(Debug)]
pub(crate) struct EncodedLetter {
    pub(crate) subject: String,
    pub(crate) sequence: u64,
    pub(crate) headers: Option<HeaderMap>,
    pub(crate) payload: Bytes,
}

impl From<Received> for EncodedLetter {
    fn from(received: Received) -> Self {
        Self {
            subject: received.subject.to_string(),
            sequence: received.stream_sequence,
            headers: received.headers,
            payload: received.payload,
        }
    }
}

/// A dead letter, and the reply subject of the delivery that became it, if there is one.
#[derive(Debug)]
pub(crate) struct DecodedLetter {
    pub(crate) letter: DeadLetter,
    pub(crate) ack_subject: Option<String>,
}

impl EncodedLetter {
    /// Reports whether the dead letter had no room for its message and only refers to the original.
    pub(crate) fn is_reference(&self) -> bool {
        let headers = self.headers.as_ref();
        headers.is_some_and(|map| headers::find(map, ORIGINAL).is_some())
    }

    /// Decodes a dead letter that is not a reference; none if the message is not a dead letter.
    pub(crate) fn decode(self) -> Option<DecodedLetter> {
        let map = self.headers?;
        let ack_subject = map.get(ACK_SUBJECT);
        let ack_subject = ack_subject.map(|subject| subject.as_str().to_owned());
        let id = DeadLetterId::from_stored(self.subject.rsplit('.').next()?);
        let record: DeadLetterRecord = serde_json::from_str(map.get(LETTER)?.as_str()).ok()?;
        let topic = match map.get(TOPIC) {
            Some(topic) => topic.as_str().parse().ok()?,
            None => record.origin.topic.clone(),
        };
        let letter = DeadLetter {
            id,
            message: headers::read(topic, Some(&map), self.payload),
            at: Some(Position::number(self.sequence)),
            is_foreign: record.foreign,
            record,
        };
        Some(DecodedLetter {
            letter,
            ack_subject,
        })
    }

    /// Decodes a dead letter, with its original if it is a reference; none if the message is not a dead letter.
    pub(crate) async fn load(self, connection: &Connection) -> Result<Option<DecodedLetter>> {
        let original = self.headers.as_ref().and_then(|map| map.get(ORIGINAL));
        let original = original.map(|original| original.as_str().parse().unwrap_or(0));
        let Some(mut decoded) = self.decode() else {
            return Ok(None);
        };
        if let Some(sequence) = original {
            let stream = &connection.names.stream;
            let query = Query::Sequence(sequence);
            if let Some(found) = direct_get::from_leader(connection, stream, query).await? {
                let topic = decoded.letter.message.topic.clone();
                decoded.letter.message = headers::read(topic, Some(&found.headers), found.payload);
            } else {
                decoded.letter.mark_gone(&Position::number(sequence));
            }
        }
        Ok(Some(decoded))
    }
}

/// Reads the dead letter at the place of a number, if it still exists.
pub(crate) async fn fetch(connection: &Connection, place: u64) -> Result<Option<DecodedLetter>> {
    match Place::of(place) {
        Place::DeadLetters(sequence) => fetch_own(connection, sequence).await,
        Place::User(sequence) => {
            let Some(stream) = UserStream::find(connection).await? else {
                return Ok(None);
            };
            let letter = foreign::fetch(connection, &stream.store, sequence).await?;
            Ok(letter.map(|letter| DecodedLetter {
                letter,
                ack_subject: None,
            }))
        }
    }
}

async fn fetch_own(connection: &Connection, sequence: u64) -> Result<Option<DecodedLetter>> {
    let stream = connection.names.dead_letter_stream();
    let found =
        direct_get::from_any_replica(connection, &stream, Query::Sequence(sequence)).await?;
    let Some(found) = found else {
        return Ok(None);
    };
    let subject = found
        .headers
        .as_ref()
        .and_then(|map| map.get("Nats-Subject"));
    let encoded = EncodedLetter {
        subject: subject
            .map(|subject| subject.as_str().to_owned())
            .unwrap_or_default(),
        sequence,
        headers: found.headers,
        payload: found.payload,
    };
    encoded.load(connection).await
}
