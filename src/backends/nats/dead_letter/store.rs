//! A dead letter as a message of the stream of dead letters: the original, and its story in one header.

use async_nats::{HeaderMap, jetstream::message::PublishMessage};
use bytes::Bytes;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    backends::nats::{
        codec::headers::{self, CLAIM, LETTER, ORIGINAL, TOPIC},
        connection::{
            confirmed_publish::{RIDE_OUT, while_it_may_pass},
            handle::Link,
        },
        error::{self as errors, Refusal, WRONG_LAST_SEQUENCE},
    },
    event::Position,
    transport::{DeadLetter, LetterId, LetterRecord, Result, TransportError},
};

/// The most bytes that the story of a letter takes.
const STORY: usize = 4096;

/// What a letter's message is in the user's stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Original<'a> {
    /// The number under which it stands; 0 if it stands nowhere.
    pub(crate) number: u64,
    /// Where to acknowledge it. Who deals with the letter does so too: whoever stored it may have gone down before,
    /// and then the message would come again when the letter is gone, and die again.
    pub(crate) claim: Option<&'a str>,
}

/// A letter, and where the delivery that it was is acknowledged, if anywhere.
pub(crate) type Claimed = (DeadLetter, Option<String>);

/// Stores a letter unless one of its name is there; tells whether it was new. Returns once it is confirmed.
///
/// A letter that does not fit is stored without the detail of its failure, else as a reference to the original.
pub(crate) async fn store(
    link: &Link,
    letter: &DeadLetter,
    original: Original<'_>,
) -> Result<bool> {
    send(link, letter, original).await?.await
}

/// Does the same, again while the connection or a leader is missing.
pub(crate) async fn store_surely(
    link: &Link,
    letter: &DeadLetter,
    original: Original<'_>,
) -> Result<bool> {
    let until = Instant::now() + RIDE_OUT;
    while_it_may_pass(until, || store(link, letter, original)).await
}

/// Does the first half of [`store`]: what it returns waits for the confirmation, and is small, as many wait at once.
pub(crate) async fn send<'a>(
    link: &'a Link,
    letter: &DeadLetter,
    original: Original<'_>,
) -> Result<impl Future<Output = Result<bool>> + Send + use<'a>> {
    let subject = link.names.letter(&letter.record.group, &letter.id);
    let (map, payload) = lay_out(link, letter, original)?;
    let publish = PublishMessage::build().headers(map).payload(payload);
    let sent = link.js.send_publish(subject.clone(), publish).await;
    let confirmed = sent.map_err(|failed| errors::of_publish(failed, &subject))?;
    Ok(async move {
        match link.stored(&subject, confirmed).await {
            Ok(_) => Ok(true),
            Err(refusal) if refusal.is(WRONG_LAST_SEQUENCE) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    })
}

fn lay_out(link: &Link, letter: &DeadLetter, original: Original<'_>) -> Result<(HeaderMap, Bytes)> {
    let (mut map, payload) = fitting(link, letter, original.number)?;
    if let Some(claim) = original.claim {
        map.insert(CLAIM, claim);
    }
    map.insert("Nats-Expected-Last-Subject-Sequence", "0");
    map.insert(headers::EXPECTED_STREAM, link.names.letters());
    Ok((map, payload))
}

fn fitting(link: &Link, letter: &DeadLetter, original: u64) -> Result<(HeaderMap, Bytes)> {
    // The server counts our guards too.
    let room = link.client.max_payload().saturating_sub(512);
    let payload = letter.message.payload.clone().unwrap_or_default();
    let mut map = headers::write(&letter.message)?;
    if letter.message.topic != letter.record.origin.topic {
        map.insert(TOPIC, letter.message.topic.as_str());
    }
    let fits = |map: &HeaderMap, payload: &Bytes| headers::size(map) + payload.len() <= room;
    let story = headers::json(&letter.record)?;
    let is_short = story.len() <= STORY;
    map.insert(LETTER, story);
    if is_short && fits(&map, &payload) {
        return Ok((map, payload));
    }
    let brief = brief(&letter.record)?;
    map.insert(LETTER, brief.as_str());
    if fits(&map, &payload) {
        return Ok((map, payload));
    }
    if original == 0 {
        return Err(errors::too_large());
    }
    let mut map = HeaderMap::new();
    map.insert(LETTER, brief);
    map.insert(ORIGINAL, original.to_string());
    Ok((map, Bytes::new()))
}

