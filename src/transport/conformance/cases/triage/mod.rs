//! Triage: dead letters, replay, and the jobs that do it.

pub(crate) mod dead_letters;
pub(crate) mod jobs;
pub(crate) mod notes;
pub(crate) mod replay;
pub(crate) mod replays;
