//! Edits that are being made: which dead letters are archived, and which take their place.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{moment, name, put, read, remove};
use crate::transport::{DeadLetterId, NoteName, Result as Answer, Transport};

const EDITS: &str = "edit";

/// An edit that took longer was interrupted.
const LONGEST: Duration = Duration::from_mins(2);

/// Originals and the edited dead letters that take their places.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::runtime::triage) struct PendingEdit {
    pub(in crate::runtime::triage) pairs: Vec<(DeadLetterId, DeadLetterId)>,
    pub(in crate::runtime::triage) who: String,
    #[serde(with = "crate::transport::stamp")]
    started: SystemTime,
}

impl PendingEdit {
    /// Notes an edit before its first effect; returns the name of the note.
    pub(in crate::runtime::triage) async fn note(
        transport: &dyn Transport,
        who: &str,
        pairs: Vec<(DeadLetterId, DeadLetterId)>,
    ) -> Answer<NoteName> {
        let pending = Self {
            pairs,
            who: who.to_owned(),
            started: SystemTime::now(),
        };
        let name = name(EDITS).child(&moment());
        put(transport, &name, &pending).await?;
        Ok(name)
    }

    /// Returns the edits that were noted and have not ended.
    pub(in crate::runtime::triage) async fn all(
        transport: &dyn Transport,
    ) -> Answer<Vec<(NoteName, Self)>> {
        read(transport, &name(EDITS)).await
    }

    /// Forgets an edit that has ended.
    pub(in crate::runtime::triage) async fn end(
        transport: &dyn Transport,
        name: &NoteName,
    ) -> Answer<()> {
        remove(transport, name).await
    }

    /// Reports whether another process may still be making it.
    pub(in crate::runtime::triage) fn may_run(&self) -> bool {
        let age = self.started.elapsed().unwrap_or_default();
        age < LONGEST
    }
}
