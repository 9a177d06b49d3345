//! `pf` against brokers that die, partitions that move and topics that are compacted; each test ends with what was lost
//! and what was doubled, counted by a client of its own.
#![cfg(all(feature = "cli", feature = "conformance", feature = "kafka"))]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod compaction;
mod consume;
mod group;
mod many_topics;
mod owners;
mod pending;
mod publish;
#[expect(dead_code, reason = "other tests ask more")]
#[path = "../kafka/raw.rs"]
mod raw;
mod replay;
mod schedules;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../kafka/server.rs"]
mod server;
#[path = "../kafka/settled.rs"]
mod settled;
mod world;
