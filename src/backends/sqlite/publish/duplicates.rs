//! Published events that a duplicate is recognised by: one row for each key, stored in the transaction of its event.
//!
//! The table is created by the first publish that needs it, so that a store without it stays readable by earlier versions.
//! A row is kept for as long as the store keeps messages (`retention`). Each publish that adds rows first deletes some that
//! are older, so that the table stays as small as the events of that time.

use rusqlite::{OptionalExtension, params};

use crate::{
    backends::sqlite::{
        codec::row, codec::timestamp, connection::session::Session, error::StoreResult,
    },
    event::DedupKey,
    transport::Receipt,
};

/// Old rows deleted by one publish.
const CHUNK: i64 = 1000;

/// The rows as a publish sees them.
pub(super) struct Duplicates {
    now: i64,
    /// Rows from before this time do not count.
    cutoff: i64,
}

impl Duplicates {
    /// Prepares the table, and deletes rows that do not count any more.
    pub(super) fn open(session: &Session, now: i64) -> StoreResult<Self> {
        session.execute(
            "CREATE TABLE IF NOT EXISTS published(\
             key BLOB PRIMARY KEY, time INTEGER NOT NULL, seq INTEGER) WITHOUT ROWID",
        )?;
        session.execute("CREATE INDEX IF NOT EXISTS published_by_time ON published(time)")?;
        let cutoff = now.saturating_sub(timestamp::nanos_of(session.config.retention));
        let sql = "DELETE FROM published WHERE key IN \
             (SELECT key FROM published WHERE time < ?1 ORDER BY time LIMIT ?2)";
        session
            .connection
            .prepare_cached(sql)?
            .execute([cutoff, CHUNK])?;
        Ok(Self { now, cutoff })
    }

    /// Returns the receipt of an event that was published before.
    pub(super) fn find(&self, session: &Session, key: &DedupKey) -> StoreResult<Option<Receipt>> {
        let sql = "SELECT seq FROM published WHERE key = ?1 AND time >= ?2";
        let mut select = session.connection.prepare_cached(sql)?;
        let values = params![key.as_bytes(), self.cutoff];
        let found: Option<Option<i64>> = select.query_row(values, |row| row.get(0)).optional()?;
        Ok(found.map(|seq| Receipt {
            position: seq.map(row::position),
            schedule: None,
            duplicate: true,
        }))
    }

    /// Notes an event that is stored at this position; a delayed one has none yet.
    pub(super) fn note(
        &self,
        session: &Session,
        key: &DedupKey,
        seq: Option<i64>,
    ) -> StoreResult<()> {
        let sql = "INSERT OR REPLACE INTO published(key, time, seq) VALUES(?1, ?2, ?3)";
        let values = params![key.as_bytes(), self.now, seq];
        session.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
