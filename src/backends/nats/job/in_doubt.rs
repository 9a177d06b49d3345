//! Dead letters whose replay has an unknown outcome, because a worker crashed while it published them one by one.

use std::{collections::HashSet, time::SystemTime};

use serde::{Deserialize, Serialize};

use crate::{
    backends::nats::job::entry::JobEntry,
    event::{from_unix_millis, unix_millis},
    transport::{DeadLetterId, Resolution},
};

/// Dead letters that are being replayed one by one, or may have been when the worker crashed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InDoubt {
    pending: Vec<JobEntry>,
    /// When their replay was announced, in milliseconds since 1970, if that was before this was stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    /// Those that the job left as they are because nothing tells whether they were published. They are kept until it ends, so that a
    /// worker that crashes before it names them does not keep them from being named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unknown: Vec<DeadLetterId>,
}

impl InDoubt {
    /// Reports whether there are none.
    pub(crate) fn is_none(&self) -> bool {
        self.pending.is_empty()
    }

    /// Reports whether nothing has to be kept.
    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.unknown.is_empty()
    }

    /// Keeps those of which the outcome is unknown.
    pub(crate) fn keep_unknown<'a>(
        &mut self,
        outcomes: impl Iterator<Item = (&'a DeadLetterId, &'a Resolution)>,
    ) {
        let unknown =
            outcomes.filter(|(_, outcome)| matches!(outcome, Resolution::Ambiguous { .. }));
        self.unknown.extend(unknown.map(|(id, _)| id.clone()));
    }

    /// Returns those of which the job left the outcome unknown.
    pub(crate) fn unknown(&self) -> &[DeadLetterId] {
        &self.unknown
    }

    /// Reports whether a dead letter is among them.
    pub(crate) fn contains(&self, id: &DeadLetterId) -> bool {
        self.pending.iter().any(|entry| entry.id == *id)
    }

    /// Returns when their replay was announced, if that was before this was stored.
    pub(crate) fn announced(&self) -> Option<SystemTime> {
        self.since.map(from_unix_millis)
    }

    /// Announces the dead letters that are replayed one by one from now on.
    pub(crate) fn announce(&mut self, pending: Vec<JobEntry>) {
        self.pending = pending;
        self.since = None;
    }

    /// Removes resolved dead letters. The rest was announced at the given time.
    pub(crate) fn resolve<'a>(
        &mut self,
        resolved: impl Iterator<Item = &'a JobEntry>,
        announced: SystemTime,
    ) {
        if self.is_none() {
            return;
        }
        let resolved: HashSet<&DeadLetterId> = resolved.map(|entry| &entry.id).collect();
        self.pending.retain(|entry| !resolved.contains(&entry.id));
        // The record that is stored now is younger than the announcement.
        self.since = (!self.is_none()).then(|| unix_millis(announced));
    }
}
