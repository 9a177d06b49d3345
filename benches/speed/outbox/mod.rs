//! Outboxes in PostgreSQL beside the same rows, read and published by hand.

pub mod enqueue;
pub mod relay;
mod setup;
pub mod wake;
