//! The raw sides: the least work that stores and settles the same events, with the same settings and batches.

pub mod child;
pub mod kafka;
pub mod nats;
pub mod pulsar;
pub mod sqlite;

/// What a loop does with a message that it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Ack,
    Retry,
    Dead,
}
