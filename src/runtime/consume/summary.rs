//! How a consumer is stopped, and how it ended.

use tokio_util::sync::CancellationToken;

use crate::transport::{Failure, TransportError};

/// How a consumer is stopped.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Take nothing new and finish what runs.
    pub drain: CancellationToken,
    /// End at once; what runs goes back uncounted.
    pub abort: CancellationToken,
}

/// Why a consumer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything that was there is done (`until_end`).
    Reached,
    /// The count is complete.
    Counted,
    /// The time was up first.
    TimedOut,
    /// A drain was asked for and ended.
    Drained,
    /// Stopped before the drain ended.
    Aborted,
    /// Too much failed in a bounded run.
    Broken,
}

/// What a consumer did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Handled.
    pub acked: u64,
    /// Skipped.
    pub skipped: u64,
    /// Failed runs to be tried again.
    pub retried: u64,
    /// Dead letters made.
    pub dead_lettered: u64,
    /// Given back uncounted.
    pub returned: u64,
    /// How often messages turned out to be gone before this group had handled them.
    pub gaps: u64,
    /// Why it ended; `None` while it runs.
    pub end: Option<End>,
}

impl Summary {
    /// Sums up a consumer that ended before it had joined its group.
    pub(super) fn of_nothing(end: End) -> Self {
        Self {
            end: Some(end),
            ..Self::default()
        }
    }
}

/// Why a consumer had to stop.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// The transport failed for good.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The handler cannot be run at all, or says so itself.
    #[error("the handler does not work: {}", .0.message)]
    Unusable(Failure),
    /// The first deliveries are no events; nothing was dead-lettered.
    #[error("the first {count} messages are no CloudEvents: {}", .failure.message)]
    Undecodable {
        /// How many.
        count: u32,
        /// Why the last one is none.
        failure: Failure,
    },
}
