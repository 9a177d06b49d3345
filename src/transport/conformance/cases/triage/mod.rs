//! Triage: dead letters, replay, and the jobs that do it.

pub mod dead_letters;
pub mod jobs;
pub mod replay;
