//! The tables as a relay uses them.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep},
};
use url::Url;

use super::{
    file::{self, SCHEME, from_sqlite},
    rows::{self, list_of},
    schema,
};
use crate::{
    event::unix_millis,
    lock::Mutex,
    outbox::{
        row::{OutboxRow, OutboxStatus, RowFilter},
        table::{Claim, Cleaned, Horizon, Lease, PendingRow, Progress, Shard, Table},
    },
    transport::{ErrorKind, Finding, Result, TransportError},
};

/// How often to look whether another connection has committed: it takes some microseconds.
const LOOK: Duration = Duration::from_millis(20);

/// An outbox in SQLite.
#[derive(Debug)]
pub(in crate::outbox) struct SqliteTable {
    path: PathBuf,
    open: Arc<Mutex<Option<Connection>>>,
}

impl SqliteTable {
    /// Names the outbox of a database, without opening it.
    pub(in crate::outbox) fn new(url: &Url) -> Result<Self> {
        Ok(Self {
            path: file::path(url)?,
            open: Arc::default(),
        })
    }

    /// Runs blocking work on the database.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (open, path) = (Arc::clone(&self.open), self.path.clone());
        let worked = spawn_blocking(move || {
            let mut slot = open.lock();
            let connection = match slot.as_mut() {
                Some(connection) => connection,
                None => slot.insert(file::open(&path)?),
            };
            work(connection)
        });
        let panicked = || {
            TransportError::new(
                SCHEME,
                ErrorKind::Other,
                "the work on the database panicked",
            )
        };
        worked.await.map_err(|_| panicked())?
    }

    /// Runs a statement or several on the database.
    async fn sql<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.work(|connection| work(connection).map_err(|error| from_sqlite(connection, error)))
            .await
    }

    /// Runs statements in one short write transaction.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let written = |connection: &mut Connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        self.work(|connection| written(connection).map_err(|error| from_sqlite(connection, error)))
            .await
    }

    async fn change(&self, sql: &'static str, id: i64) -> Result<bool> {
        self.write(move |connection| Ok(connection.execute(sql, params![id, now()])? > 0))
            .await
    }
}

fn now() -> i64 {
    i64::try_from(unix_millis(SystemTime::now())).unwrap_or(i64::MAX)
}

