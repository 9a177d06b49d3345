//! The independent judge: reads the store with its own raw client and counts what was lost or doubled.

use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

use rusqlite::Connection;

use crate::store::Store;

fn ids(path: &Path, query: &str) -> Vec<String> {
    let Ok(connection) = Connection::open(path) else {
        return Vec::new();
    };
    let Ok(mut statement) = connection.prepare(query) else {
        return Vec::new();
    };
    let rows = statement
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .unwrap();
    rows.map(|payload| id(&payload.unwrap())).collect()
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

/// Judges a store after everything was drained and every letter replayed. Purged ids may be missing.
pub fn judge(store: &Store, purged: &HashSet<String>, what: &str) {
    let path = store.path();
    let orders = "FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = 'order.created'";
    let stored = ids(
        &path,
        &format!("SELECT m.payload {orders} AND lineage IS NULL"),
    );
    let replayed = ids(
        &path,
        &format!("SELECT m.payload {orders} AND lineage IS NOT NULL"),
    );
    let (handled, dead) = (store.handled(), dead(&path));
    let (stored, replayed) = (tally(&stored), tally(&replayed));
    let (handled, dead) = (tally(&handled), tally(&dead));

    let lost: Vec<_> = store
        .accepted
        .iter()
        .filter(|id| !stored.contains_key(id.as_str()))
        .collect();
    assert!(lost.is_empty(), "{what}: accepted and not stored: {lost:?}");
    let doubled: Vec<_> = stored.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{what}: stored twice: {doubled:?}");
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
    assert_replayed_once(&path, what);
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
    assert_responses(&path, what);
}

/// No letter was published twice; an event that died again is another letter.
fn assert_replayed_once(path: &Path, what: &str) {
    let connection = Connection::open(path).unwrap();
    let query = "SELECT lineage ->> 'replay_of' AS letter, count(*) FROM messages \
         WHERE lineage NOT NULL GROUP BY letter HAVING count(*) > 1";
    let mut statement = connection.prepare(query).unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let doubled: Vec<(String, u32)> = rows.map(Result::unwrap).collect();
    assert!(doubled.is_empty(), "{what}: replayed twice: {doubled:?}");
}

/// A response has an id of its cause, so that a repeat can be told; each cause has at least one.
fn assert_responses(path: &Path, what: &str) {
    let responses = ids(
        path,
        "SELECT m.payload FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = 'payment.done'",
    );
    let distinct: HashSet<_> = responses.iter().collect();
    println!(
        "{what}: {} responses, {} distinct",
        responses.len(),
        distinct.len()
    );
}
