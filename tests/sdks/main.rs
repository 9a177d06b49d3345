//! The official CloudEvents SDKs for Go, Python and JavaScript as handlers: each accepts every event that it is given, and
//! sees in it what its publisher put in and what belongs to the delivery.
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod brokers;
mod cases;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../cli/harness.rs"]
mod harness;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../kafka/server.rs"]
mod kafka_server;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../nats/server.rs"]
mod nats_server;
#[path = "../cli/normalise.rs"]
mod normalise;
mod sdk;
mod sqlite;
