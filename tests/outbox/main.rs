//! Transactional outboxes: what is committed is published, in the order of each key, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod example;
mod harness;
mod keeping;
mod picky;
mod postgres;
mod refused;
mod sqlite;
