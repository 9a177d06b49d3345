//! Pulsar beside the crate `pulsar`.
//!
//! Ratios above 1 have a cause: the client of the library sets `TCP_NODELAY`, acknowledges up to 1,000 entries with one
//! command, and acknowledges nothing where it only reads; the crate does none of that.

pub mod child;
pub mod consume;
pub mod dead_letters;
pub mod memory;
pub mod one_shot;
pub mod publish;
mod setup;
pub mod tail;
