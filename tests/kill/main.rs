//! `kill -9` everywhere: at every named fail point and at random moments, judged from outside.
#![cfg(all(feature = "failpoints", feature = "cli", feature = "sqlite"))]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test"
)]

mod checker;
mod points;
mod rounds;
mod store;
