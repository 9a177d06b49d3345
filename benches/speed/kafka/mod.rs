//! Kafka beside rdkafka, and beside `kcat` where it is installed.

pub mod child;
pub mod consume;
pub mod firing;
pub mod letters;
pub mod memory;
pub mod one_shot;
pub mod publish;
#[expect(
    dead_code,
    reason = "the broker of the tests, of which not everything is needed here"
)]
#[path = "../../../tests/kafka/server.rs"]
mod server;
mod stage;
pub mod tail;
