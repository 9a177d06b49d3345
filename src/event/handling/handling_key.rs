//! The key by which a consumer recognises an event that it has handled: a hash of action, source and id.

use std::{fmt, str::FromStr};

use super::identity::{LENGTH, hash};
use crate::event::{Action, Envelope, EventError, Message};

/// The key by which a consumer recognises an event that it has handled: a hash of action, source and id.
///
/// The topic is not part of it, other than in the [`DedupKey`](crate::event::DedupKey) by which a store recognises what a
/// publisher sends twice: a copy may come from a replay, or by another topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HandlingKey([u8; LENGTH]);

impl HandlingKey {
    /// Returns the key of an event of this source and id, for this action.
    #[must_use]
    pub fn new(action: &Action, source: &str, id: &str) -> Self {
        Self(hash([action.as_str(), source, id]))
    }

    /// Returns the key of an event, for this action.
    ///
    /// # Errors
    /// If the message is not an event.
    pub fn of(action: &Action, message: &Message) -> Result<Self, EventError> {
        let envelope = Envelope::read(message)?;
        Ok(Self::new(action, &envelope.source, &envelope.id))
    }

    /// Returns a key that is another one in each place: where positions begin again, they name other events.
    #[cfg(any(feature = "kafka", feature = "nats"))]
    pub(crate) fn within(self, place: u128) -> Self {
        Self((u128::from_le_bytes(self.0) ^ place).to_le_bytes())
    }

    /// Returns its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<[u8; LENGTH]> for HandlingKey {
    fn from(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }
}

/// 26 characters of lower-case base32.
impl fmt::Display for HandlingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = data_encoding::BASE32_NOPAD.encode(&self.0);
        f.write_str(&text.to_ascii_lowercase())
    }
}

/// Error for a text that is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a key of a handling has 26 characters of base32")]
pub struct InvalidHandlingKey;

impl FromStr for HandlingKey {
    type Err = InvalidHandlingKey;

    fn from_str(text: &str) -> Result<Self, InvalidHandlingKey> {
        let upper = text.to_ascii_uppercase();
        let bytes = data_encoding::BASE32_NOPAD.decode(upper.as_bytes());
        let bytes: Option<[u8; LENGTH]> = bytes.ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(InvalidHandlingKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn action_source_and_id_make_the_key() {
        let key = |action: &str, source, id| HandlingKey::new(&action.parse().unwrap(), source, id);
        let first = key("billing", "/shop", "1");
        assert_ne!(first, key("audit", "/shop", "1"));
        assert_ne!(first, key("billing", "/sho", "p1"));
        assert_ne!(first, key("billing", "/shop", "2"));
        assert_eq!(first.to_string().len(), 26);
        assert_eq!(first.to_string().parse(), Ok(first));
        assert_eq!("x".parse::<HandlingKey>(), Err(InvalidHandlingKey));
    }
}
