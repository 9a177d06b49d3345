//! Replays as the store shows them afterwards: what is left of them, and whether one may be gone without a trace.
//!
//! A replayed message carries the id of its dead letter in its stored lineage. Reading the target again therefore tells
//! whether a replay is there, and how often, whatever the job reported.

use std::{fmt, time::SystemTime};

use async_trait::async_trait;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Visitor},
};
use sha2::{Digest as _, Sha256};

use super::id::DeadLetterId;
use crate::{
    event::{Group, Message, Position, Topic},
    transport::Result,
};

/// The bytes of a digest.
const LENGTH: usize = 16;

/// A digest of key, headers and payload of a message.
///
/// The topic is left out, because a replay may go to another one. So is the order of headers of different names, which not
/// every broker keeps.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(into = "String")]
pub struct MessageDigest([u8; LENGTH]);

impl MessageDigest {
    /// Returns the digest of a message.
    #[must_use]
    pub fn of(message: &Message) -> Self {
        let mut hash = Sha256::new();
        let mut add = |part: Option<&[u8]>| {
            // A null differs from an empty part.
            hash.update(
                part.map_or(u64::MAX, |part| part.len() as u64)
                    .to_be_bytes(),
            );
            hash.update(part.unwrap_or_default());
        };
        add(message.key.as_deref());
        let mut headers: Vec<_> = message.headers.iter().collect();
        headers.sort_by_key(|(name, _)| *name);
        for (name, value) in headers {
            add(Some(name.as_bytes()));
            add(value.map(|value| &value[..]));
        }
        add(message.payload.as_deref());
        let hash = hash.finalize();
        let mut digest = [0; LENGTH];
        digest.copy_from_slice(&hash[..LENGTH]);
        Self(digest)
    }
}

impl fmt::Debug for MessageDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl From<MessageDigest> for String {
    fn from(digest: MessageDigest) -> Self {
        data_encoding::BASE64URL_NOPAD.encode(&digest.0)
    }
}

impl<'de> Deserialize<'de> for MessageDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_str(DigestText)
    }
}

/// Reads a digest where its text stands: a list has one for each dead letter.
struct DigestText;

impl Visitor<'_> for DigestText {
    type Value = MessageDigest;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the digest of a message")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<MessageDigest, E> {
        let mut digest = [0; LENGTH];
        let coding = data_encoding::BASE64URL_NOPAD;
        let is_as_long = coding.decode_len(text.len()) == Ok(LENGTH);
        if is_as_long && coding.decode_mut(text.as_bytes(), &mut digest).is_ok() {
            return Ok(MessageDigest(digest));
        }
        Err(E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// Where a dead letter is replayed to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplayTarget {
    /// The topic.
    pub topic: Topic,
    /// The only group that gets it; none is every group of the topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

/// Something in the store that shows a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayTrace {
    /// The dead letter that was replayed.
    pub replay_of: DeadLetterId,
    /// The position of the trace.
    pub position: Position,
    /// Where it was found: the topic, and the group if no other one gets it.
    pub target: ReplayTarget,
    /// What it is.
    pub kind: TraceKind,
}

/// What shows a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceKind {
    /// The replayed message: two of them are two replays.
    Message(MessageDigest),
    /// The same message stored again for a retry, so that the first record of it may be gone.
    Retry(MessageDigest),
    /// The group has settled the message: it was handled, skipped or dead-lettered again.
    Settled,
}

/// A replay that was confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// The dead letter that was replayed.
    pub replay_of: DeadLetterId,
    /// Where it was replayed to.
    pub target: ReplayTarget,
    /// It was stored at this time or later.
    pub since: SystemTime,
    /// The position of the message, if a [`ReplayScan`] found it.
    pub position: Option<Position>,
}

/// Whether a group has settled a replayed message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// It was handled, skipped or dead-lettered again.
    Yes,
    /// It is still to be delivered, in flight, or due for retry.
    No,
    /// The store does not tell, for this reason.
    Unknown(String),
}

/// An open read of replays.
#[async_trait]
pub trait ReplayScan: Send {
    /// Returns the next traces, at most `max`; an empty list means that the end was reached.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>>;

    /// Returns why a replay to this target may have left no trace in the store, if it may: retention, compaction, or a queue
    /// that forgets what was handled. To be called after the end, so that nothing removed during the read is overlooked.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn may_be_gone(&mut self, target: &ReplayTarget) -> Result<Option<String>>;
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn message(key: Option<&str>, headers: &[(&str, &str)], payload: &str) -> Message {
        let mut message = Message::new("order".parse().unwrap(), payload.to_owned());
        message.key = key.map(|key| Bytes::from(key.to_owned()));
        for (name, value) in headers {
            message
                .headers
                .push(*name, Some(Bytes::from((*value).to_owned())));
        }
        message
    }

    #[test]
    fn a_digest_tells_every_part_apart() {
        let all = [
            message(None, &[], "ab"),
            message(Some(""), &[], "ab"),
            message(Some("a"), &[], "b"),
            message(None, &[("a", "b")], ""),
            message(None, &[("a", "b"), ("a", "c")], ""),
            message(None, &[("a", "c"), ("a", "b")], ""),
            message(None, &[], ""),
        ];
        let digests: std::collections::HashSet<_> = all.iter().map(MessageDigest::of).collect();
        assert_eq!(digests.len(), all.len());
    }

    #[test]
    fn a_digest_leaves_out_topic_and_order_across_names() {
        let one = message(Some("k"), &[("a", "1"), ("b", "2")], "x");
        let mut other = message(Some("k"), &[("b", "2"), ("a", "1")], "x");
        other.topic = "invoice".parse().unwrap();
        assert_eq!(MessageDigest::of(&one), MessageDigest::of(&other));
        let text = serde_json::to_string(&MessageDigest::of(&one)).unwrap();
        let back: MessageDigest = serde_json::from_str(&text).unwrap();
        assert_eq!(back, MessageDigest::of(&one));
        assert!(serde_json::from_str::<MessageDigest>("\"abc\"").is_err());
    }
}
