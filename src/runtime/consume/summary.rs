//! Stopping a consumer, and the summary that it returns.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::transport::{Failure, HeldElsewhere, TransportError};

/// Tokens that stop a consumer.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Takes nothing new and lets runs finish.
    pub drain: CancellationToken,
    /// Ends at once; the events of unfinished runs go back uncounted.
    pub abort: CancellationToken,
}

/// Reason why a consumer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Everything that was stored when it started is done (`until_end`).
    Reached,
    /// The requested number of events is done (`count`).
    Counted,
    /// The time limit passed first (`timeout`).
    TimedOut,
    /// A drain was requested and completed.
    Drained,
    /// Stopped before the drain completed.
    Aborted,
    /// The breaker opened in a bounded run.
    BreakerOpened,
}

/// Counts of a consumer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events handled and acknowledged.
    pub acked: u64,
    /// Events skipped and acknowledged.
    pub skipped: u64,
    /// Events that the filter does not match, acknowledged.
    pub filtered: u64,
    /// Copies of events that were handled before, acknowledged without a run.
    pub duplicates: u64,
    /// Marks of handled events that were forgotten before the end of their window, for want of memory: copies of these are
    /// handled again.
    pub forgotten: u64,
    /// Events that had expired; they also count as skipped or dead-lettered.
    pub expired: u64,
    /// Tombstones that were skipped; they also count as skipped.
    pub tombstones: u64,
    /// Failed runs that are retried.
    pub retried: u64,
    /// Events dead-lettered.
    pub dead_lettered: u64,
    /// Events given back without counting an attempt.
    pub returned: u64,
    /// Gaps: times when messages were removed before this group had handled them.
    pub gaps: u64,
    /// Events before the end (`until_end`) that this consumer did not handle, because other consumers of its group held them.
    pub held_elsewhere: Option<HeldElsewhere>,
    /// Reason why it ended; `None` while it runs.
    pub end: Option<End>,
}

impl Summary {
    /// Returns the summary of a consumer that ended before it joined its group.
    pub(super) fn before_joining(end: End) -> Self {
        Self {
            end: Some(end),
            ..Self::default()
        }
    }
}

/// Says what is wrong with messages that cannot be decoded: they are not events, or their data do not fit.
fn undecodable(failure: &Failure) -> &'static str {
    if failure.message.starts_with("data ") {
        "cannot be decoded"
    } else {
        "are not CloudEvents"
    }
}

/// Error that stopped a consumer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConsumeError {
    /// The transport failed and a retry cannot help.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The handler cannot run at all, or reported that itself.
    #[error("the handler cannot run: {}", .0.message)]
    Unusable(Failure),
    /// Marks of handled events would be gone before the retries of a copy are.
    #[error("the window of {} is shorter than the longest course of retries, {}", humantime::format_duration(*.window), humantime::format_duration(*.retries))]
    ShortWindow {
        /// How long marks are kept.
        window: Duration,
        /// The longest course of retries.
        retries: Duration,
    },
    /// The first messages are not CloudEvents; nothing was dead-lettered.
    #[error("the first {count} messages {}: {}", undecodable(.failure), .failure.message)]
    Undecodable {
        /// Number of messages.
        count: u32,
        /// Why the last one cannot be decoded.
        failure: Failure,
    },
}
