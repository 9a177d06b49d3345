//! A dead letter as a job knows it.

use serde::{Deserialize, Serialize};

use crate::transport::{DeadLetter, DeadLetterId};

/// The id of a dead letter and its sequence in the dead-letter stream; 0 if it is not stored there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(DeadLetterId, u64)", into = "(DeadLetterId, u64)")]
pub(crate) struct JobEntry {
    pub(crate) id: DeadLetterId,
    pub(crate) sequence: u64,
}

impl From<(DeadLetterId, u64)> for JobEntry {
    fn from((id, sequence): (DeadLetterId, u64)) -> Self {
        Self { id, sequence }
    }
}

impl From<JobEntry> for (DeadLetterId, u64) {
    fn from(entry: JobEntry) -> Self {
        (entry.id, entry.sequence)
    }
}

impl From<&DeadLetter> for JobEntry {
    fn from(letter: &DeadLetter) -> Self {
        let at = letter.at.as_ref().and_then(|at| at.as_str().parse().ok());
        Self {
            id: letter.id.clone(),
            sequence: at.unwrap_or(0),
        }
    }
}
