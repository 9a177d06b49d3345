//! The state of a replay or purge job.

use std::time::SystemTime;

use crate::transport::{JobAction, LetterId};

/// A job that has not ended.
#[derive(Debug)]
pub(super) struct JobState {
    pub(super) action: JobAction,
    pub(super) selection: String,
    pub(super) letters: Vec<LetterId>,
    /// How many of them are resolved.
    pub(super) resolved: usize,
    pub(super) created: SystemTime,
    pub(super) started: bool,
    pub(super) lease: Option<Lease>,
}

/// The lease of a job.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) holder: String,
    pub(super) token: u64,
    pub(super) until: SystemTime,
}

impl JobState {
    /// Returns the lease unless it has ended.
    pub(super) fn live(&self, now: SystemTime) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }
}
