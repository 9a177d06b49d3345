//! Marks of handled events: a topic of each action, which every member of its groups writes to and reads into memory.
//!
//! - **The order of the one partition decides.** Each member applies the same changes in the same order, so all agree which of
//!   two beginnings came first; who begins a run reads its own record before it runs.
//! - **The mark comes before the offset.** A crash in between leaves a mark, and the message comes again as its own
//!   duplicate. A transaction of both would repeat the run instead, and what a crash leaves open would hold up the readers of
//!   the topic. For the same reason no former owner of a partition has to be fenced: what it marks too late is an event
//!   whose offset it cannot commit, which its successor gets too.
//! - **A lookup reads to the end first.** What other members have marked by then is known, also of a partition that was theirs.
//! - **The topic is not compacted.** Nearly every event has one record, and of two beginnings compaction would keep the one
//!   that came too late. Records are deleted some time after the window.

mod change;
mod log;
mod pending;
pub(crate) mod store;
mod topic;
