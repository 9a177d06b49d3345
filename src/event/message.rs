//! Messages as a transport carries them: raw, owned, byte for byte.

use std::{borrow::Cow, fmt, time::SystemTime};

use bytes::Bytes;
use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::event::Topic;

type Header = (Cow<'static, str>, Option<Bytes>);

/// Headers in the order in which they were written, including duplicates and nulls.
// Most messages have one, the content type, which then is no allocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(SmallVec<[Header; 1]>);

impl Headers {
    /// Creates an empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty list with room for `count` headers.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self(SmallVec::with_capacity(count))
    }

    /// Appends a header, even if the name exists.
    pub fn push(&mut self, name: impl Into<String>, value: Option<Bytes>) {
        self.0.push((Cow::Owned(name.into()), value));
    }

    /// Appends a header with a static name, without copying the name.
    pub fn push_known(&mut self, name: &'static str, value: Option<Bytes>) {
        self.0.push((Cow::Borrowed(name), value));
    }

    /// Returns the first value of this name (case-insensitive), if it is text.
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

    /// Returns how many there are.
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

/// A message, to be stored or as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The topic.
    pub topic: Topic,
    /// The key that keeps related messages in order; absent and empty differ.
    pub key: Option<Bytes>,
    /// Transport headers.
    pub headers: Headers,
    /// The payload; `None` is a null value (a Kafka tombstone), not an empty one.
    pub payload: Option<Bytes>,
}

impl Message {
    /// Creates a message without key and headers.
    #[must_use]
    pub fn new(topic: Topic, payload: impl Into<Bytes>) -> Self {
        Self {
            topic,
            key: None,
            headers: Headers::new(),
            payload: Some(payload.into()),
        }
    }

    /// Returns the bytes of key, headers and payload.
    #[must_use]
    pub fn size(&self) -> usize {
        let length = |value: Option<&Bytes>| value.map_or(0, Bytes::len);
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.len() + length(value));
        length(self.key.as_ref()) + headers.sum::<usize>() + length(self.payload.as_ref())
    }

    /// Returns the payload, empty where it is null.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.payload.as_deref().unwrap_or_default()
    }
}

/// The position that a message is stored at, in the transport's own notation.
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

    /// Creates the position of a number.
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

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The message.
    pub message: Message,
    /// The position it is stored at.
    pub position: Position,
    /// When the transport accepted it; for a delayed message, when it became due.
    pub time: SystemTime,
}
