//! Kafka beside rdkafka, and beside `kcat` where it is installed.

pub mod child;
pub mod consume;
pub mod firing;
pub mod letters;
pub mod memory;
pub mod one_shot;
pub mod publish;
mod stage;
pub mod tail;
