//! The consume loop over the in-memory transport: what becomes of deliveries, and how it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(unreachable_pub, reason = "a test exports nothing")]

mod attempts;
mod endings;
mod flaky;
mod harness;
mod order;
mod responses;
mod trouble;
