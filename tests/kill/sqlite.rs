//! The embedded store, read with SQL.

use std::path::PathBuf;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::judge::{Holdings, InHand, Judge, id};

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
