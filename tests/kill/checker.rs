//! The independent judge: reads the store with its own raw client and counts what was lost or doubled.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use rusqlite::Connection;

use crate::store::Store;

fn ids(path: &Path, query: &str) -> Vec<String> {
    let payloads = payloads(path, query);
    payloads.iter().map(|payload| id(payload)).collect()
}

fn payloads(path: &Path, query: &str) -> Vec<Vec<u8>> {
    let Ok(connection) = Connection::open(path) else {
        return Vec::new();
    };
    let Ok(mut statement) = connection.prepare(query) else {
        return Vec::new();
    };
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn id(payload: &[u8]) -> String {
    let event: serde_json::Value = serde_json::from_slice(payload).unwrap();
    event["id"].as_str().unwrap().to_owned()
}

/// Returns the ids that consumers hold.
pub fn in_hand(path: &Path) -> Vec<String> {
    ids(
        path,
        "SELECT m.payload FROM held h JOIN messages m ON m.seq = h.seq",
    )
}

/// Returns the ids of dead letters.
pub fn dead(path: &Path) -> Vec<String> {
    ids(path, "SELECT payload FROM dead_letters")
}

/// Counts what waits for its time.
pub fn pending(path: &Path) -> u64 {
    count(path, "SELECT count(*) FROM schedules")
}

/// Counts what is not due yet.
pub fn not_due(path: &Path) -> u64 {
    count(
        path,
        "SELECT count(*) FROM schedules WHERE due > 1e9 * unixepoch('subsec')",
    )
}

fn count(path: &Path, query: &str) -> u64 {
    let connection = Connection::open(path).unwrap();
    connection
        .query_row(query, [], |row| row.get(0))
        .unwrap_or(0)
}

fn tally(ids: &[String]) -> HashMap<&str, u32> {
    let mut counts = HashMap::new();
    for id in ids {
        *counts.entry(id.as_str()).or_default() += 1;
    }
    counts
}

/// Returns how many letters of unfinished jobs were dealt with, and how many not.
pub fn progress(path: &Path) -> (u64, u64) {
    let connection = Connection::open(path).unwrap();
    let sums = "SELECT total(resolved), total(planned - resolved) FROM jobs WHERE token > 0";
    let sums = connection.query_row(sums, [], |row| Ok((row.get::<_, f64>(0)?, row.get(1)?)));
    let (done, left): (f64, f64) = sums.unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts"
    )]
    (done as u64, left as u64)
}

/// Judges a store after everything was drained and every letter replayed. Purged ids may be missing.
pub fn judge(store: &Store, purged: &HashSet<String>, what: &str) {
    let path = store.path();
    let orders = "FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = 'order.created'";
    let stored = ids(
        &path,
        &format!("SELECT m.payload {orders} AND lineage IS NULL"),
    );
    let replays = replays(&path);
    let (handled, dead) = (store.handled(), dead(&path));
    let (stored, handled, dead) = (tally(&stored), tally(&handled), tally(&dead));

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
    let letters: Vec<_> = replays.iter().map(|(_, letter)| letter.clone()).collect();
    none_twice(&tally(&letters), &format!("{what}: replayed twice"));
    let replayed: Vec<_> = replays.into_iter().map(|(id, _)| id).collect();
    let replayed = tally(&replayed);
    for (id, count) in &handled {
        let allowed = 1
            + store.in_hand.get(*id).copied().unwrap_or(0)
            + replayed.get(id).copied().unwrap_or(0);
        assert!(
            *count <= allowed,
            "{what}: {id} handled {count} times, {allowed} allowed"
        );
    }
    assert!(
        in_hand(&path).is_empty(),
        "{what}: something is still in hand"
    );
    judge_responses(&path, &handled, what);
}

fn none_twice(counts: &HashMap<&str, u32>, what: &str) {
    let doubled: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{what}: {doubled:?}");
}

/// Returns each replayed message: the event's id, and the letter that it replays.
fn replays(path: &Path) -> Vec<(String, String)> {
    let connection = Connection::open(path).unwrap();
    let sql = "SELECT payload, lineage ->> 'replay_of' FROM messages WHERE lineage NOT NULL";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)))
        .unwrap();
    rows.map(|row| row.map(|(payload, letter)| (id(&payload), letter)).unwrap())
        .collect()
}

/// Every handled event has its response; a repeat has the same id, and no other event has it.
fn judge_responses(path: &Path, handled: &HashMap<&str, u32>, what: &str) {
    let mut causes: HashMap<String, (HashSet<String>, u32)> = HashMap::new();
    for payload in payloads(
        path,
        "SELECT m.payload FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = 'payment.done'",
    ) {
        let event: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        let cause = causes
            .entry(event["data"]["of"].as_str().unwrap().to_owned())
            .or_default();
        cause.0.insert(id(&payload));
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
