//! rusqlite on the schema of a store, and nothing around it.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest as _, Sha256};

use super::Fate;

/// The headers of a structured event, as the product stores them.
pub const HEADERS: &[u8] = b"\x0ccontent-type\x1dapplication/cloudevents+json";

/// What the product writes of the history of a replay is about as long.
const LINEAGE: &str = r#"{"replay_of":"aaaaaaaaaaaa","store":"01M82QS0TFSR6GBWHYNYNJZ6CY","position":"1000000","generation":1,"attempts":3}"#;

/// Opens a store with the pragmas that the product uses.
pub fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
        .unwrap();
    connection.set_prepared_statement_cache_capacity(32);
    connection
}

/// Counts rows.
pub fn count(connection: &Connection, table: &str) -> u64 {
    connection
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
}

/// Opens a store, counts dead letters by what they have in common, and returns how many there are.
pub fn count_letters(path: &Path) -> u64 {
    let connection = open(path);
    let mut select = connection
        .prepare(
            "SELECT s.topic, s.group_name, s.kind, s.fingerprint, c.number, c.first, c.last
             FROM (SELECT sort, count(*) AS number, min(dead_since) AS first, max(dead_since) AS last
                   FROM dead_letters GROUP BY sort) c JOIN sorts s ON s.id = c.sort",
        )
        .unwrap();
    let counts = select.query_map([], |row| row.get::<_, u64>(4)).unwrap();
    counts.map(Result::unwrap).sum()
}

/// Inserts payloads, so many per transaction.
pub fn insert(connection: &mut Connection, topic: &str, payloads: &[Vec<u8>], batch: usize) {
    connection
        .execute("INSERT OR IGNORE INTO topics(name) VALUES(?1)", [topic])
        .unwrap();
    let topic: i64 = connection
        .query_row("SELECT id FROM topics WHERE name=?1", [topic], |row| {
            row.get(0)
        })
        .unwrap();
    for chunk in payloads.chunks(batch) {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        {
            let mut insert = transaction
                .prepare_cached(
                    "INSERT INTO messages(topic, time, key, headers, payload) VALUES(?1, ?2, NULL, ?3, ?4)",
                )
                .unwrap();
            for payload in chunk {
                insert
                    .execute(params![
                        topic,
                        1_790_000_000_000_000_000_i64,
                        HEADERS,
                        payload
                    ])
                    .unwrap();
            }
            let last = transaction.last_insert_rowid();
            transaction
                .prepare_cached("UPDATE topics SET last_seq=?2 WHERE id=?1")
                .unwrap()
                .execute(params![topic, last])
                .unwrap();
        }
        transaction.commit().unwrap();
    }
}

/// Claims and marks everything on one topic: each transaction marks one batch and claims the next.
pub fn claim_and_mark(
    connection: &mut Connection,
    batch: usize,
    fate: impl Fn(i64, bool) -> Fate,
) -> u64 {
    let mut held: Vec<(i64, bool)> = Vec::new();
    let (mut cursor, mut bytes, mut marked) = (0_i64, 0_u64, 0_u64);
    let mut retries: Vec<i64> = Vec::new();
    loop {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        {
            marked += mark(&transaction, &held, &mut retries, &fate);
            held.clear();
            reclaim(&transaction, &mut retries, &mut held, &mut bytes);
            claim(
                &transaction,
                batch - held.len().min(batch),
                &mut cursor,
                &mut held,
                &mut bytes,
            );
        }
        transaction.commit().unwrap();
        if held.is_empty() && retries.is_empty() {
            assert!(bytes > 0);
            return marked;
        }
    }
}

