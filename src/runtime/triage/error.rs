//! Errors of triage.

use super::report::JobReport;
use crate::transport::{DeadLetterId, TransportError};

/// Error of triage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TriageError {
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No dead letter matches this id.
    #[error("no dead letter `{0}` in this selection")]
    Unknown(String),
    /// The id matches several dead letters.
    #[error("`{name}` matches {count} dead letters")]
    Ambiguous {
        /// The id, as given.
        name: String,
        /// Number of dead letters that it matches.
        count: u64,
        /// The first few of them.
        candidates: Vec<DeadLetterId>,
    },
    /// A job stopped before its end; it can be resumed.
    #[error("the job stopped before its end")]
    Stopped {
        /// The counts so far.
        report: Box<JobReport>,
        /// The error that stopped it.
        source: TransportError,
    },
}
