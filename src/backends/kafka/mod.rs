//! `kafka:`, Apache Kafka: for teams whose events are in Kafka already.
//!
//! # What is stored where
//!
//! A topic is a Kafka topic, and an event is a record of it. Kafka has neither delays, nor retries of a single message, nor
//! dead letters, so these are kept in internal topics:
//!
//! | topic | contents |
//! |---|---|
//! | `pf.delay` | delayed events of all topics, until they are due |
//! | `pf.<group>.<topic>.<hash>.delay` | retries of a group and a topic |
//! | `pf.<action>.marks` | which events an action has handled, where consumers deduplicate |
//! | `<topic>.dlq` | dead letters of a topic |
//! | `pf.state` | which dead letters are resolved, and replay and purge jobs |
//!
//! Those of delays, retries and `pf.state` are compacted: a later record of the same key replaces the earlier one, and an empty one
//! ends it. `pf.delay` and retries are separate topics because Kafka assigns the partitions of a topic to any member that
//! subscribes to it: a retry must not reach a handler of another topic.
//!
//! # Why it is built like this
//!
//! - **A client of librdkafka belongs to one thread**, which polls it; everything else talks to that thread through shared
//!   state. Its calls block, and none of them may block the runtime.
//! - **The committed offset of a group is the first unsettled one**; runs that are settled beyond it are stored in the
//!   metadata of the commit. Messages are settled in any order, and a crash repeats only those in flight.
//! - **What must not happen twice is one transaction**: firing a delayed event and ending its record, or replaying dead
//!   letters and the receipt of it. The transactional id names the task, so a new owner fences the former one.
//! - **Readers see committed records only.** An open transaction hides the records behind it, so watermarks are read in
//!   both isolation levels, and hidden records are reported.
//!
//! # Rooms
//!
//! As in every backend (see [`backends`](super)): `error`, `codec`, `connection`, `read`, `delay`,
//! `dead_letter`, `publish`, `tail`, `consume`, `doctor`, `job`, `capabilities`, `transport`, `factory`.
//! An offset is committed in `consume/offsets/commit.rs`, a retry is stored in `consume/settle.rs` and due in
//! `consume/due_retries.rs`, a delayed event fires in `delay/firing.rs`.

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
