//! `pf` against servers that die, connections that break and streams that refuse; each test ends with what was lost and
//! what was doubled, counted by a client of its own.
#![cfg(all(feature = "cli", feature = "conformance", feature = "nats"))]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod cluster;
mod connection;
mod consume;
mod elections;
mod proxy;
mod publish;
#[expect(dead_code, reason = "other tests ask more")]
#[path = "../nats/raw.rs"]
mod raw;
mod refusals;
mod replay;
mod schedules;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../nats/server.rs"]
mod server;
mod world;
