//! The independent judge: what a store holds, read by a raw client of its own, and what of it was lost or doubled.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use crate::store::Store;

/// Reads a store without anything of ours.
pub trait Judge: Send + Sync {
    /// Returns the URL of the store.
    fn url(&self) -> String;

    /// Returns the name of the group.
    fn group(&self) -> String {
        "payments".to_owned()
    }

    /// Returns everything that the store holds.
    fn read(&self) -> Holdings;

    /// Returns the messages of a topic that replay a dead letter; for the group that failed, they may stand beside the topic.
    fn moved(&self, topic: &str) -> Vec<Moved>;

    /// Returns the records of a topic, each with the dead letter that it replays.
    fn replayed(&self, topic: &str) -> Vec<(String, Record)>;

    /// Returns the ids of the dead letters.
    fn letters(&self) -> Vec<String>;

    /// Returns what consumers hold.
    fn in_hand(&self) -> InHand;

    /// Counts what waits for its time, and what comes again because its consumer went down.
    fn to_come(&self) -> u64;

    /// Counts what is not due yet.
    fn not_due(&self) -> u64;

    /// Lets time pass for what a killed program left behind, so that nobody has to wait for it.
    fn after_a_kill(&self);

    /// Counts the letters of unfinished jobs that were dealt with, and those that were not.
    fn progress(&self) -> (u64, u64);

    /// Reports whether events can be published for later.
    fn keeps_delays(&self) -> bool {
        true
    }

    /// Reports whether delayed events can be listed and cancelled.
    fn cancels_delays(&self) -> bool {
        self.keeps_delays()
    }
}

/// What a store holds.
pub struct Holdings {
    /// Ids of the orders as they were published.
    pub stored: Vec<String>,
    /// Each replayed order, and the letter that it replays.
    pub replays: Vec<(String, String)>,
    /// Ids of the orders that are dead letters.
    pub dead: Vec<String>,
    /// The responses.
    pub responses: Vec<Vec<u8>>,
}

/// A message that replays a dead letter.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The dead letter.
    pub letter: String,
    /// What is published.
    pub payload: Vec<u8>,
}

/// Bytes, or null.
pub type Value = Option<Bytes>;

/// A record without what is ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub key: Value,
    pub headers: Vec<(String, Value)>,
    pub payload: Value,
}

impl Record {
    /// Counts its bytes.
    pub fn size(&self) -> usize {
        let part = |part: Option<&Bytes>| part.map_or(0, Bytes::len);
        let headers = self.headers.iter();
        let headers = headers.map(|(name, value)| name.len() + part(value.as_ref()));
        headers.sum::<usize>() + part(self.key.as_ref()) + part(self.payload.as_ref())
    }
}

/// What may come again after a kill.
#[derive(Default)]
pub struct InHand {
    /// Ids that were in hand, or may have been.
    pub ids: Vec<String>,
    /// How many were.
    pub count: u64,
}

/// Returns the id of an event.
pub fn id(payload: &[u8]) -> String {
    let event: serde_json::Value = serde_json::from_slice(payload).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

fn tally(ids: &[String]) -> HashMap<&str, u32> {
    let mut counts = HashMap::new();
    for id in ids {
        *counts.entry(id.as_str()).or_default() += 1;
    }
    counts
}

/// Judges a store after everything was drained and every letter replayed. Purged ids may be missing.
pub fn judge(store: &Store, purged: &HashSet<String>, what: &str) {
    let (held, handled) = (store.judge.read(), store.handled());
    let (stored, handled, dead) = (tally(&held.stored), tally(&handled), tally(&held.dead));

    let accepted = tally(&store.accepted);
    let missing: Vec<_> = accepted
        .keys()
        .filter(|id| !stored.contains_key(*id))
        .collect();
    assert!(
        missing.is_empty(),
        "{what}: accepted and not stored: {missing:?}"
    );
    none_twice(&stored, &format!("{what}: stored twice"));
    none_twice(&accepted, &format!("{what}: two receipts"));
    let lost: Vec<_> = stored
        .keys()
        .filter(|id| {
            !handled.contains_key(**id) && !dead.contains_key(**id) && !purged.contains(**id)
        })
        .collect();
    assert!(
        lost.is_empty(),
        "{what}: neither handled nor a dead letter: {lost:?}"
    );
    let (replayed, letters): (Vec<_>, Vec<_>) = held.replays.into_iter().unzip();
    none_twice(&tally(&letters), &format!("{what}: replayed twice"));
    let again = judge_repeats(store, &handled, &tally(&replayed), what);
    assert_eq!(
        store.judge.in_hand().count,
        0,
        "{what}: something is still in hand"
    );
    judge_responses(&held.responses, &handled, what);
    println!(
        "{what}: lost 0 of {}, published twice 0, replayed twice 0 of {}, handled again {again}",
        stored.len(),
        letters.len()
    );
}

fn none_twice(counts: &HashMap<&str, u32>, what: &str) {
    let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{what}: {doubled:?}");
}

/// Nothing was handled again but what was in hand at a kill; tells how often that was.
fn judge_repeats(
    store: &Store,
    handled: &HashMap<&str, u32>,
    replayed: &HashMap<&str, u32>,
    what: &str,
) -> u64 {
    let mut again = 0;
    for (id, count) in handled {
        let wanted = 1 + replayed.get(id).copied().unwrap_or(0);
        let allowed = wanted + store.in_hand.get(*id).copied().unwrap_or(0);
        assert!(
            *count <= allowed,
            "{what}: {id} handled {count} times, {allowed} allowed"
        );
        again += u64::from(count.saturating_sub(wanted));
    }
    assert!(
        again <= store.at_risk,
        "{what}: {again} handled again, {} were in hand",
        store.at_risk
    );
    again
}

/// Every handled event has its response; a repeat has the same id, and no other event has it.
fn judge_responses(responses: &[Vec<u8>], handled: &HashMap<&str, u32>, what: &str) {
    let mut causes: HashMap<String, (HashSet<String>, u32)> = HashMap::new();
    for payload in responses {
        let event: serde_json::Value = serde_json::from_slice(payload).unwrap();
        let cause = causes
            .entry(event["data"]["of"].as_str().unwrap().to_owned())
            .or_default();
        cause.0.insert(id(payload));
        cause.1 += 1;
    }
    for (cause, (ids, count)) in &causes {
        assert_eq!(ids.len(), 1, "{what}: repeats of {cause} differ: {ids:?}");
        let runs = handled.get(cause.as_str()).copied().unwrap_or(0);
        assert!(
            *count <= runs,
            "{what}: {cause}: {count} responses, {runs} runs"
        );
    }
    let all: HashSet<_> = causes.values().flat_map(|(ids, _)| ids).collect();
    assert_eq!(all.len(), causes.len(), "{what}: two causes share an id");
    let silent: Vec<_> = handled
        .keys()
        .filter(|id| !causes.contains_key(**id))
        .collect();
    assert!(
        silent.is_empty(),
        "{what}: done without a response: {silent:?}"
    );
}
