//! Why triage cannot go on.

use super::report::JobReport;
use crate::transport::{LetterId, TransportError};

/// Why triage cannot go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TriageError {
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No letter has this name.
    #[error("no dead letter `{0}` in this selection")]
    Unknown(String),
    /// The name fits several letters.
    #[error("`{name}` matches {count} dead letters")]
    Ambiguous {
        /// The name.
        name: String,
        /// How many it fits.
        count: u64,
        /// The first of them.
        candidates: Vec<LetterId>,
    },
    /// A job had to stop in the middle; it can be resumed.
    #[error("the job stopped before its end")]
    Stopped {
        /// What it had done.
        report: Box<JobReport>,
        /// What stopped it.
        source: TransportError,
    },
}
