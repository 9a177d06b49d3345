//! Errors of triage.

use super::{JobReport, PolicyError};
use crate::transport::{DeadLetterId, TransportError};

/// Error of triage.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TriageError {
    /// The transport failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The observer of a plan failed.
    #[error("the plan cannot be written")]
    Observer(#[source] std::io::Error),
    /// The policy forbids it, or cannot be read.
    #[error(transparent)]
    Policy(#[from] PolicyError),
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
