//! Newer events of the same key: a replay comes after them, out of order.
//!
//! The target topic is read from the oldest dead letter on, and only so far: a warning must not cost more than the replay.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::time::timeout;

use crate::{
    event::{Position, Topic},
    transport::{DeadLetter, ErrorKind, Result as Answer, TailFrom, TailRequest, Transport},
};

/// The most events that are looked at, ...
const MOST: usize = 20_000;
/// ... for how long, ...
const LONGEST: Duration = Duration::from_secs(3);
/// ... and the most keys and topics that are remembered.
const MOST_KEYS: usize = 20_000;
const MOST_TOPICS: usize = 20;

/// Events per page.
const PAGE: usize = 500;

/// The keys of the dead letters of a replay.
#[derive(Debug, Default)]
pub(super) struct Keys {
    topics: HashMap<Topic, HashMap<Bytes, OfKey>>,
    /// Where the events of the dead letters themselves are stored.
    own: HashSet<Position>,
    count: usize,
    is_cut: bool,
    oldest: Option<SystemTime>,
}

/// The dead letters of a key, and the newest event of it that was found.
#[derive(Debug, Default)]
struct OfKey {
    times: Vec<SystemTime>,
    newest: Option<SystemTime>,
}

impl OfKey {
    fn passed(&self) -> usize {
        let is_passed = |time: &&SystemTime| self.newest.is_some_and(|newest| newest > **time);
        self.times.iter().filter(is_passed).count()
    }
}

impl Keys {
    /// Adds a dead letter, which is replayed to this topic.
    pub(super) fn add(&mut self, letter: &DeadLetter, topic: &Topic) {
        let Some(key) = &letter.message.key else {
            return;
        };
        let is_new_topic = !self.topics.contains_key(topic);
        if self.count >= MOST_KEYS || (is_new_topic && self.topics.len() >= MOST_TOPICS) {
            self.is_cut = true;
            return;
        }
        let origin = &letter.record.origin;
        self.count += 1;
        self.own.insert(origin.position.clone());
        self.oldest = Some(
            self.oldest
                .map_or(origin.time, |time| time.min(origin.time)),
        );
        let keys = self.topics.entry(topic.clone()).or_default();
        let known = keys.entry(key.clone()).or_default();
        known.times.push(origin.time);
    }

    /// Looks for newer events of these keys; returns a warning if there are any, or if it did not look at all of them.
    pub(super) async fn warning(mut self, transport: &dyn Transport) -> Option<String> {
        let oldest = self.oldest?;
        let looked = timeout(LONGEST, self.look(transport, oldest)).await;
        let (looked_at, is_end) = match looked {
            Ok(Ok(found)) => found,
            // A topic that does not exist yet has no newer events; other errors are found by the replay.
            Ok(Err(error)) => {
                tracing::debug!(%error, "newer events were not looked for");
                return None;
            }
            Err(_) => (0, false),
        };
        let bound = match (is_end && !self.is_cut, looked_at) {
            (true, _) => None,
            (false, 0) => Some(format!("for longer than {} s", LONGEST.as_secs())),
            (false, _) => Some(format!("beyond {looked_at} events")),
        };
        let keys = self.topics.values().flat_map(HashMap::values);
        let passed: usize = keys.map(OfKey::passed).sum();
        let (has, them) = match passed {
            0 => {
                let bound = bound?;
                return Some(format!(
                    "newer events of the same keys were not looked for {bound}"
                ));
            }
            1 => ("1 dead letter has".to_owned(), "it"),
            more => (format!("{more} dead letters have"), "them"),
        };
        let bound = bound.map_or_else(String::new, |bound| format!(" (not looked at {bound})"));
        Some(format!(
            "{has} newer events of the same key behind {them}: the replay comes out of order{bound}"
        ))
    }

    /// Returns how many events it looked at, and whether these were all.
    async fn look(
        &mut self,
        transport: &dyn Transport,
        oldest: SystemTime,
    ) -> Answer<(usize, bool)> {
        let topics = self.topics.keys();
        let request = TailRequest {
            patterns: topics.map(|topic| topic.clone().into()).collect(),
            from: TailFrom::Time(oldest),
            until_end: true,
        };
        let mut tail = transport.tail(request).await?;
        let mut looked_at = 0;
        while looked_at < MOST {
            let events = match tail.next(PAGE).await {
                Err(error) if matches!(error.kind(), ErrorKind::Gap | ErrorKind::Warning) => {
                    continue;
                }
                events => events?,
            };
            if events.is_empty() {
                return Ok((looked_at, true));
            }
            looked_at += events.len();
            for event in events {
                let keys = self.topics.get_mut(&event.message.topic);
                let key = event.message.key.as_ref();
                let known = keys.zip(key).and_then(|(keys, key)| keys.get_mut(key));
                if let Some(known) = known
                    && !self.own.contains(&event.position)
                {
                    known.newest = known.newest.max(Some(event.time));
                }
            }
        }
        Ok((looked_at, false))
    }
}
