//! Messages as Kafka records and back. Kafka keeps keys, nulls and the order of headers; internal headers come behind those
//! of the user.

use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use rdkafka::message::{BorrowedMessage, Header, Headers as _, Message as _, OwnedHeaders};
use smol_str::SmolStrBuilder;

use crate::{
    backends::kafka::error::error,
    event::{Headers, Message, Position, Topic, from_unix_millis, unix_millis},
    transport::{ErrorKind, Result},
};

/// The metadata of a dead letter.
pub(crate) const LETTER: &str = "pf-letter";
/// The history of a replayed message.
pub(crate) const LINEAGE: &str = "pf-replay";
/// The metadata of a delayed event or retry.
pub(crate) const WAITING: &str = "pf-waiting";
/// The user's key of a message that is stored under an internal key.
pub(crate) const KEY: &str = "pf-key";
/// Marks a null payload, where a null would be a tombstone.
pub(crate) const NULL: &str = "pf-null";
/// The position of the original, in a dead letter that had no room for its message.
pub(crate) const ORIGINAL: &str = "pf-original";

/// The id of a dead letter.
pub(crate) const ID: &str = "pf-letter-id";
/// The topic of a message that is stored among the dead letters of another topic.
pub(crate) const TOPIC: &str = "pf-topic";

const MARKS: [&str; 8] = [LETTER, LINEAGE, WAITING, KEY, NULL, ORIGINAL, ID, TOPIC];

/// Common headers, whose names are not allocated.
const KNOWN: [&str; 9] = [
    "content-type",
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "traceparent",
    "ce_datacontenttype",
];

/// A record to be produced.
#[derive(Debug, Clone)]
pub(crate) struct OutgoingRecord {
    pub(crate) topic: String,
    /// None if the key decides.
    pub(crate) partition: Option<i32>,
    pub(crate) key: Option<Bytes>,
    pub(crate) payload: Option<Bytes>,
    pub(crate) headers: Option<OwnedHeaders>,
}

impl OutgoingRecord {
    /// Returns a record that ends the earlier one of its key.
    pub(crate) fn tombstone(topic: impl Into<String>, partition: i32, key: Bytes) -> Self {
        Self {
            topic: topic.into(),
            partition: Some(partition),
            key: Some(key),
            payload: None,
            headers: None,
        }
    }

    /// Returns the bytes of key, payload and headers, without the framing.
    pub(crate) fn bare_size(&self) -> usize {
        let headers = self.headers.iter().flat_map(|headers| headers.iter());
        let headers = headers.map(|header| header.key.len() + header.value.map_or(0, <[u8]>::len));
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        headers.sum::<usize>() + length(&self.key) + length(&self.payload)
    }
}

/// The internal headers of a record, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InternalHeaders(Vec<(&'static str, Bytes)>);

impl InternalHeaders {
    /// Returns a single internal header.
    #[cfg(test)]
    pub(crate) fn of(name: &'static str, value: Bytes) -> Self {
        Self(vec![(name, value)])
    }

    /// Returns the internal headers in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        self.0.iter().map(|(name, value)| (*name, &value[..]))
    }

    /// Returns the last value of an internal header.
    pub(crate) fn get(&self, name: &str) -> Option<&Bytes> {
        let mut marks = self.0.iter().rev();
        marks
            .find(|(mark, _)| *mark == name)
            .map(|(_, value)| value)
    }
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FetchedRecord {
    /// Kafka's name of the topic.
    pub(crate) topic: std::sync::Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) time: SystemTime,
    pub(crate) key: Option<Bytes>,
    pub(crate) payload: Option<Bytes>,
    pub(crate) headers: Headers,
    pub(crate) marks: InternalHeaders,
}

impl FetchedRecord {
    /// Copies a record out of the client's memory in one allocation; `topic` is the name of its topic.
    pub(crate) fn copy(topic: std::sync::Arc<str>, record: &BorrowedMessage<'_>) -> Self {
        Self::copy_into(&mut BytesMut::new(), topic, record)
    }

    /// The same into the rest of a block that several records share. The block is freed with the last of them.
    pub(crate) fn copy_into(
        block: &mut BytesMut,
        topic: std::sync::Arc<str>,
        record: &BorrowedMessage<'_>,
    ) -> Self {
        let mut copy = Copy::of(block, record);
        let (key, payload) = (copy.take(record.key()), copy.take(record.payload()));
        let (headers, marks) = split(record, &mut copy);
        Self {
            topic,
            partition: record.partition(),
            offset: record.offset(),
            time: time(record.timestamp().to_millis()),
            key,
            payload,
            headers,
            marks,
        }
    }

    /// Returns the user's message.
    pub(crate) fn message(self, topic: Topic) -> Message {
        Message {
            topic,
            key: self.key,
            headers: self.headers,
            payload: self.payload,
        }
    }
}

/// The bytes of a record in one allocation, taken part by part.
struct Copy {
    all: Bytes,
    at: usize,
}

impl Copy {
    fn of(block: &mut BytesMut, record: &BorrowedMessage<'_>) -> Self {
        let headers = record.headers();
        let room =
            record.key_len() + record.payload_len() + headers.map_or(0, |found| found.count() * 48);
        block.reserve(room);
        let values = headers.into_iter().flat_map(|found| found.iter());
        let values = values.filter_map(|header| header.value);
        let parts = [record.key(), record.payload()].into_iter().flatten();
        for part in parts.chain(values) {
            block.extend_from_slice(part);
        }
        Self {
            all: block.split().freeze(),
            at: 0,
        }
    }

