//! Jobs on dead letters: replays and purges.
//!
//! | what | where |
//! |---|---|
//! | a plan: its action, then its letters in order | `pf.job.<id>`, a topic of its own, written by the process that plans |
//! | the lease, the progress, which letters are resolved | `pf.jobs`, the journal, written by the holder of the lease |
//!
//! The lease is held by the exclusive producer of the journal: the broker admits one, and fences one that was replaced. Its
//! token is the epoch that the topic had then.
//!
//! A step announces its letters in the journal, publishes them, and notes in the journal that they are resolved. After a crash
//! in between, the next holder finds them announced. Where the target recognises duplicates (deduplication of the topic), it
//! sends them again under the same producer name and numbers, their places in the plan: what is stored already is dropped by
//! the broker, so that the replay is exactly once. Elsewhere their outcome is unknown, and they are reported by id.

pub(crate) mod advance;
mod keepers;
mod letters;
pub(crate) mod lifecycle;
mod plan;
mod publishing;
pub(crate) mod replays;
mod targets;
pub(crate) mod worker;
