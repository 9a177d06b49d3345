//! Replay and purge jobs: plan, lease and steps, and what is left of replays.

pub(super) mod edited;
pub(super) mod lifecycle;
pub(super) mod replays;
pub(super) mod settled;
