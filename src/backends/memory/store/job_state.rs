//! The state of a replay or purge job.

use std::time::SystemTime;

use crate::transport::{DeadLetterId, JobAction};

/// A job that has not ended.
#[derive(Debug)]
pub(in crate::backends::memory) struct JobState {
    pub(in crate::backends::memory) action: JobAction,
    pub(in crate::backends::memory) selection: String,
    pub(in crate::backends::memory) letters: Vec<DeadLetterId>,
    /// How many of them are resolved.
    pub(in crate::backends::memory) resolved: usize,
    pub(in crate::backends::memory) created: SystemTime,
    pub(in crate::backends::memory) started: bool,
    pub(in crate::backends::memory) lease: Option<Lease>,
}

/// The lease of a job.
#[derive(Debug)]
pub(in crate::backends::memory) struct Lease {
    pub(in crate::backends::memory) holder: String,
    pub(in crate::backends::memory) token: u64,
    pub(in crate::backends::memory) until: SystemTime,
}

impl JobState {
    /// Returns the lease unless it has ended.
    pub(in crate::backends::memory) fn live(&self, now: SystemTime) -> Option<&Lease> {
        self.lease.as_ref().filter(|lease| lease.until > now)
    }
}
