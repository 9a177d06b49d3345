//! What users of Kafka see: stdout, stderr and exit code together, on a broker of the tests' own.
#![cfg(all(feature = "cli", feature = "conformance", feature = "kafka"))]
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod asked;
mod bad_input;
mod bytes;
mod delays;
mod groups;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../cli/harness.rs"]
mod harness;
mod joining;
mod login;
#[path = "../cli/normalise.rs"]
mod normalise;
mod open_transactions;
mod publish;
#[expect(dead_code, reason = "other tests ask more")]
#[path = "../kafka/raw.rs"]
mod raw;
mod refused;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../kafka/server.rs"]
mod server;
mod shop;
mod starting;
mod store;
mod tail;
mod topics;
