//! Options of a relay, and what it reports.

use std::{fmt, time::Duration};

use crate::transport::TransportError;

/// Options of a relay.
#[derive(Debug, Clone)]
pub struct RelayOptions {
    /// Name of this process, shown by the state of the outbox.
    pub holder: String,
    /// How long a relay that died keeps its lease. A transaction of a relay is much shorter.
    pub lease: Duration,
    /// Rows per batch, at most: fewer of large ones, and where the target takes fewer.
    pub batch: usize,
    /// Keeps published rows for this long; otherwise they are deleted.
    pub keep: Option<Duration>,
    /// Parks a row that the target refuses for good, instead of holding up its key.
    pub park: bool,
    /// Ends when nothing is left to be published now.
    pub until_end: bool,
    /// Into how many shards the outbox is divided; each has its own relay, and keeps the order of its keys.
    pub shards: i32,
    /// How long to wait before an empty table is read again.
    pub poll: Duration,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self {
            holder: format!("process {}", std::process::id()),
            lease: Duration::from_secs(10),
            batch: 2000,
            keep: None,
            park: false,
            until_end: false,
            shards: 1,
            poll: Duration::from_millis(100),
        }
    }
}

/// What a relay reports.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RelayNotice {
    /// It holds the lease and publishes. Rows of the last batch of its predecessor that were found published.
    Leads {
        /// The shard, of how many.
        shard: (i32, i32),
        /// The fencing number.
        fence: i64,
        /// Whether each row is published exactly once.
        exactly_once: bool,
        /// Rows that the predecessor had published and not removed.
        recovered: usize,
    },
    /// Another process holds the lease.
    Waits {
        /// The shard, of how many.
        shard: (i32, i32),
        /// Who holds it.
        holder: String,
    },
    /// The lease was taken over by another process.
    Lost,
    /// The target refused a row.
    Refused {
        /// The identifier of the row.
        id: i64,
        /// Its key, which is held up unless the row is parked.
        key: Option<String>,
        /// Why.
        error: TransportError,
        /// Whether the row is parked.
        parked: bool,
    },
    /// The database or the target does not answer; the relay retries until it does.
    Outage(TransportError),
    /// Both answer.
    Recovered,
    /// Kept rows were deleted.
    Cleaned(u64),
    /// Kept rows could not be deleted; the next attempt is a minute later.
    NotCleaned(TransportError),
}

/// Receives what a relay reports.
pub trait RelayObserver: fmt::Debug + Send + Sync {
    /// Receives a notice.
    fn notice(&self, notice: RelayNotice);
}

/// What a relay has done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RelaySummary {
    /// Rows that were published.
    pub sent: u64,
    /// Rows that were refused and hold up their keys.
    pub refused: u64,
    /// Rows that were parked.
    pub parked: u64,
}
