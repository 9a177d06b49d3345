//! Rows and the state of an outbox, as operators see them.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::transport::stamp;

/// What a row waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// To be published.
    Pending,
    /// To be published at a later time.
    Delayed,
    /// The target refused it; it holds up its key and is retried.
    Refused,
    /// The target refused it for good, or an operator parked it; it holds up nothing.
    Parked,
    /// Published, and kept for a while.
    Sent,
}

impl RowState {
    /// Returns its name.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delayed => "delayed",
            Self::Refused => "refused",
            Self::Parked => "parked",
            Self::Sent => "sent",
        }
    }
}

/// The rows to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowFilter {
    /// Those that the target refused, parked or not.
    #[default]
    Refused,
    /// Those that are parked.
    Parked,
    /// All that were not published.
    Unsent,
}

/// A row of an outbox.
#[derive(Debug, Clone, Serialize)]
pub struct OutboxRow {
    /// Its identifier, by which rows of one key are ordered.
    pub id: i64,
    /// What it waits for.
    pub state: RowState,
    /// The topic.
    pub topic: String,
    /// The key.
    pub key: Option<String>,
    /// The event, as it was inserted.
    pub event: String,
    /// When it is to be published, if not at once.
    #[serde(serialize_with = "stamp::optional::serialize")]
    pub due: Option<SystemTime>,
    /// When its transaction began.
    #[serde(serialize_with = "stamp::serialize")]
    pub created_at: SystemTime,
    /// How often the target refused it.
    pub attempts: i64,
    /// Why it was refused the last time.
    pub error: Option<String>,
}

/// Who relays a shard.
#[derive(Debug, Clone, Serialize)]
pub struct RelayStatus {
    /// The shard, counted from 0.
    pub shard: i32,
    /// Into how many shards the outbox is divided.
    pub shards: i32,
    /// The process that relays.
    pub holder: String,
    /// The number by which its predecessors are fenced.
    pub fence: i64,
    /// Whether its lease is valid.
    pub is_live: bool,
    /// Rows per second, lately.
    pub rate: f64,
}

/// A transaction that keeps vacuum from removing deleted rows.
#[derive(Debug, Clone, Serialize)]
pub struct VacuumBlocker {
    /// The process of the server.
    pub pid: i32,
    /// The user.
    pub user: String,
    /// The name that the client gave itself.
    pub application: String,
    /// Its state, as in `idle in transaction`.
    pub state: String,
    /// Its last statement.
    pub query: String,
    /// How long the transaction has been open.
    #[serde(serialize_with = "stamp::seconds::serialize")]
    pub open: Option<Duration>,
}

/// The state of an outbox.
#[derive(Debug, Clone, Serialize)]
pub struct OutboxStatus {
    /// Rows to be published now, those that were refused included.
    pub pending: i64,
    /// Rows to be published at a later time.
    pub delayed: i64,
    /// Rows that the target refused and that hold up their keys.
    pub refused: i64,
    /// Rows that are parked.
    pub parked: i64,
    /// Rows that were published and are kept.
    pub kept: i64,
    /// The age of the oldest row that is to be published now.
    #[serde(serialize_with = "stamp::seconds::serialize")]
    pub oldest: Option<Duration>,
    /// Who relays.
    pub relays: Vec<RelayStatus>,
    /// The longest transaction that keeps vacuum from removing deleted rows, if it is older than ten seconds.
    pub vacuum_blocker: Option<VacuumBlocker>,
}
