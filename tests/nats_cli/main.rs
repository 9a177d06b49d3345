//! What users of NATS see: stdout, stderr and exit code together, on servers of the tests' own.
#![cfg(all(feature = "cli", feature = "conformance", feature = "nats"))]
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod bad_input;
mod capture;
mod consume;
mod denied;
mod fit;
mod gaps;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../cli/harness.rs"]
mod harness;
mod interest;
mod interop;
mod misdirected;
#[path = "../cli/normalise.rs"]
mod normalise;
#[expect(dead_code, reason = "other tests ask more")]
#[path = "../nats/raw.rs"]
mod raw;
mod schedule;
mod security;
#[expect(dead_code, reason = "other tests need more of it")]
#[path = "../nats/server.rs"]
mod server;
mod shop;
mod store;
mod tail;