fn later(by: Duration) -> i64 {
    now().saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

fn extend(connection: &Connection, lease: &Lease, rate: f64) -> rusqlite::Result<bool> {
    let sql = "UPDATE pf_outbox_lease SET until = ?3, rate = ?4 WHERE shard = ?1 AND fence = ?2";
    let values = params![lease.shard.number, lease.fence, later(lease.length), rate];
    Ok(connection.prepare_cached(sql)?.execute(values)? > 0)
}

#[async_trait]
impl Table for SqliteTable {
    fn ddl(&self) -> String {
        schema::print()
    }

    async fn create(&self) -> Result<bool> {
        self.work(|connection| {
            let file = connection.path().unwrap_or_default().to_owned();
            let failed = |error| file::named(&file, error);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
            let transaction = transaction.map_err(failed)?;
            if schema::identify(&transaction)?.is_some() {
                return Ok(false);
            }
            transaction
                .execute_batch(&schema::create())
                .map_err(failed)?;
            transaction.commit().map_err(failed)?;
            Ok(true)
        })
        .await
    }

    async fn identify(&self, _: bool) -> Result<String> {
        let file = self.path.display().to_string();
        self.work(move |connection| {
            let absent = || {
                let message = format!("there is no outbox in `{file}`");
                TransportError::new(SCHEME, ErrorKind::NotFound, message)
                    .hint(format!("create it: `pf outbox create --in sqlite:{file}`"))
            };
            schema::identify(connection)?.ok_or_else(absent)
        })
        .await
    }

    async fn lease(
        &self,
        shard: Shard,
        holder: &str,
        length: Duration,
    ) -> Result<std::result::Result<Lease, String>> {
        if shard.of != 1 {
            let message = "an outbox in SQLite has one shard: there is one writer at a time";
            return Err(TransportError::new(SCHEME, ErrorKind::Unsupported, message));
        }
        let holder = holder.to_owned();
        self.write(move |connection| {
            let sql = "SELECT holder FROM pf_outbox_lease WHERE shard = 0 AND until > ?1";
            let held = connection.query_row(sql, [now()], |row| row.get(0));
            if let Some(other) = held.optional()? {
                return Ok(Err(other));
            }
            let sql = "INSERT INTO pf_outbox_lease(shard, holder, fence, until) VALUES(0, ?1, 1, ?2) \
                 ON CONFLICT(shard) DO UPDATE SET holder = ?1, fence = fence + 1, until = ?2, rate = 0 \
                 RETURNING fence";
            let values = params![holder, later(length)];
            let fence = connection.query_row(sql, values, |row| row.get(0))?;
            Ok(Ok(Lease {
                shard,
                fence,
                length,
            }))
        })
        .await
    }

    async fn former_shards(&self, _: Shard) -> Result<Vec<Lease>> {
        Ok(Vec::new())
    }

    async fn retire(&self, _: &Lease) -> Result<()> {
        Ok(())
    }

    async fn renew(&self, lease: &Lease, rate: f64) -> Result<bool> {
        let lease = lease.clone();
        self.write(move |connection| extend(connection, &lease, rate))
            .await
    }

    async fn release(&self, lease: &Lease) -> Result<()> {
        let lease = Lease {
            length: Duration::ZERO,
            ..lease.clone()
        };
        self.write(move |connection| extend(connection, &lease, 0.0))
            .await?;
        Ok(())
    }

    async fn claim(&self, claim: &Claim) -> Result<Vec<PendingRow>> {
        let claim = claim.clone();
        self.sql(move |connection| rows::claim(connection, &claim, now()))
            .await
    }

    async fn unsent(&self, ids: &[i64]) -> Result<Vec<(i64, String)>> {
        let ids = list_of(ids);
        self.sql(move |connection| {
            let sql = "SELECT id, event FROM pf_outbox \
                 WHERE id IN (SELECT value FROM json_each(?1)) AND sent_at IS NULL";
            let mut select = connection.prepare_cached(sql)?;
            let rows = select.query_map([ids], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .await
    }

    /// One transaction writes at a time, so none can add a row below one that is visible.
    async fn horizon(&self) -> Result<Horizon> {
        Ok(Horizon { oldest: 1, next: 1 })
    }

    async fn settle(&self, lease: &Lease, progress: Progress<'_>) -> Result<bool> {
        let (lease, ids, rate) = (lease.clone(), list_of(progress.sent), progress.rate);
        let sql = if progress.keep {
            "UPDATE pf_outbox SET sent_at = ?2, error = NULL WHERE id IN (SELECT value FROM json_each(?1))"
        } else {
            "DELETE FROM pf_outbox WHERE ?2 AND id IN (SELECT value FROM json_each(?1))"
        };
        self.write(move |connection| {
            connection
                .prepare_cached(sql)?
                .execute(params![ids, now()])?;
            extend(connection, &lease, rate)
        })
        .await
    }

    async fn refuse(&self, id: i64, error: &str, park: bool) -> Result<()> {
        let error = error.to_owned();
        self.write(move |connection| {
            let sql = "UPDATE pf_outbox SET attempts = attempts + 1, error = ?2, \
                 parked_at = iif(?3, ?4, parked_at) WHERE id = ?1";
            connection.execute(sql, params![id, error, park, now()])
        })
        .await?;
        Ok(())
    }

    async fn refused(&self, ids: &[i64]) -> Result<Vec<i64>> {
        let ids = list_of(ids);
        self.sql(move |connection| {
            let sql = "SELECT id FROM pf_outbox WHERE id IN (SELECT value FROM json_each(?1)) \
                 AND attempts > 0 AND sent_at IS NULL AND parked_at IS NULL";
            let mut select = connection.prepare_cached(sql)?;
            let rows = select.query_map([ids], |row| row.get(0))?;
            rows.collect()
        })
        .await
    }

    async fn clean(&self, age: Duration, above: i64, limit: i64) -> Result<Cleaned> {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        self.write(move |connection| {
            rows::clean(connection, now().saturating_sub(age), (above, limit))
        })
        .await
    }

    async fn wait(&self, limit: Duration) {
        let end = Instant::now() + limit;
        let version = || {
            self.sql(|connection| {
                connection.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0))
            })
        };
        let Ok(before) = version().await else {
            return sleep(limit).await;
        };
        while Instant::now() < end {
            sleep(LOOK.min(limit)).await;
            if version().await.ok() != Some(before) {
                return;
            }
        }
    }

    async fn list(&self, filter: RowFilter, above: i64, limit: i64) -> Result<Vec<OutboxRow>> {
        self.sql(move |connection| rows::list(connection, filter, (above, limit), now()))
            .await
    }

    async fn show(&self, id: i64) -> Result<Option<OutboxRow>> {
        self.sql(move |connection| rows::show(connection, id, now()))
            .await
    }

    async fn unblock(&self, id: i64) -> Result<bool> {
        let sql = "UPDATE pf_outbox SET parked_at = NULL, attempts = 0, error = NULL \
             WHERE ?2 AND id = ?1 AND sent_at IS NULL AND (parked_at IS NOT NULL OR attempts > 0)";
        self.change(sql, id).await
    }

    async fn park(&self, id: i64) -> Result<bool> {
        let sql = "UPDATE pf_outbox SET parked_at = coalesce(parked_at, ?2) WHERE id = ?1 AND sent_at IS NULL";
        self.change(sql, id).await
    }

    /// A file has neither users nor sessions, and deleted rows are used again at once.
    async fn surroundings(&self) -> Result<Vec<Finding>> {
        Ok(Vec::new())
    }

    async fn status(&self) -> Result<OutboxStatus> {
        self.sql(|connection| rows::status(connection, now())).await
    }
}
