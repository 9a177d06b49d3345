//! NATS `JetStream` beside async-nats, and beside the `nats` tool where it is installed.

pub mod child;
pub mod consume;
pub mod dead_letters;
pub mod memory;
pub mod one_shot;
pub mod publish;
pub mod setup;
pub mod tail;
