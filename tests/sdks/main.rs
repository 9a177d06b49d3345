//! The official CloudEvents SDKs for Go, Python and JavaScript as handlers: each accepts every event that it is given, and
//! sees in it what its publisher put in and what belongs to the delivery.
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

mod brokers;
mod cases;
mod sdk;
mod sqlite;
