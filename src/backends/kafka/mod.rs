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

mod admin;
mod awaken;
mod bench;
mod calendar;
mod capabilities;
mod clients;
mod commits;
mod config;
mod connection;
mod create;
mod dead_letters;
mod desk;
mod discovery;
mod doctor;
mod ears;
mod errors;
mod factory;
mod fetcher;
mod firer;
mod foreign;
mod forwarder;
mod gaps;
mod gather;
mod hidden;
mod identity;
mod jobs;
mod joining;
mod lanes;
mod last;
mod leaving;
mod legacy;
mod letter;
mod member;
mod members;
mod merge;
mod names;
mod notation;
mod owner;
mod packed;
mod part;
mod past;
mod pending;
mod poll;
mod producer;
mod prune;
mod publish;
mod pump;
mod queues;
mod reader;
mod rebalance;
mod record;
mod recreated;
mod replay;
mod rescheduling;
mod resolved;
mod resume;
mod returning;
mod room;
mod schedules;
mod settle;
mod shared;
mod shelf;
mod side_topics;
mod sources;
mod stagger;
mod standing;
mod start;
mod state;
mod stats;
mod tail;
mod targets;
mod tracker;
mod transaction;
mod transport;
mod version;
mod waiting;
mod written;

use self::errors::{SCHEME, error};
pub use self::factory::KafkaFactory;
