//! A dead letter as a job knows it.

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::dead_letter::foreign::Place,
    transport::{DeadLetter, DeadLetterId},
};

/// The id of a dead letter and its [`Place`] as a number; 0 if it is not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(DeadLetterId, u64)", into = "(DeadLetterId, u64)")]
pub(crate) struct JobEntry {
    pub(crate) id: DeadLetterId,
    pub(crate) place: u64,
}

impl From<(DeadLetterId, u64)> for JobEntry {
    fn from((id, place): (DeadLetterId, u64)) -> Self {
        Self { id, place }
    }
}

impl From<JobEntry> for (DeadLetterId, u64) {
    fn from(entry: JobEntry) -> Self {
        (entry.id, entry.place)
    }
}

impl From<&DeadLetter> for JobEntry {
    fn from(letter: &DeadLetter) -> Self {
        let at = letter.at.as_ref().and_then(Place::number_at);
        Self {
            id: letter.id.clone(),
            place: at.unwrap_or(0),
        }
    }
}
