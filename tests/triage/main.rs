//! Triage through the public API on `memory:`.
#![expect(clippy::unwrap_used, reason = "a failed set-up should stop the test")]

#[cfg(feature = "filter")]
mod admission;
mod filters;
mod fixture;
mod job_failures;
mod jobs;
mod look;
mod verify;
