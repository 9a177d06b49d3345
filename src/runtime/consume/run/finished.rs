//! A run that ended, before it is judged.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    runtime::Outcome,
    transport::{DeadLetterKind, Delivery, Failure},
};

/// The way in which a run ended.
pub(in crate::runtime::consume) enum RunEnd {
    /// The handler returned.
    Handled(Outcome),
    /// The handler was not called: the event is dead-lettered at once.
    GivenUp(DeadLetterKind, Failure),
    /// The handler was not called: the event is acknowledged at once.
    LeftOut(LeftOut),
}

/// Why an event is acknowledged without being handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::runtime::consume) enum LeftOut {
    /// The handler skipped it, for this reason.
    Skipped(String),
    /// It had expired; says when.
    Expired(String),
    /// It is a tombstone.
    Tombstone,
    /// The filter does not match it.
    Filtered,
    /// A copy of it was handled.
    Duplicate,
}

/// A run that ended.
pub(in crate::runtime::consume) struct FinishedRun {
    pub(in crate::runtime::consume) delivery: Delivery,
    pub(in crate::runtime::consume) end: RunEnd,
    pub(in crate::runtime::consume) max_attempts: u32,
    pub(in crate::runtime::consume) started: Instant,
    /// How long the handler took, if it was called and its run began.
    pub(in crate::runtime::consume) took: Option<Duration>,
    /// Whether an open breaker let this one through as a probe.
    pub(in crate::runtime::consume) probe: bool,
}