fn claim(
    db: &Connection,
    most: usize,
    cursor: &mut i64,
    held: &mut Vec<(i64, bool)>,
    bytes: &mut u64,
) {
    let mut select = db
        .prepare_cached(
            "SELECT seq, time, key, headers, payload FROM messages WHERE topic=1 AND seq>?1 ORDER BY seq LIMIT ?2",
        )
        .unwrap();
    let mut take = db
        .prepare_cached(
            "INSERT INTO held(group_id, seq, consumer, ticket, lease_until, failed, crashed) VALUES(1, ?1, 1, ?1, ?2, 0, 0)",
        )
        .unwrap();
    let mut rows = select.query(params![*cursor, most]).unwrap();
    let before = *cursor;
    while let Some(row) = rows.next().unwrap() {
        let seq: i64 = row.get(0).unwrap();
        let payload: Vec<u8> = row.get(4).unwrap();
        *bytes += payload.len() as u64;
        take.execute(params![seq, i64::MAX]).unwrap();
        held.push((seq, false));
        *cursor = seq;
    }
    if *cursor > before {
        db.prepare_cached("INSERT OR REPLACE INTO cursors(group_id, topic, seq) VALUES(1, 1, ?1)")
            .unwrap()
            .execute([*cursor])
            .unwrap();
    }
}

fn reclaim(db: &Connection, retries: &mut Vec<i64>, held: &mut Vec<(i64, bool)>, bytes: &mut u64) {
    let mut unwait = db
        .prepare_cached("DELETE FROM waiting WHERE group_id=1 AND seq=?1")
        .unwrap();
    let mut take = db
        .prepare_cached(
            "INSERT INTO held(group_id, seq, consumer, ticket, lease_until, failed, crashed, first_failed) VALUES(1, ?1, 1, ?1, ?2, 1, 0, 1)",
        )
        .unwrap();
    let mut read = db
        .prepare_cached("SELECT time, key, headers, payload FROM messages WHERE seq=?1")
        .unwrap();
    for seq in retries.drain(..) {
        unwait.execute([seq]).unwrap();
        let payload: Vec<u8> = read.query_row([seq], |row| row.get(3)).unwrap();
        *bytes += payload.len() as u64;
        take.execute(params![seq, i64::MAX]).unwrap();
        held.push((seq, true));
    }
}

fn mark(
    db: &Connection,
    held: &[(i64, bool)],
    retries: &mut Vec<i64>,
    fate: impl Fn(i64, bool) -> Fate,
) -> u64 {
    let mut done = db
        .prepare_cached("DELETE FROM held WHERE group_id=1 AND seq=?1")
        .unwrap();
    let mut wait = db
        .prepare_cached(
            "INSERT INTO waiting(group_id, seq, due, owner, failed, crashed, first_failed) VALUES(1, ?1, 0, 1, 1, 0, 1)",
        )
        .unwrap();
    let mut bury = db
        .prepare_cached(
            "INSERT INTO dead_letters(id, sort, dead_since, position, event_type, total_attempts, reason, payload, record)
             SELECT ?2, 1, 1, ?2, 'order.created', 1, 'refused', payload, ?3 FROM messages WHERE seq=?1",
        )
        .unwrap();
    let record = "x".repeat(600);
    let mut marked = 0;
    for (seq, again) in held {
        done.execute([seq]).unwrap();
        match fate(*seq, *again) {
            Fate::Ack => marked += 1,
            Fate::Retry => {
                wait.execute([seq]).unwrap();
                retries.push(*seq);
            }
            Fate::Dead => {
                bury.execute(params![seq, seq.to_string(), record]).unwrap();
                marked += 1;
            }
        }
    }
    marked
}

/// Replays every letter: a transaction moves so many. With an edit, the original stays and is noted as archived.
pub fn replay(path: &Path, batch: usize, edit: Option<crate::events::Edit>) -> usize {
    let mut connection = open(path);
    let (mut after, mut moved) = (0_i64, 0);
    loop {
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        let ids = replay_some(&transaction, &mut after, batch, edit);
        if ids.is_empty() {
            return moved;
        }
        moved += ids.len();
        let name = format!("progress.{moved}");
        let value = if edit.is_some() {
            ids.join(",")
        } else {
            String::new()
        };
        transaction
            .prepare_cached("INSERT OR REPLACE INTO notes(name, value) VALUES(?1, ?2)")
            .unwrap()
            .execute([name, value])
            .unwrap();
        transaction.commit().unwrap();
    }
}

