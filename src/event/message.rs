//! What a transport carries: raw, owned, byte for byte.

use std::{borrow::Cow, fmt, time::SystemTime};

use bytes::Bytes;
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::event::Topic;

type Header = (Cow<'static, str>, Option<Bytes>);

/// Headers in the order they were written, duplicates and nulls included.
// Most messages have one, the content type, which then is no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(SmallVec<[Header; 1]>);

impl Headers {
    /// Returns no headers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns no headers, with room for `count`.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self(SmallVec::with_capacity(count))
    }

    /// Adds a header after the others, even if the name is there already.
    pub fn push(&mut self, name: impl Into<String>, value: Option<Bytes>) {
        self.0.push((Cow::Owned(name.into()), value));
    }

    /// Adds a header whose name is known beforehand, without copying it.
    pub fn push_known(&mut self, name: &'static str, value: Option<Bytes>) {
        self.0.push((Cow::Borrowed(name), value));
    }

    /// Returns the first value of this name, letter case ignored, if it is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value.as_deref()?).ok()
    }

    /// Returns every header in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Option<&Bytes>)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()))
    }

    /// Keeps the headers whose name satisfies `keep`.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    /// Reports whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts them.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

impl FromIterator<(String, Option<Bytes>)> for Headers {
    fn from_iter<I: IntoIterator<Item = (String, Option<Bytes>)>>(headers: I) -> Self {
        let headers = headers.into_iter();
        Self(
            headers
                .map(|(name, value)| (Cow::Owned(name), value))
                .collect(),
        )
    }
}

/// One message, to be stored or as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it goes or was found.
    pub topic: Topic,
    /// What keeps related messages in order; absent and empty differ.
    pub key: Option<Bytes>,
    /// Transport headers.
    pub headers: Headers,
    /// The bytes; `None` is a null value (a Kafka tombstone), not an empty one.
    pub payload: Option<Bytes>,
}

impl Message {
    /// Returns a message without key and headers.
    #[must_use]
    pub fn new(topic: Topic, payload: impl Into<Bytes>) -> Self {
        Self {
            topic,
            key: None,
            headers: Headers::new(),
            payload: Some(payload.into()),
        }
    }

    /// Returns the payload, empty where it is null.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.payload.as_deref().unwrap_or_default()
    }
}

/// Where in its topic a message stands, in the transport's own notation.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Position(SmolStr);

impl Position {
    /// Wraps a transport's notation.
    #[must_use]
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(SmolStr::new(text))
    }

    /// Takes a number for it.
    pub(crate) fn number(number: impl itoa::Integer) -> Self {
        Self::new(itoa::Buffer::new().format(number))
    }

    /// Returns the notation.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<SmolStr> for Position {
    fn from(text: SmolStr) -> Self {
        Self(text)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A message that a transport holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// Where it stands.
    pub position: Position,
    /// When the transport accepted it (a delayed one: when it became due).
    pub time: SystemTime,
}
