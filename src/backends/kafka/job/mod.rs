//! Replay and purge jobs on dead letters.

pub(super) mod advance;
pub(super) mod letters;
pub(super) mod lifecycle;
pub(super) mod prune;
pub(super) mod worker;