/// Moves the next letters, and returns their ids.
fn replay_some(
    db: &Connection,
    after: &mut i64,
    batch: usize,
    edit: Option<crate::events::Edit>,
) -> Vec<String> {
    let mut select = db
        .prepare_cached("SELECT n, id, headers, payload, record FROM dead_letters WHERE n>?1 ORDER BY n LIMIT ?2")
        .unwrap();
    let mut insert = db
        .prepare_cached("INSERT INTO messages(topic, time, key, headers, payload, only_group, lineage) VALUES(1, ?1, NULL, ?2, ?3, 1, ?4)")
        .unwrap();
    let mut wait = db
        .prepare_cached(
            "INSERT INTO waiting(group_id, seq, due, failed, crashed) VALUES(1, ?1, 0, 0, 0)",
        )
        .unwrap();
    let mut delete = db
        .prepare_cached("DELETE FROM dead_letters WHERE n=?1")
        .unwrap();
    let mut ids = Vec::new();
    let mut rows = select.query(params![*after, batch]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        *after = row.get(0).unwrap();
        let (headers, payload): (Vec<u8>, Vec<u8>) = (row.get(2).unwrap(), row.get(3).unwrap());
        let record: String = row.get(4).unwrap();
        std::hint::black_box(&record);
        let payload = edit.map_or(payload.clone(), |edit| edit(&payload));
        insert
            .execute(params![*after, headers, payload, LINEAGE])
            .unwrap();
        wait.execute([db.last_insert_rowid()]).unwrap();
        if edit.is_none() {
            delete.execute([*after]).unwrap();
        }
        ids.push(row.get(1).unwrap());
    }
    ids
}

/// Reads every message with all that is stored of it, and returns how many there are.
pub fn read(path: &Path) -> usize {
    read_each(&open(path), |headers, payload| {
        std::hint::black_box((headers, payload));
    })
}

fn read_each(connection: &Connection, look: impl Fn(&[u8], &[u8])) -> usize {
    let mut select = connection
        .prepare("SELECT seq, time, key, headers, payload, only_group, lineage FROM messages ORDER BY seq")
        .unwrap();
    let mut rows = select.query([]).unwrap();
    let mut count = 0;
    while let Some(row) = rows.next().unwrap() {
        let (headers, payload): (Vec<u8>, Vec<u8>) = (row.get(3).unwrap(), row.get(4).unwrap());
        look(&headers, &payload);
        let lineage: Option<String> = row.get(6).unwrap();
        std::hint::black_box(lineage);
        count += 1;
    }
    count
}

/// Reads what any verification of a replay has to read: which dead letters were to be replayed, those that are left, what groups have
/// not settled, and every message, of which it needs the digest, since the bytes themselves would not fit into memory twice. Returns
/// how many messages there are.
pub fn read_for_proof(path: &Path) -> usize {
    let connection = open(path);
    for sql in [
        "SELECT name, value FROM notes WHERE name LIKE 'manifest.%'",
        "SELECT id, record FROM dead_letters",
    ] {
        let mut select = connection.prepare(sql).unwrap();
        let mut rows = select.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let texts: (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            std::hint::black_box(texts);
        }
    }
    let mut select = connection
        .prepare("SELECT group_id, seq FROM waiting")
        .unwrap();
    let mut rows = select.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let place: (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        std::hint::black_box(place);
    }
    read_each(&connection, |headers, payload| {
        let digest = Sha256::new().chain_update(headers).chain_update(payload);
        std::hint::black_box(digest.finalize());
    })
}

/// Returns when the first and the last message were stored.
pub fn span(path: &Path) -> (Duration, Duration) {
    let row = open(path).query_row("SELECT min(time), max(time) FROM messages", [], |row| {
        Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?))
    });
    let (first, last) = row.unwrap();
    (Duration::from_nanos(first), Duration::from_nanos(last))
}
