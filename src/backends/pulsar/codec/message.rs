//! Messages as Pulsar stores them, and back: payload, properties, key, event time.

use std::time::SystemTime;

use super::protocol::MessageMetadata;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;

use super::{
    message_id::MessageId,
    properties::{self, Marks},
};
use crate::{
    event::{Envelope, Headers, Message, Stored, Topic, parse_time, unix_millis},
    transport::Result,
};

/// A message to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Outbound {
    pub(crate) metadata: MessageMetadata,
    pub(crate) payload: Bytes,
}

impl Outbound {
    /// Encodes a user's message.
    pub(crate) fn new(message: &Message, marks: &Marks) -> Result<Self> {
        properties::check(message)?;
        Ok(Self::internal(message, marks))
    }

    /// Encodes a message that was checked when the user published it.
    pub(crate) fn internal(message: &Message, marks: &Marks) -> Self {
        let key = message.key.as_ref().map(key_text);
        let metadata = MessageMetadata {
            properties: properties::write(&message.headers, marks),
            partition_key_b64_encoded: key
                .as_ref()
                .and_then(|(_, is_encoded)| is_encoded.then_some(true)),
            partition_key: key.map(|(text, _)| text),
            event_time: event_time(message),
            null_value: message.payload.is_none().then_some(true),
            ..MessageMetadata::default()
        };
        Self {
            metadata,
            payload: message.payload.clone().unwrap_or_default(),
        }
    }

    /// Holds it back until this time.
    pub(crate) fn deliver_at(&mut self, due: SystemTime) {
        self.metadata.deliver_at_time = Some(unix_millis(due).cast_signed());
    }

    /// Returns the bytes that count towards the limit of a broker.
    pub(crate) fn size(&self) -> usize {
        prost::Message::encoded_len(&self.metadata) + self.payload.len()
    }

    /// Returns the text by which Java's clients choose a partition.
    pub(crate) fn routing_key(&self) -> Option<&str> {
        self.metadata.partition_key.as_deref()
    }
}

/// A message that was read, by its entry or as a member of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inbound {
    pub(crate) id: MessageId,
    /// The other entries that it was divided into.
    pub(crate) parts: Vec<MessageId>,
    pub(crate) key: Option<Bytes>,
    pub(crate) headers: Headers,
    pub(crate) marks: Marks,
    pub(crate) payload: Option<Bytes>,
    /// When its producer sent it.
    pub(crate) time: SystemTime,
    /// Nobody gets it before this time.
    pub(crate) due: Option<SystemTime>,
}

impl Inbound {
    /// Returns the user's message.
    pub(crate) fn message(&self, topic: Topic) -> Message {
        Message {
            topic,
            key: self.key.clone(),
            headers: self.headers.clone(),
            payload: self.payload.clone(),
        }
    }

    /// Returns the message as it is stored in the topic.
    pub(crate) fn stored(&self, topic: &Topic) -> Stored {
        Stored {
            message: self.message(topic.clone()),
            position: self.id.position(topic),
            time: self.due.map_or(self.time, |due| due.max(self.time)),
        }
    }
}

/// Returns a key as text, and whether it is encoded because it was none.
fn key_text(key: &Bytes) -> (String, bool) {
    match std::str::from_utf8(key) {
        Ok(text) => (text.to_owned(), false),
        Err(_) => (BASE64.encode(key), true),
    }
}

/// Returns the bytes of a key.
pub(crate) fn key_bytes(text: String, is_encoded: bool) -> Bytes {
    let decoded = is_encoded.then(|| BASE64.decode(&text).ok()).flatten();
    decoded.map_or_else(|| Bytes::from(text), Bytes::from)
}

/// Returns the time of the event in milliseconds.
fn event_time(message: &Message) -> Option<u64> {
    let envelope = Envelope::read(message).ok()?;
    parse_time(envelope.time.as_deref()?).map(unix_millis)
}