    fn take(&mut self, part: Option<&[u8]>) -> Option<Bytes> {
        let begin = self.at;
        self.at += part?.len();
        Some(self.all.slice(begin..self.at))
    }
}

fn split(record: &BorrowedMessage<'_>, copy: &mut Copy) -> (Headers, InternalHeaders) {
    let found = record.headers();
    let found = found.into_iter().flat_map(|found| found.iter());
    split_headers(found.map(|header| (header.key, copy.take(header.value))))
}

/// Splits headers into those of the user and internal ones.
pub(crate) fn split_headers<N: AsRef<[u8]>>(
    found: impl Iterator<Item = (N, Option<Bytes>)>,
) -> (Headers, InternalHeaders) {
    let most = found.size_hint().1.unwrap_or(2);
    let (mut headers, mut marks) = (Headers::with_capacity(most), InternalHeaders::default());
    for (name, value) in found {
        let name = name.as_ref();
        if let Some(known) = KNOWN.iter().find(|known| known.as_bytes() == name) {
            headers.push_known(known, value);
        } else if let Some(mark) = MARKS.iter().find(|mark| mark.as_bytes() == name) {
            marks.0.push((mark, value.unwrap_or_default()));
        } else {
            headers.push(String::from_utf8_lossy(name), value);
        }
    }
    (headers, marks)
}

/// Returns the headers of a message, and internal ones behind them.
pub(crate) fn headers(message: &Message, marks: &[(&'static str, &[u8])]) -> OwnedHeaders {
    let mut owned = OwnedHeaders::new_with_capacity(message.headers.len() + marks.len());
    for (key, value) in message.headers.iter() {
        let value = value.map(|value| &value[..]);
        owned = owned.insert(Header { key, value });
    }
    for (key, value) in marks {
        let value = Some(*value);
        owned = owned.insert(Header { key, value });
    }
    owned
}

/// Refuses headers that a reader would take for internal ones.
pub(crate) fn check(message: &Message) -> Result<()> {
    match message
        .headers
        .iter()
        .find(|(name, _)| MARKS.contains(name))
    {
        Some((name, _)) => Err(error(
            ErrorKind::Invalid,
            format!("header `{name}` is reserved"),
        )),
        None => Ok(()),
    }
}

/// Returns the position of a record, which is unique within a store.
pub(crate) fn position(topic: &Topic, partition: i32, offset: i64) -> Position {
    let mut text = SmolStrBuilder::new();
    text.push_str(topic.as_str());
    let mut digits = itoa::Buffer::new();
    for number in [i64::from(partition), offset] {
        text.push('/');
        text.push_str(digits.format(number));
    }
    Position::from(text.finish())
}

/// The parts of a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParsedPosition {
    pub(crate) topic: Topic,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
}

/// Parses the position of a record; none if it is one of another store.
pub(crate) fn parse_position(position: &Position) -> Option<ParsedPosition> {
    let mut parts = position.as_str().rsplitn(3, '/');
    let offset = parts.next()?.parse().ok()?;
    let partition = parts.next()?.parse().ok()?;
    Some(ParsedPosition {
        topic: parts.next()?.parse().ok()?,
        partition,
        offset,
    })
}

/// Returns the time from milliseconds since the epoch.
pub(crate) fn time(millis: Option<i64>) -> SystemTime {
    let millis = millis.and_then(|millis| u64::try_from(millis).ok());
    from_unix_millis(millis.unwrap_or(0))
}

/// Returns the milliseconds since the epoch.
pub(crate) fn millis(time: SystemTime) -> i64 {
    i64::try_from(unix_millis(time)).unwrap_or(i64::MAX)
}

/// Returns the present time in milliseconds since the epoch.
pub(crate) fn now_millis() -> i64 {
    millis(SystemTime::now())
}

/// Encodes the payload of an internal record.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<Bytes> {
    let text = serde_json::to_vec(value);
    text.map(Bytes::from)
        .map_err(|source| error(ErrorKind::Other, "cannot encode a record").because(source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back() {
        let topic: Topic = "order.created".parse().unwrap();
        let at = position(&topic, 3, 17);
        assert_eq!(at.as_str(), "order.created/3/17");
        let parsed = ParsedPosition {
            topic: topic.clone(),
            partition: 3,
            offset: 17,
        };
        assert_eq!(parse_position(&at), Some(parsed));
        for (partition, offset) in [(0, 0), (i32::MAX, i64::MAX), (-1, i64::MIN)] {
            let at = position(&topic, partition, offset);
            assert_eq!(at.as_str(), format!("order.created/{partition}/{offset}"));
        }
        assert_eq!(parse_position(&Position::new("17")), None);
    }

    #[test]
    fn our_marks_are_reserved() {
        let mut message = Message::new("order".parse().unwrap(), "{}");
        assert!(check(&message).is_ok());
        message.headers.push("pf-letter", None);
        assert_eq!(check(&message).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn times_come_back() {
        let millis_given = 1_700_000_000_123;
        assert_eq!(millis(time(Some(millis_given))), millis_given);
        assert_eq!(time(Some(-1)), SystemTime::UNIX_EPOCH);
    }
}
