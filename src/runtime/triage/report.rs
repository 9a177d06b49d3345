//! The counts of a job.

use crate::transport::Resolution;

/// What a job did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct JobReport {
    /// Replayed or purged.
    pub done: u64,
    /// Dealt with by somebody else before.
    pub gone: u64,
    /// Still dead letters.
    pub failed: u64,
    /// Dealt with or not: nobody knows.
    pub ambiguous: u64,
    /// Whether every letter of the plan was dealt with.
    pub complete: bool,
}

impl JobReport {
    pub(super) fn add(&mut self, resolution: &Resolution) {
        *match resolution {
            Resolution::Done => &mut self.done,
            Resolution::Gone => &mut self.gone,
            Resolution::Failed { .. } => &mut self.failed,
            Resolution::Ambiguous { .. } => &mut self.ambiguous,
        } += 1;
    }
}
