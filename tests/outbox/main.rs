//! Transactional outboxes: what is committed is published, in the order of each key, and nothing else.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and a measurement says what it found"
)]

mod example;
mod harness;
mod keeping;
mod picky;
mod postgres;
mod refused;
mod sqlite;
mod wrapped;
