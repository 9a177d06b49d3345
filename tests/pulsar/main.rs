//! The Pulsar backend on a real broker: as a library, as users of `pf` see it, and when brokers die.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::large_futures,
    reason = "a test, and the futures of the raw client are large"
)]

mod cli;
mod faults;
mod foreign;
mod library;
mod raw;
