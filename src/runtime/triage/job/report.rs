//! The counts of a job.

use crate::transport::Resolution;

/// Counts of a job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct JobReport {
    /// Dead letters replayed or purged.
    pub done: u64,
    /// Resolved elsewhere before.
    pub gone: u64,
    /// Failed; still dead letters.
    pub failed: u64,
    /// Outcome unknown.
    pub ambiguous: u64,
    /// Replayed, and dead letters again; counted only if the job stops on this.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refailed: u64,
    /// Whether the job reached the end of its plan.
    pub complete: bool,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
pub(in crate::runtime::triage) fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl JobReport {
    /// Returns the counts of two runs of a job, this one and the next.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self {
            done: self.done + next.done,
            gone: self.gone + next.gone,
            failed: self.failed + next.failed,
            ambiguous: self.ambiguous + next.ambiguous,
            refailed: self.refailed + next.refailed,
            complete: next.complete,
        }
    }

    pub(super) fn add(&mut self, resolution: &Resolution) {
        *match resolution {
            Resolution::Done => &mut self.done,
            Resolution::Gone => &mut self.gone,
            Resolution::Failed { .. } => &mut self.failed,
            Resolution::Ambiguous { .. } => &mut self.ambiguous,
        } += 1;
    }
}
