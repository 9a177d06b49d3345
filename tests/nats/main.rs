//! The NATS backend on real servers: as a library, as users of `pf` see it, and when servers die.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod cli;
mod faults;
mod library;
