//! A record of a dead-letter topic as a dead letter.

use std::{collections::HashMap, sync::Arc};

use super::foreign;
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, ID, LETTER, ORIGINAL, TOPIC},
            topic_partition::{RecordPlace, TopicPartition},
        },
        connection::{
            handle::Connection,
            names::{DeadLetterStore, Names},
        },
        read::offset_fetcher::OffsetFetcher,
    },
    event::Position,
    transport::{DeadLetter, DeadLetterId, DeadLetterRecord, ErrorKind, Result},
};

/// A dead letter as it was read.
#[derive(Debug)]
pub(crate) struct DecodedLetter {
    pub(crate) letter: DeadLetter,
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// The position of the message, if the letter has no copy of it, or only of its payload.
    pub(crate) reference: Option<Position>,
}

/// Decodes records as dead letters.
#[derive(Debug, Clone)]
pub(crate) struct LetterDecoder {
    store: String,
    names: Names,
    stores: HashMap<Arc<str>, DeadLetterStore>,
}

impl LetterDecoder {
    /// Prepares to decode the letters of a cluster.
    pub(crate) async fn new(connection: &Arc<Connection>) -> Result<Self> {
        Ok(Self {
            store: connection.store().await?,
            names: connection.names().clone(),
            stores: HashMap::new(),
        })
    }

    /// Decodes a letter of a job, whose topic need not be named in the URL any more.
    pub(crate) fn decode_planned(&mut self, read: FetchedRecord) -> Option<DecodedLetter> {
        if !self.stores.contains_key(&read.topic) {
            let store = self.names.planned_store(&read.topic);
            self.stores.insert(Arc::clone(&read.topic), store);
        }
        self.decode(read)
    }

    /// Decodes a letter; none if the record is not in a dead-letter topic, or is no dead letter.
    pub(crate) fn decode(&mut self, read: FetchedRecord) -> Option<DecodedLetter> {
        if !self.stores.contains_key(&read.topic) {
            let store = self.names.dead_letter_store(&read.topic)?;
            self.stores.insert(Arc::clone(&read.topic), store);
        }
        let store = self.stores.get(&read.topic)?;
        let at = format!("{}/{}/{}", store.name, read.partition, read.offset);
        let at = Position::new(at);
        let (name, partition, offset) = (Arc::clone(&read.topic), read.partition, read.offset);
        let reference = read.marks.get(ORIGINAL).and_then(text).map(Position::new);
        let (mut letter, reference, is_foreign) = if let Some((id, record)) = own(&read) {
            let topic = read.marks.get(TOPIC).and_then(text);
            let topic = topic.and_then(|topic| topic.parse().ok());
            let topic = topic.unwrap_or_else(|| record.origin.topic.clone());
            let is_foreign = record.foreign;
            let letter = DeadLetter {
                id,
                record,
                message: read.message(topic),
                at: None,
                is_foreign,
            };
            (letter, reference, is_foreign)
        } else {
            let (letter, reference) =
                foreign::letter(&self.names, &self.store, (store, &at), read)?;
            (letter, reference, true)
        };
        letter.at = Some(at);
        letter.is_foreign = is_foreign;
        Some(DecodedLetter {
            letter,
            topic: name,
            partition,
            offset,
            reference,
        })
    }
}

fn text(bytes: &bytes::Bytes) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn own(read: &FetchedRecord) -> Option<(DeadLetterId, DeadLetterRecord)> {
    let record: DeadLetterRecord = serde_json::from_slice(read.marks.get(LETTER)?).ok()?;
    let id = read.marks.get(ID).and_then(text);
    let id = id.map_or_else(
        || {
            let origin = &record.origin;
            let (store, position) = (&origin.store, &origin.position);
            DeadLetterId::derive(store, position, &record.group, record.generation)
        },
        DeadLetterId::from_stored,
    );
    Some((id, record))
}

impl DecodedLetter {
    /// Returns where it is stored.
    pub(crate) fn place(&self) -> RecordPlace<'_> {
        RecordPlace {
            topic: &self.topic,
            partition: self.partition,
            offset: self.offset,
        }
    }

    /// Replaces a reference by the original, if that still exists, and a copy of the payload by the whole of it. Blocks.
    pub(crate) fn load_original(&mut self, names: &Names, fetcher: &OffsetFetcher) -> Result<()> {
        let place = self.reference.as_ref().and_then(record::parse_position);
        let Some(record::ParsedPosition {
            topic,
            partition,
            offset,
        }) = place
        else {
            return Ok(());
        };
        let read = match fetcher.read(
            &TopicPartition::new(names.topic_name(&topic)?, partition),
            &[offset],
        ) {
            Ok(mut found) => found.pop(),
            Err(failed) if failed.kind() == ErrorKind::NotFound => None,
            Err(failed) => return Err(failed),
        };
        let message = &mut self.letter.message;
        match read {
            // The topic may have been created again since, and something else may be there.
            Some(read) if message.payload.is_none() || message.payload == read.payload => {
                *message = read.message(message.topic.clone());
            }
            _ if message.payload.is_some() => {}
            _ => {
                if let Some(at) = &self.reference {
                    self.letter.mark_gone(at);
                }
                return Ok(());
            }
        }
        self.reference = None;
        Ok(())
    }
}
