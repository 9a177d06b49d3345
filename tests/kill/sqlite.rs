//! The embedded store, read with SQL.

use std::path::PathBuf;

use bytes::Bytes;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::judge::{Holdings, InHand, Judge, Moved, Record, Value, id};

const ORDERS: &str =
    "FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = 'order.created'";
const RESPONSES: &str =
    "FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = 'payment.done'";

/// A store in a folder of its own.
pub struct Sqlite(TempDir);

impl Sqlite {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("events.db")
    }

    fn column<T: rusqlite::types::FromSql>(&self, query: &str) -> Vec<T> {
        let connection = Connection::open(self.path()).unwrap();
        // What nobody used has no tables yet.
        let Ok(mut statement) = connection.prepare(query) else {
            return Vec::new();
        };
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }

    fn ids(&self, query: &str) -> Vec<String> {
        let payloads = self.column::<Vec<u8>>(query);
        payloads.iter().map(|payload| id(payload)).collect()
    }

    fn count(&self, query: &str) -> u64 {
        let counts = self.column::<Option<u64>>(query);
        counts.into_iter().next().flatten().unwrap_or(0)
    }
}

/// Unpacks headers: the length and the bytes of a name, then the length of the value, one more than it is, or 0 for null.
fn unpack(mut packed: &[u8]) -> Vec<(String, Value)> {
    let mut headers = Vec::new();
    while !packed.is_empty() {
        let length = number(&mut packed);
        let name = take(&mut packed, length);
        let value = match number(&mut packed) {
            0 => None,
            length => Some(Bytes::copy_from_slice(take(&mut packed, length - 1))),
        };
        headers.push((std::str::from_utf8(name).unwrap().to_owned(), value));
    }
    headers
}

/// Reads a number of seven bits a byte, the lowest first.
fn number(packed: &mut &[u8]) -> usize {
    let mut number = 0;
    for shift in (0..).step_by(7) {
        let byte = take(packed, 1)[0];
        number |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    number
}

fn take<'a>(packed: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (taken, rest) = packed.split_at(length);
    *packed = rest;
    taken
}

impl Judge for Sqlite {
    fn url(&self) -> String {
        format!("sqlite://{}", self.path().display())
    }

    fn read(&self) -> Holdings {
        let replayed = "WHERE lineage NOT NULL ORDER BY seq";
        let letters = self.column(&format!(
            "SELECT lineage ->> 'replay_of' FROM messages {replayed}"
        ));
        let replayed = self.ids(&format!("SELECT payload FROM messages {replayed}"));
        Holdings {
            stored: self.ids(&format!("SELECT m.payload {ORDERS} AND lineage IS NULL")),
            replays: replayed.into_iter().zip(letters).collect(),
            dead: self.ids("SELECT payload FROM dead_letters"),
            responses: self.column(&format!("SELECT m.payload {RESPONSES}")),
        }
    }

    fn moved(&self, topic: &str) -> Vec<Moved> {
        let from = format!(
            "FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = '{topic}' AND lineage NOT NULL ORDER BY m.seq"
        );
        let letters = self.column(&format!("SELECT m.lineage ->> 'replay_of' {from}"));
        let payloads = self.column(&format!("SELECT m.payload {from}"));
        let moved = letters.into_iter().zip(payloads);
        moved
            .map(|(letter, payload)| Moved { letter, payload })
            .collect()
    }

    fn replayed(&self, topic: &str) -> Vec<(String, Record)> {
        let connection = Connection::open(self.path()).unwrap();
        let sql = "SELECT m.lineage ->> 'replay_of', m.key, m.headers, m.payload \
                   FROM messages m JOIN topics t ON t.id = m.topic WHERE t.name = ?1";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([topic], |row| {
            let value = |index| row.get::<_, Option<Vec<u8>>>(index);
            let record = Record {
                key: value(1)?.map(Bytes::from),
                headers: unpack(&value(2)?.unwrap_or_default()),
                payload: value(3)?.map(Bytes::from),
            };
            Ok((row.get(0)?, record))
        });
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn letters(&self) -> Vec<String> {
        self.column("SELECT id FROM dead_letters")
    }

    fn in_hand(&self) -> InHand {
        let ids = self.ids("SELECT m.payload FROM held h JOIN messages m ON m.seq = h.seq");
        InHand {
            count: ids.len() as u64,
            ids,
        }
    }

    fn to_come(&self) -> u64 {
        self.count("SELECT count(*) FROM schedules")
    }

    fn not_due(&self) -> u64 {
        self.count("SELECT count(*) FROM schedules WHERE due > 1e9 * unixepoch('subsec')")
    }

    fn progress(&self) -> (u64, u64) {
        let sum = |what: &str| self.count(&format!("SELECT sum({what}) FROM jobs WHERE token > 0"));
        (sum("resolved"), sum("planned - resolved"))
    }

    /// The store knows by itself when a process is no more.
    fn after_a_kill(&self) {}
}
