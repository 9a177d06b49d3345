//! Runs of the handler, and the verdict on each.

pub(super) mod breaker_watch;
mod event_overrides;
pub(super) mod failure_replies;
pub(super) mod finished;
pub(super) mod once;
pub(super) mod rehearsal;
pub(super) mod runs;
pub(super) mod screening;
pub(super) mod time_limit;
mod turns;
pub(super) mod verdict;
