//! The key by which a store recognises a duplicate: a hash of topic, source and id.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::event::{Envelope, EventError, Message};

/// Bytes of the hash that are kept: two of many billions of events do not have the same.
pub(super) const LENGTH: usize = 16;

/// The key by which a store recognises a duplicate of an event. Ids are unique within a source only, and the same event may
/// be published to several topics, so it is a hash of all three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DedupKey([u8; LENGTH]);

impl DedupKey {
    /// Returns the key of an event.
    ///
    /// # Errors
    /// If the message is not an event.
    pub fn of(message: &Message) -> Result<Self, EventError> {
        let envelope = Envelope::read(message)?;
        let topic = message.topic.as_str();
        Ok(Self(hash([topic, &envelope.source, &envelope.id])))
    }

    /// Returns its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// 26 characters of lower-case base32.
impl fmt::Display for DedupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = data_encoding::BASE32_NOPAD.encode(&self.0);
        f.write_str(&text.to_ascii_lowercase())
    }
}

/// Returns the hash of three texts, however they are divided.
pub(super) fn hash(parts: [&str; 3]) -> [u8; LENGTH] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut key = [0; LENGTH];
    key.copy_from_slice(&digest[..LENGTH]);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Encoding, Mode, Topic, encode, event};

    fn key(topic: &str, source: &str, id: &str, mode: Mode) -> String {
        let topic: Topic = topic.parse().unwrap();
        let encoding = Encoding {
            mode,
            ..Encoding::default()
        };
        let event = event("order.created", source).id(id).build().unwrap();
        let message = encode(&event, topic, encoding).unwrap();
        DedupKey::of(&message).unwrap().to_string()
    }

    #[test]
    fn topic_source_and_id_make_the_key() {
        let first = key("a", "/shop", "1", Mode::Structured);
        assert_eq!(first.len(), 26);
        assert_eq!(first, key("a", "/shop", "1", Mode::Binary));
        assert_ne!(first, key("b", "/shop", "1", Mode::Structured));
        assert_ne!(first, key("a", "/sho", "p1", Mode::Structured));
        assert_ne!(first, key("a", "/shop", "2", Mode::Structured));
    }

    #[test]
    fn a_message_that_is_no_event_has_none() {
        let message = Message::new("a".parse().unwrap(), "text");
        assert!(DedupKey::of(&message).is_err());
    }
}
