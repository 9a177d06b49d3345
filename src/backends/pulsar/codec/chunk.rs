//! Chunked messages: one that is larger than an entry may be, stored as several entries, as Java's clients do.
//!
//! Each chunk has the metadata of the whole message, the id that all of its chunks share, and its number. Chunks of several
//! messages may be mixed in a topic. The message has the id of its last chunk, and is acknowledged with all of them.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};

use super::{
    batch::{Chunk, Entry, LARGEST},
    message_id::MessageId,
    protocol::{MessageMetadata, Payload},
};
use crate::{
    backends::pulsar::error::error,
    transport::{ErrorKind, Result, TransportError},
};

/// What the frame of an entry needs besides its metadata and its payload.
const ENVELOPE: usize = 512;
/// A message of which nothing has come for this long has lost its producer, or its first chunks.
const STALE: Duration = Duration::from_mins(1);

/// Divides a message that is larger than an entry may be.
///
/// # Errors
/// If its properties alone are too large.
pub(crate) fn divide(metadata: MessageMetadata, data: Bytes, limit: usize) -> Result<Vec<Payload>> {
    let properties = prost::Message::encoded_len(&metadata) + ENVELOPE;
    if properties + data.len() <= limit {
        return Ok(vec![Payload { metadata, data }]);
    }
    // The fields of a chunk need some bytes, too.
    let size = limit.saturating_sub(properties + ENVELOPE);
    if size < limit / 4 {
        let message = format!("the properties of the message have {properties} bytes");
        return Err(error(ErrorKind::TooLarge, message));
    }
    let id = format!("{}-{}", metadata.producer_name, metadata.sequence_id);
    let count = data.len().div_ceil(size);
    let chunk = |number: usize| Payload {
        metadata: MessageMetadata {
            uuid: Some(id.clone()),
            chunk_id: i32::try_from(number).ok(),
            num_chunks_from_msg: i32::try_from(count).ok(),
            total_chunk_msg_size: i32::try_from(data.len()).ok(),
            ..metadata.clone()
        },
        data: data.slice(number * size..data.len().min((number + 1) * size)),
    };
    Ok((0..count).map(chunk).collect())
}

/// The chunks of messages that are not complete.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    open: HashMap<String, Open>,
    /// Whether there were any.
    pub(crate) were_seen: bool,
}

/// A message that is not complete.
#[derive(Debug)]
struct Open {
    /// The chunks by their numbers.
    chunks: BTreeMap<i32, (MessageId, Chunk)>,
    /// Copies of chunks, which a producer sends after an outage.
    copies: Vec<MessageId>,
    count: usize,
    bytes: usize,
    since: Instant,
    is_reported: bool,
}

impl Chunks {
    /// Takes an entry, and returns it unless it is a chunk; with the last of its chunks, the message.
    ///
    /// # Errors
    /// If the message cannot be put together.
    pub(crate) fn add(&mut self, mut entry: Entry) -> Result<Option<Entry>> {
        let Some(chunk) = entry.chunk.take() else {
            return Ok(Some(entry));
        };
        self.were_seen = true;
        let id = chunk.metadata.uuid.clone().unwrap_or_default();
        let bytes: usize = self.open.values().map(|open| open.bytes).sum();
        if bytes + chunk.data.len() > LARGEST {
            self.open.clear();
            let message = "chunks of too many or too large messages came that are not complete";
            return Err(error(ErrorKind::Corrupt, message));
        }
        let open = self.open.entry(id.clone()).or_insert_with(|| Open {
            chunks: BTreeMap::new(),
            copies: Vec::new(),
            count: count_of(&chunk),
            bytes: 0,
            since: Instant::now(),
            is_reported: false,
        });
        open.since = Instant::now();
        open.bytes += chunk.data.len();
        let number = chunk.metadata.chunk_id.unwrap_or(0);
        if let Some((copy, older)) = open.chunks.insert(number, (entry.id, chunk)) {
            open.bytes -= older.data.len();
            if copy != entry.id {
                open.copies.push(copy);
            }
        }
        if open.chunks.len() < open.count {
            return Ok(None);
        }
        match self.open.remove(&id) {
            Some(open) => open.join().map(Some),
            None => Ok(None),
        }
    }

    /// Returns the first chunk of the messages that are not complete.
    pub(crate) fn first(&self) -> Option<MessageId> {
        let chunks = self.open.values().flat_map(|open| open.chunks.values());
        chunks.map(|(id, _)| *id).min_by_key(|id| id.place())
    }

    /// Forgets what came: it comes again.
    pub(crate) fn clear(&mut self) {
        self.open.clear();
    }

    /// Returns one message, each once, that is not complete and of which nothing came for a while, or of which nothing is
    /// awaited any more.
    pub(crate) fn take_incomplete(&mut self, is_end: bool) -> Option<TransportError> {
        let mut open = self.open.values_mut();
        let open =
            open.find(|open| !open.is_reported && (is_end || open.since.elapsed() >= STALE))?;
        open.is_reported = true;
        let (first, _) = open.chunks.values().next()?;
        let message = format!(
            "of {} chunks of a message only {} were stored or are kept, the first at {}; they are left in the backlog",
            open.count,
            open.chunks.len(),
            first.text()
        );
        Some(error(ErrorKind::Gap, message).hint(
            "its producer was stopped before it had sent all, or retention removed the others; `pulsar-admin topics skip` passes it",
        ))
    }
}

