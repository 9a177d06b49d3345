//! The inbox in SQLite.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use rusqlite::{Connection, Error, Transaction, params};
use tokio::task::spawn_blocking;
use url::Url;

use super::file::{self, SCHEME, from_sqlite};
use crate::{
    event::{HandlingKey, unix_millis},
    outbox::table::{INBOX_COLUMNS, InboxTable},
    transport::{ErrorKind, Result, TransportError},
};

/// The table. Times are milliseconds since 1970.
const TABLE: &str = "\
CREATE TABLE pf_inbox (
    key TEXT PRIMARY KEY,
    at INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER))
) WITHOUT ROWID;
CREATE INDEX pf_inbox_at ON pf_inbox (at);
";

/// How programs in other languages enter a key.
const EXAMPLE: &str = "\
-- In your own transaction, before the effect; if no row went in, the effect was made before, and there is nothing to do:
-- INSERT INTO pf_inbox (key) VALUES (:PF_DEDUP_KEY) ON CONFLICT DO NOTHING;
";

/// Enters the key of an event in the transaction of its effect; returns whether it is new. If it is not, the effect was made
/// before.
///
/// # Errors
/// If the database refuses, or has no inbox.
pub fn enter(transaction: &Transaction<'_>, key: &HandlingKey) -> std::result::Result<bool, Error> {
    let sql = "INSERT INTO pf_inbox(key) VALUES(?1) ON CONFLICT DO NOTHING";
    let entered = transaction
        .prepare_cached(sql)?
        .execute([key.to_string()])?;
    Ok(entered > 0)
}

/// An inbox in SQLite.
#[derive(Debug)]
pub(in crate::outbox) struct SqliteInbox {
    path: PathBuf,
}

impl SqliteInbox {
    /// Names the inbox of a database, without opening it.
    pub(in crate::outbox) fn new(url: &Url) -> Result<Self> {
        Ok(Self {
            path: file::path(url)?,
        })
    }

    /// Runs blocking work on the database.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let path = self.path.clone();
        let worked = spawn_blocking(move || work(&file::open(&path)?));
        let panicked = || {
            let message = "the work on the database panicked";
            TransportError::new(SCHEME, ErrorKind::Other, message)
        };
        worked.await.map_err(|_| panicked())?
    }
}

#[async_trait]
impl InboxTable for SqliteInbox {
    fn ddl(&self) -> String {
        format!("BEGIN;\n{TABLE}COMMIT;\n\n{EXAMPLE}")
    }

    async fn create(&self) -> Result<bool> {
        self.work(|connection| {
            if exists(connection)? {
                return Ok(false);
            }
            let sql = format!("BEGIN IMMEDIATE;\n{TABLE}COMMIT;");
            let created = connection.execute_batch(&sql);
            created.map_err(|error| from_sqlite(connection, error))?;
            Ok(true)
        })
        .await
    }

    async fn clean(&self, age: Duration, limit: i64) -> Result<u64> {
        self.work(move |connection| {
            if !exists(connection)? {
                let error = TransportError::new(SCHEME, ErrorKind::NotFound, "there is no inbox");
                return Err(error.hint("create it: `pf inbox create --in URL`"));
            }
            let before = SystemTime::now().checked_sub(age);
            let before = before.unwrap_or(SystemTime::UNIX_EPOCH);
            let before = i64::try_from(unix_millis(before)).unwrap_or(i64::MAX);
            let sql = "DELETE FROM pf_inbox WHERE key IN \
                 (SELECT key FROM pf_inbox WHERE at < ?1 ORDER BY at LIMIT ?2)";
            let deleted = connection.execute(sql, params![before, limit]);
            let deleted = deleted.map_err(|error| from_sqlite(connection, error))?;
            Ok(deleted as u64)
        })
        .await
    }
}

/// Reports whether there is an inbox, and checks its shape.
fn exists(connection: &Connection) -> Result<bool> {
    let failed = |error| from_sqlite(connection, error);
    let sql = "SELECT name FROM pragma_table_info('pf_inbox')";
    let mut columns = connection.prepare(sql).map_err(failed)?;
    let found = columns.query_map([], |row| row.get::<_, String>(0));
    let found: std::result::Result<Vec<_>, _> = found.map_err(failed)?.collect();
    let found = found.map_err(failed)?;
    if found.is_empty() {
        return Ok(false);
    }
    let missing = INBOX_COLUMNS
        .iter()
        .find(|column| !found.iter().any(|name| name == *column));
    let Some(column) = missing else {
        return Ok(true);
    };
    let message =
        format!("`pf_inbox` has no column `{column}`: it is not an inbox of this program");
    let error = TransportError::new(SCHEME, ErrorKind::Configuration, message);
    Err(error.hint("rename that table, or use another file"))
}
