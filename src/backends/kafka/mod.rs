//! `kafka:`, Apache Kafka: for teams whose events are there already.
//!
//! A topic is a Kafka topic. Kafka knows neither delays nor retries of one message nor dead letters, so what we add
//! stands in topics beside it: `pf.<group>.<topic>.<hash>.delay` holds a group's retries of a topic, `pf.delay` what is
//! for later, `<topic>.dlq` dead letters, `pf.state` what became of them.
//!
//! - A client of librdkafka belongs to one thread, which polls it; the rest of us talks to that thread through a desk
//!   of shared state. Nothing blocks the runtime.
//! - A consumer's position is the first offset that is not settled, with those settled behind it in the commit's
//!   metadata, so that a crash repeats only what was in flight.
//! - What waits for its time is a record in a compacted topic under a key of its own; a later record of the same key
//!   replaces it, and an empty one ends it.

mod capabilities;
mod codec;
mod connection;
mod consume;
mod dead_letter;
mod delay;
mod doctor;
mod error;
mod factory;
mod job;
mod publish;
mod read;
mod tail;
mod transport;

pub use self::factory::KafkaFactory;
