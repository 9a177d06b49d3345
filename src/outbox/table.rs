//! What a relay and an operator ask of a database.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::row::{OutboxRow, OutboxStatus, RowFilter};
use crate::transport::{Finding, Result};

/// The columns that this program reads and writes.
pub(super) const COLUMNS: [&str; 10] = [
    "id",
    "topic",
    "key",
    "event",
    "due",
    "created_at",
    "sent_at",
    "parked_at",
    "attempts",
    "error",
];

/// A part of an outbox that one relay works on: the keys of which the hash leaves this remainder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shard {
    pub(super) number: i32,
    pub(super) of: i32,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-of-{}", self.number, self.of)
    }
}

/// The right to relay a shard. Its fencing number grows with each holder.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    pub(super) shard: Shard,
    pub(super) fence: i64,
    pub(super) length: Duration,
}

/// A row to be published.
#[derive(Debug, Clone)]
pub(super) struct PendingRow {
    pub(super) id: i64,
    pub(super) topic: String,
    pub(super) key: Option<String>,
    pub(super) event: String,
    /// When it became due, if it was delayed.
    pub(super) due: Option<SystemTime>,
}

/// Which rows to claim.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    #[cfg_attr(
        not(feature = "outbox-postgres"),
        expect(dead_code, reason = "an SQLite database has one shard")
    )]
    pub(super) shard: Shard,
    /// Only rows with a higher identifier, or delayed ones.
    pub(super) above: i64,
    pub(super) limit: i64,
    /// No rows of these keys, ...
    pub(super) without_keys: Vec<String>,
    /// ... and none of these.
    pub(super) without_rows: Vec<i64>,
}

/// The transactions that are in progress: identifiers of rows are given out before their transactions commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Horizon {
    /// Every transaction with a lower number has ended.
    pub(super) oldest: i64,
    /// The number of the next transaction.
    pub(super) next: i64,
}

/// The progress of a relay, stored with its lease.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress<'a> {
    /// Rows that were published.
    pub(super) sent: &'a [i64],
    /// Keeps the rows, marked as sent, instead of deleting them.
    pub(super) keep: bool,
    /// Rows per second.
    pub(super) rate: f64,
}

/// One step of cleaning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cleaned {
    pub(super) deleted: u64,
    /// Where the next step continues, if there is something left.
    pub(super) next: Option<i64>,
}

/// The tables of an outbox in a database. Each call is one short transaction, or none.
#[async_trait]
pub(super) trait Table: fmt::Debug + Send + Sync {
    /// Returns the tables and functions as SQL, with the rights of a writer and a relay.
    fn ddl(&self) -> String;

    /// Creates what is missing; returns whether something was.
    async fn create(&self) -> Result<bool>;

    /// Checks that the tables exist and are of this version, and that a relay may use them. Returns the outbox's own name.
    async fn identify(&self, relays: bool) -> Result<String>;

    /// Takes the lease of a shard if it is free; otherwise returns its holder.
    async fn lease(
        &self,
        shard: Shard,
        holder: &str,
        length: Duration,
    ) -> Result<std::result::Result<Lease, String>>;

    /// Takes over the shards of other divisions, of which no relay is left. [`ErrorKind::Held`](crate::transport::ErrorKind)
    /// if there is one after all.
    async fn former_shards(&self, now: Shard) -> Result<Vec<Lease>>;

    /// Retires a shard of another division. Its fencing number is kept, for the case that the division comes back.
    async fn retire(&self, lease: &Lease) -> Result<()>;

    /// Extends the lease; returns whether it is still held.
    async fn renew(&self, lease: &Lease, rate: f64) -> Result<bool>;

    /// Ends the lease.
    async fn release(&self, lease: &Lease) -> Result<()>;

    /// Reads rows to be published: delayed ones that are due first, then by identifier.
    async fn claim(&self, claim: &Claim) -> Result<Vec<PendingRow>>;

    /// Returns those of the rows that were not published, with their events.
    async fn unsent(&self, ids: &[i64]) -> Result<Vec<(i64, String)>>;

    /// Returns which transactions are in progress.
    async fn horizon(&self) -> Result<Horizon>;

    /// Deletes or marks rows and extends the lease, in one transaction; returns whether the lease is still held.
    async fn settle(&self, lease: &Lease, progress: Progress<'_>) -> Result<bool>;

    /// Stores why a row was refused.
    async fn refuse(&self, id: i64, error: &str, park: bool) -> Result<()>;

    /// Returns those of the rows that are still marked as refused, and not parked.
    async fn refused(&self, ids: &[i64]) -> Result<Vec<i64>>;

    /// Deletes rows that were published before this time ago, at most `limit`, with identifiers above one.
    async fn clean(&self, age: Duration, above: i64, limit: i64) -> Result<Cleaned>;

    /// Waits until something may have changed, for at most this long.
    async fn wait(&self, limit: Duration);

    /// Lists rows with identifiers above one.
    async fn list(&self, filter: RowFilter, above: i64, limit: i64) -> Result<Vec<OutboxRow>>;

    /// Returns a row.
    async fn show(&self, id: i64) -> Result<Option<OutboxRow>>;

    /// Lets a refused or parked row be published; returns whether it was one.
    async fn unblock(&self, id: i64) -> Result<bool>;

    /// Parks a row that was not published; returns whether it is.
    async fn park(&self, id: i64) -> Result<bool>;

    /// Checks what is around the tables: rights, the connection, vacuum.
    async fn surroundings(&self) -> Result<Vec<Finding>>;

    /// Returns the state of the outbox.
    async fn status(&self) -> Result<OutboxStatus>;
}

/// The columns of an inbox.
pub(super) const INBOX_COLUMNS: [&str; 2] = ["key", "at"];

/// The table of an inbox in a database. Each call is one short transaction, or none.
#[async_trait]
pub(super) trait InboxTable: fmt::Debug + Send + Sync {
    /// Returns the table as SQL, with the rights of a handler.
    fn ddl(&self) -> String;

    /// Creates the table unless it exists; returns whether it did not.
    async fn create(&self) -> Result<bool>;

    /// Deletes at most `limit` keys that were entered before this time ago; returns how many.
    async fn clean(&self, age: Duration, limit: i64) -> Result<u64>;
}
