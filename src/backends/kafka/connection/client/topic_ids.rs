//! Ids of topics: a topic that was deleted and created again has the old name and another id.
//!
//! librdkafka fetches by ids, but keeps the old offset when the id of a name changes, and no call returns an id. Its
//! debug log has every id that it learns, before it fetches anything under it; so no record of a new topic arrives
//! before its id is known here.

use std::{
    collections::HashMap,
    sync::{
        MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use crate::lock::Mutex;

/// The part of librdkafka's debug log that has the ids of topics: some lines for each metadata answer, none for each record.
pub(crate) const CONTEXT: &str = "metadata";

/// The id of a topic.
pub(crate) type TopicId = u128;

/// The id of a topic and its cluster: tools that mirror clusters copy commits with their metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicIdentity {
    pub(crate) cluster: u32,
    pub(crate) topic: TopicId,
}

/// The relation between the identities that a name had and has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdentityChange {
    /// The same topic, or one of them is unknown.
    Same,
    /// The topic was deleted and created again.
    Recreated,
    /// The offsets come from another cluster.
    Mirrored,
}

impl TopicIdentity {
    /// The bytes of an identity.
    pub(crate) const SIZE: usize = 20;

    /// Compares the identity in a commit with the present one.
    pub(crate) fn compare(committed: Option<Self>, present: Option<Self>) -> IdentityChange {
        match (committed, present) {
            (Some(old), Some(new)) if old.cluster != new.cluster => IdentityChange::Mirrored,
            (Some(old), Some(new)) if old != new => IdentityChange::Recreated,
            _ => IdentityChange::Same,
        }
    }

    pub(crate) fn write(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.cluster.to_le_bytes());
        bytes[4..].copy_from_slice(&self.topic.to_le_bytes());
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (cluster, rest) = bytes.split_first_chunk()?;
        Some(Self {
            cluster: u32::from_le_bytes(*cluster),
            topic: TopicId::from_le_bytes(*rest.first_chunk()?),
        })
    }
}

/// Returns a number for the id of a cluster (FNV-1a).
pub(crate) fn cluster(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The ids of topics, as a client learns them.
#[derive(Debug, Default)]
pub(crate) struct TopicIds {
    known: Mutex<Known>,
    has_news: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    /// The ids with which topics were first known, and the present ones.
    ids: HashMap<String, (TopicId, TopicId)>,
    news: Vec<IdUpdate>,
}

/// A topic whose id was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdUpdate {
    pub(crate) topic: String,
    /// It had another id before.
    pub(crate) is_change: bool,
}

impl TopicIds {
    /// Starts with the ids that an earlier client knew first.
    pub(crate) fn since(earlier: &Self) -> Self {
        let first =
            |(topic, (first, _)): (&String, &(TopicId, TopicId))| (topic.clone(), (*first, *first));
        let ids = earlier.lock().ids.iter().map(first).collect();
        let news = Vec::new();
        Self {
            known: Mutex::new(Known { ids, news }),
            has_news: AtomicBool::new(false),
        }
    }

    /// Reads a line of the client's log.
    pub(crate) fn hear(&self, line: &str) {
        let Some((topic, id)) = parse(line) else {
            return;
        };
        let mut known = self.lock();
        let former = known.ids.get(topic).map(|(_, present)| *present);
        if former == Some(id) {
            return;
        }
        known.ids.entry(topic.to_owned()).or_insert((id, id)).1 = id;
        known.news.push(IdUpdate {
            topic: topic.to_owned(),
            is_change: former.is_some(),
        });
        self.has_news.store(true, Ordering::Release);
    }

    /// Returns the id of a topic, once the client knows it.
    pub(crate) fn of(&self, topic: &str) -> Option<TopicId> {
        self.lock().ids.get(topic).map(|(_, present)| *present)
    }

    /// Takes the topics whose id was learned since the last call.
    pub(crate) fn updates(&self) -> Vec<IdUpdate> {
        if !self.has_news.load(Ordering::Acquire) {
            return Vec::new();
        }
        let mut known = self.lock();
        self.has_news.store(false, Ordering::Release);
        std::mem::take(&mut known.news)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock()
    }
}

/// Reads `[thrd:main]: Topic NAME changed id from ID to ID`.
fn parse(line: &str) -> Option<(&str, TopicId)> {
    let (before, after) = line.split_once(" changed id from ")?;
    let (_, topic) = before.rsplit_once("Topic ")?;
    let (_, id) = after.split_once(" to ")?;
    let bytes = STANDARD_NO_PAD
        .decode(id.trim().trim_end_matches('='))
        .ok()?;
    let id = TopicId::from_be_bytes(*bytes.first_chunk()?);
    (id != 0).then_some((topic, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str =
        "[thrd:main]: Topic order changed id from AAAAAAAAAAAAAAAAAAAAAA to 5Ksv0AeUQZ+Qmv0HaIqLIA";
    const SECOND: &str =
        "[thrd:main]: Topic order changed id from 5Ksv0AeUQZ+Qmv0HaIqLIA to /Ksv0AeUQZ+Qmv0HaIqLIA";

    #[test]
    fn a_change_is_one_of_an_id_that_was_known() {
        let ids = TopicIds::default();
        let news = |ids: &TopicIds| -> Vec<(String, bool)> {
            let news = ids.updates().into_iter();
            news.map(|news| (news.topic, news.is_change)).collect()
        };
        ids.hear("[thrd:main]: Topic order [0] Leader 1 Epoch 0");
        assert_eq!(ids.of("order"), None);
        ids.hear(FIRST);
        ids.hear(FIRST);
        let first = ids.of("order").unwrap();
        assert_eq!(news(&ids), [("order".to_owned(), false)]);
        ids.hear(SECOND);
        assert_eq!(news(&ids), [("order".to_owned(), true)]);
        assert_eq!(news(&ids), []);
        assert_ne!(ids.of("order"), Some(first));
        let later = TopicIds::since(&ids);
        later.hear(SECOND);
        assert_eq!(
            news(&later),
            [("order".to_owned(), true)],
            "it had another at first"
        );
    }

    #[test]
    fn identities_are_written_and_compared() {
        let one = TopicIdentity {
            cluster: cluster("one"),
            topic: 1 << 100,
        };
        assert_eq!(TopicIdentity::read(&one.write()), Some(one));
        assert_eq!(TopicIdentity::read(&[1; 19]), None);
        let recreated = TopicIdentity { topic: 7, ..one };
        let mirrored = TopicIdentity {
            cluster: cluster("two"),
            ..one
        };
        let compare = |old, new| TopicIdentity::compare(Some(old), Some(new));
        assert_eq!(compare(one, one), IdentityChange::Same);
        assert_eq!(compare(one, recreated), IdentityChange::Recreated);
        assert_eq!(compare(one, mirrored), IdentityChange::Mirrored);
        assert_eq!(
            TopicIdentity::compare(None, Some(one)),
            IdentityChange::Same
        );
    }
}
