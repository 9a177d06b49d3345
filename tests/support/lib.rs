//! Shared by several test binaries: brokers, clients that know nothing of the library, and `pf` as a program. This package
//! does not depend on the library, so it is compiled once, beside it.

#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

pub mod canary;
pub mod dice;
pub mod harness;
pub mod hexa;
pub mod kafka;
pub mod nats;
pub mod normalise;
pub mod plant;
pub mod postgres;
pub mod process;
pub mod programs;
pub mod protobuf;
pub mod proxy;
pub mod pulsar;
pub mod request;
pub mod traces;
pub mod triage;
pub mod wait;

/// A broker of a test, by its URL.
pub trait Urls {
    /// Returns the URL that a text completes.
    fn url(&self, rest: &str) -> String;
}

/// The folder of what is built and fetched.
pub const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");
