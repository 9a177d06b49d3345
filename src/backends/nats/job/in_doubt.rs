//! What nobody knows the outcome of: letters that were being replayed when a worker went down.

use std::{collections::HashSet, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::job::lifecycle::Entry,
    event::{from_unix_millis, unix_millis},
    transport::LetterId,
};

/// Letters that are being replayed one by one, and may have been when the worker went down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Doubt {
    pending: Vec<Entry>,
    /// When that was announced, in milliseconds since the epoch, if it was before this was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
}

impl Doubt {
    pub(crate) fn is_none(&self) -> bool {
        self.pending.is_empty()
    }

    /// Reports whether it is about a letter.
    pub(crate) fn holds(&self, id: &LetterId) -> bool {
        self.pending.iter().any(|entry| entry.0 == *id)
    }

    /// Returns when that was announced, if it was before this was written.
    pub(crate) fn announced(&self) -> Option<SystemTime> {
        self.since.map(from_unix_millis)
    }

    /// Announces what is replayed one by one from now on.
    pub(crate) fn announce(pending: Vec<Entry>) -> Self {
        Self {
            pending,
            since: None,
        }
    }

    /// Takes back what was dealt with; what is left of it had been announced at a time.
    pub(crate) fn conclude<'a>(
        &mut self,
        dealt_with: impl Iterator<Item = &'a Entry>,
        announced: SystemTime,
    ) {
        if self.is_none() {
            return;
        }
        let dealt_with: HashSet<&LetterId> = dealt_with.map(|entry| &entry.0).collect();
        self.pending.retain(|entry| !dealt_with.contains(&entry.0));
        // What is written now is younger than what it tells of.
        self.since = (!self.is_none()).then(|| unix_millis(announced));
    }
}
