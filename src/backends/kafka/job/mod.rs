//! Replay and purge jobs on dead letters.
//!
//! A step of a job commits the replayed messages, a receipt and the progress in one transaction, under a transactional id of
//! which each store has one. So a worker that lost its lease cannot commit anything: its successor fenced it. What remains
//! open is a commit that got no answer; `worker::InDoubt` keeps its outcomes until the state shows whether it happened.

pub(super) mod advance;
pub(super) mod letters;
pub(super) mod lifecycle;
pub(super) mod prune;
pub(super) mod replays;
pub(super) mod settled;
pub(super) mod worker;
