//! Storing dead letters: each is a message of the dead-letter stream, the original with its metadata in one header.
//!
//! The subject of a dead letter contains its id and the write expects an empty subject, so that a second worker, or the
//! same one after a crash, cannot store it twice.

use async_nats::{HeaderMap, jetstream::message::PublishMessage};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers::{self, ACK_SUBJECT, LETTER, ORIGINAL, TOPIC},
        connection::{
            confirmed_publish,
            handle::Connection,
            retry::{self, RIDE_OUT},
        },
        error::{self, WRONG_LAST_SEQUENCE},
    },
    transport::{DeadLetter, DeadLetterRecord, Result},
};

/// The original of a dead letter in the user's stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OriginalRef<'a> {
    /// Its sequence; 0 if it is in no stream.
    pub(crate) sequence: u64,
    /// The reply subject of its delivery. A job that resolves the dead letter acknowledges the delivery too: the worker
    /// that stored the dead letter may have crashed before it did, and then the message would be delivered and
    /// dead-lettered again once the dead letter is gone.
    pub(crate) ack_subject: Option<&'a str>,
}

/// Stores a dead letter unless one with its id exists, and reports whether it was new. Returns once it is confirmed.
///
/// A dead letter that is too large is stored without the detail of its failure, or else as a reference to the original.
pub(crate) async fn store(
    connection: &Connection,
    letter: &DeadLetter,
    original: OriginalRef<'_>,
) -> Result<bool> {
    send(connection, letter, original).await?.await
}

/// Does the same, again while the connection or a leader is missing.
pub(crate) async fn store_riding_out(
    connection: &Connection,
    letter: &DeadLetter,
    original: OriginalRef<'_>,
) -> Result<bool> {
    let deadline = Instant::now() + RIDE_OUT;
    retry::until(deadline, || store(connection, letter, original)).await
}

/// Sends a dead letter. The future that it returns waits for the confirmation and is small, as many wait at the same time.
pub(crate) async fn send<'a>(
    connection: &'a Connection,
    letter: &DeadLetter,
    original: OriginalRef<'_>,
) -> Result<impl Future<Output = Result<bool>> + Send + use<'a>> {
    let subject = connection
        .names
        .dead_letter_subject(&letter.record.group, &letter.id);
    let (map, payload) = encode(connection, letter, original)?;
    let publish = PublishMessage::build().headers(map).payload(payload);
    let sent = connection.js.send_publish(subject.clone(), publish).await;
    let confirmed = sent.map_err(|failed| error::from_publish(failed, &subject))?;
    Ok(async move {
        match confirmed_publish::confirmation(connection, &subject, confirmed).await {
            Ok(_) => Ok(true),
            Err(refused) if refused.has_code(WRONG_LAST_SEQUENCE) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    })
}

fn encode(
    connection: &Connection,
    letter: &DeadLetter,
    original: OriginalRef<'_>,
) -> Result<(HeaderMap, Bytes)> {
    let (mut map, payload) = fit(connection, letter, original.sequence)?;
    if let Some(subject) = original.ack_subject {
        map.insert(ACK_SUBJECT, subject);
    }
    map.insert("Nats-Expected-Last-Subject-Sequence", "0");
    map.insert(
        headers::EXPECTED_STREAM,
        connection.names.dead_letter_stream(),
    );
    Ok((map, payload))
}

/// Checks that a dead letter without an original can be stored.
pub(crate) fn check(connection: &Connection, letter: &DeadLetter) -> Result<()> {
    fit(connection, letter, 0).map(drop)
}

fn fit(connection: &Connection, letter: &DeadLetter, original: u64) -> Result<(HeaderMap, Bytes)> {
    // The server counts the condition headers too.
    let room = connection.client.max_payload().saturating_sub(512);
    let payload = letter.message.payload.clone().unwrap_or_default();
    let mut map = headers::write(&letter.message)?;
    if letter.message.topic != letter.record.origin.topic {
        map.insert(TOPIC, letter.message.topic.as_str());
    }
    let fits = |map: &HeaderMap, payload: &Bytes| headers::size(map) + payload.len() <= room;
    let metadata = headers::json(&letter.record.fit(DeadLetterRecord::MAX_LEN))?;
    map.insert(LETTER, metadata);
    if fits(&map, &payload) {
        return Ok((map, payload));
    }
    let brief = headers::json(&letter.record.brief())?;
    map.insert(LETTER, brief.as_str());
    if fits(&map, &payload) {
        return Ok((map, payload));
    }
    if original == 0 {
        return Err(error::too_large());
    }
    let mut map = HeaderMap::new();
    map.insert(LETTER, brief);
    map.insert(ORIGINAL, original.to_string());
    Ok((map, Bytes::new()))
}
