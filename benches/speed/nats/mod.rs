//! NATS `JetStream` beside async-nats, and beside the `nats` tool where it is installed.

pub mod child;
pub mod consume;
pub mod letters;
pub mod memory;
pub mod one_shot;
pub mod publish;
mod server;
mod stage;
pub mod tail;
