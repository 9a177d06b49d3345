//! A run that ended, before it is judged.

use tokio::time::Instant;

use crate::{
    runtime::Outcome,
    transport::{DeadLetterKind, Delivery, Failure},
};

/// The way in which a run ended.
pub(in crate::runtime::consume) enum RunEnd {
    /// The handler returned.
    Handled(Outcome),
    /// The handler was not called: the event has expired, or another consumer has given it up.
    GivenUp(DeadLetterKind, Failure),
}

/// A run that ended.
pub(in crate::runtime::consume) struct FinishedRun {
    pub(in crate::runtime::consume) delivery: Delivery,
    pub(in crate::runtime::consume) end: RunEnd,
    pub(in crate::runtime::consume) max_attempts: u32,
    pub(in crate::runtime::consume) started: Instant,
    /// Whether an open breaker let this one through as a probe.
    pub(in crate::runtime::consume) probe: bool,
}