impl Open {
    /// Puts the message together.
    fn join(self) -> Result<Entry> {
        let mut data = BytesMut::with_capacity(self.bytes);
        let mut parts = self.copies;
        let mut last = None;
        for (id, chunk) in self.chunks.into_values() {
            data.extend_from_slice(&chunk.data);
            parts.push(id);
            last = Some((id, chunk.metadata));
        }
        parts.pop();
        let Some((id, metadata)) = last else {
            return Err(error(ErrorKind::Corrupt, "a message has no chunks"));
        };
        let mut entry = Entry::unpack(id, metadata, data.freeze(), &[])?;
        if let Some(message) = entry.messages.first_mut() {
            message.parts = parts;
        }
        Ok(entry)
    }
}

/// Returns how many chunks the message has.
fn count_of(chunk: &Chunk) -> usize {
    usize::try_from(chunk.metadata.num_chunks_from_msg.unwrap_or(0)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::pulsar::codec::protocol::{CommandMessage, KeyValue, MessageIdData};

    fn chunks(producer: &str, length: usize) -> Vec<Payload> {
        let metadata = MessageMetadata {
            producer_name: producer.to_owned(),
            sequence_id: 7,
            properties: vec![KeyValue {
                key: "n".to_owned(),
                value: "1".to_owned(),
            }],
            ..MessageMetadata::default()
        };
        let data: Vec<u8> = (0..length)
            .map(|byte| u8::try_from(byte % 251).unwrap())
            .collect();
        divide(metadata, data.into(), 4096).unwrap()
    }

    fn entry(number: u64, payload: &Payload) -> Entry {
        let command = CommandMessage {
            message_id: MessageIdData {
                ledger_id: 1,
                entry_id: number,
                ..MessageIdData::default()
            },
            ..CommandMessage::default()
        };
        Entry::read(&command, payload.metadata.clone(), payload.data.clone()).unwrap()
    }

    fn place(entry: &Entry) -> Vec<u64> {
        let parts = entry.parts().iter().map(|id| id.entry);
        parts.chain([entry.id.entry]).collect()
    }

    #[test]
    fn a_message_that_fits_is_one_entry() {
        let payloads = chunks("p", 3000);
        assert_eq!(
            (payloads.len(), payloads[0].metadata.uuid.is_none()),
            (1, true)
        );
        let entry = Chunks::default().add(entry(0, &payloads[0])).unwrap();
        assert_eq!(entry.unwrap().messages.len(), 1);
    }

    #[test]
    fn chunks_of_several_messages_are_put_together() {
        let (one, other) = (chunks("a", 10_000), chunks("b", 9_000));
        assert_eq!((one.len(), other.len()), (4, 3));
        assert!(one.iter().all(|one| one.data.len() + 1024 <= 4096));
        let mut open = Chunks::default();
        let mut whole = Vec::new();
        let mixed = [
            &one[0], &other[0], &one[1], &one[2], &other[1], &other[2], &one[3],
        ];
        for (number, payload) in (0..).zip(mixed) {
            whole.extend(open.add(entry(number, payload)).unwrap());
        }
        assert_eq!(open.first(), None);
        assert_eq!(
            whole.iter().map(place).collect::<Vec<_>>(),
            [vec![1, 4, 5], vec![0, 2, 3, 6]]
        );
        let message = &whole[1].messages[0];
        let payload = message.payload.as_ref().unwrap();
        let expected = (0..10_000).map(|byte| u8::try_from(byte % 251).unwrap());
        assert!(payload.iter().copied().eq(expected));
        assert_eq!((message.id, message.headers.len()), (whole[1].id, 1));
    }

    /// After an outage a producer sends all chunks again; what came twice belongs to the message, too.
    #[test]
    fn copies_of_chunks_belong_to_the_message() {
        let payloads = chunks("a", 9_000);
        let mut open = Chunks::default();
        for (number, which) in [(0, 0), (1, 1), (2, 0), (3, 1)] {
            assert!(open.add(entry(number, &payloads[which])).unwrap().is_none());
        }
        assert_eq!(open.first().unwrap().entry, 2);
        let whole = open.add(entry(4, &payloads[2])).unwrap().unwrap();
        assert_eq!(place(&whole), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn what_is_not_complete_is_reported_once() {
        let payloads = chunks("a", 9_000);
        let mut open = Chunks::default();
        open.add(entry(3, &payloads[1])).unwrap();
        assert!(open.take_incomplete(false).is_none(), "the rest may come");
        let reported = open.take_incomplete(true).unwrap();
        assert_eq!(reported.kind(), ErrorKind::Gap);
        assert!(
            reported
                .message()
                .contains("of 3 chunks of a message only 1"),
            "{reported}"
        );
        assert!(open.take_incomplete(true).is_none());
    }

    #[test]
    fn properties_that_fill_an_entry_are_refused() {
        let metadata = MessageMetadata {
            producer_name: "p".repeat(4000),
            ..MessageMetadata::default()
        };
        let refused = divide(metadata, Bytes::from_static(b"x"), 4096).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::TooLarge);
    }
}
