//! Runs of the handler, and the verdict that follows from how each ended.

mod event_overrides;
pub(super) mod runs;
mod turns;
pub(super) mod verdict;
