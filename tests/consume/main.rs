//! Publishing and consuming over the in-memory transport: what becomes of events, and how a consumer ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "a test exports nothing")]

mod attempts;
mod breaker;
mod endings;
mod flaky;
mod handled_once;
mod harness;
mod held_elsewhere;
mod naming;
mod order;
mod publishing;
mod queued_runs;
mod responses;
mod screening;
mod service;
mod transport_failures;