fn brief(record: &LetterRecord) -> Result<String> {
    let mut record = record.clone();
    record.failure.detail = None;
    record.earlier.clear();
    headers::json(&record)
}

/// Reads a letter; none if the message is no letter of ours.
pub(crate) async fn read(
    link: &Link,
    subject: &str,
    map: Option<&HeaderMap>,
    payload: Bytes,
    number: u64,
) -> Result<Option<DeadLetter>> {
    let parsed = map.and_then(|map| Some((map, parse(subject, map, payload, number)?)));
    let Some((map, mut letter)) = parsed else {
        return Ok(None);
    };
    if let Some(original) = map.get(ORIGINAL) {
        let what = json!({"seq": original.as_str().parse::<u64>().unwrap_or(0)});
        if let Some(found) = link.get(&link.names.stream, &what).await? {
            let topic = letter.message.topic.clone();
            letter.message = headers::read(topic, Some(&found.headers), found.payload);
        }
    }
    Ok(Some(letter))
}

/// Reports whether a letter had no room for its message.
pub(crate) fn is_reference(map: Option<&HeaderMap>) -> bool {
    map.is_some_and(|map| headers::find(map, ORIGINAL).is_some())
}

/// Reads a letter that is no reference; none if the message is no letter of ours.
pub(crate) fn parse(
    subject: &str,
    map: &HeaderMap,
    payload: Bytes,
    number: u64,
) -> Option<DeadLetter> {
    let id = LetterId::from_stored(subject.rsplit('.').next()?);
    let record: LetterRecord = serde_json::from_str(map.get(LETTER)?.as_str()).ok()?;
    let topic = match map.get(TOPIC) {
        Some(topic) => topic.as_str().parse().ok()?,
        None => record.origin.topic.clone(),
    };
    Some(DeadLetter {
        id,
        message: headers::read(topic, Some(map), payload),
        record,
        at: Some(Position::number(number)),
    })
}

/// Reads the letter that stands under a number, if it is still there.
pub(crate) async fn fetch(link: &Link, number: u64) -> Result<Option<Claimed>> {
    let found = link
        .peek(&link.names.letters(), &json!({"seq": number}))
        .await;
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(None),
        Err(failed) => return Err(failed),
    };
    let subject = found
        .headers
        .as_ref()
        .and_then(|map| map.get("Nats-Subject"));
    let subject = subject
        .map(|subject| subject.as_str().to_owned())
        .unwrap_or_default();
    let map = found.headers.as_ref();
    let claim = claim(map);
    let letter = read(link, &subject, map, found.payload, number).await?;
    Ok(letter.map(|letter| (letter, claim)))
}

pub(crate) fn claim(map: Option<&HeaderMap>) -> Option<String> {
    let claim = map?.get(CLAIM)?;
    Some(claim.as_str().to_owned())
}

/// Returns what to publish so that a letter's message lives again.
pub(crate) fn revive(
    link: &Link,
    letter: &DeadLetter,
) -> Result<(String, HeaderMap, Bytes), TransportError> {
    let subject = link.names.subject(&letter.message.topic)?;
    let mut map = headers::write(&letter.message)?;
    headers::write_lineage(&mut map, &letter.lineage())?;
    map.insert(headers::EXPECTED_STREAM, link.names.stream.as_str());
    let payload = letter.message.payload.clone().unwrap_or_default();
    if headers::size(&map) + payload.len() + 256 > link.client.max_payload() {
        return Err(errors::too_large());
    }
    Ok((subject, map, payload))
}

/// Tells in one line why a letter could not be dealt with.
pub(crate) fn reason(refusal: Refusal) -> String {
    let failed = TransportError::from(refusal);
    failed.to_string()
}
