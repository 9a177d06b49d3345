//! Replay and purge jobs: plan, lease, journal, and the steps that resolve dead letters.

pub(crate) mod advance;
mod entry;
mod in_doubt;
mod journal;
mod letters;
pub(crate) mod lifecycle;
pub(crate) mod plan;
mod replay;
pub(crate) mod replays;
mod reported;
pub(crate) mod session;
mod step_state;
