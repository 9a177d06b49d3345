//! Edits that are being made: which dead letters are archived, and which take their place.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::{moment, name, put, read, remove};
use crate::transport::{
    DeadLetterId, ErrorKind, NoteName, Result as Answer, Transport, TransportError,
};

const EDITS: &str = "edit";

/// An edit of which nothing was noted for longer was interrupted.
const LONGEST: Duration = Duration::from_mins(2);

/// The edits that ended, for lineage; only the last ones are kept.
const DONE: &str = "edited";

/// How many notes of edits that ended are kept: each has at most a page of dead letters.
const MOST: usize = 100;

/// An edit at work: while it is noted, no job begins.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::runtime::triage) struct PendingEdit {
    /// Originals and the edited dead letters that take their places, of the page that is being stored.
    pub(in crate::runtime::triage) pairs: Vec<(DeadLetterId, DeadLetterId)>,
    pub(in crate::runtime::triage) who: String,
    #[serde(with = "crate::transport::stamp")]
    pub(in crate::runtime::triage) started: SystemTime,
}

impl PendingEdit {
    /// Notes an edit before it reads the first dead letter; returns the name of the note.
    pub(in crate::runtime::triage) async fn begin(
        transport: &dyn Transport,
        who: &str,
    ) -> Answer<NoteName> {
        let note = name(EDITS).child(&moment());
        Self::note(transport, &note, who, Vec::new()).await?;
        Ok(note)
    }

    /// Notes the pairs of a page before the first effect of it.
    pub(in crate::runtime::triage) async fn note(
        transport: &dyn Transport,
        note: &NoteName,
        who: &str,
        pairs: Vec<(DeadLetterId, DeadLetterId)>,
    ) -> Answer<()> {
        let pending = Self {
            pairs,
            who: who.to_owned(),
            started: SystemTime::now(),
        };
        put(transport, note, &pending).await
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

    /// Keeps the pairs of an edit that was made, so that lineage can show them.
    pub(in crate::runtime::triage) async fn keep(
        transport: &dyn Transport,
        who: &str,
        pairs: Vec<(DeadLetterId, DeadLetterId)>,
    ) -> Answer<()> {
        let notes = transport.dead_letters().notes(&name(DONE)).await?;
        let surplus = (notes.len() + 1).saturating_sub(MOST);
        for note in &notes[..surplus] {
            remove(transport, &note.name).await?;
        }
        Self::note(transport, &name(DONE).child(&moment()), who, pairs).await
    }

    /// Returns the edits that were kept, oldest first.
    pub(in crate::runtime::triage) async fn kept(transport: &dyn Transport) -> Answer<Vec<Self>> {
        let kept = read(transport, &name(DONE)).await?.into_iter();
        Ok(kept.map(|(_, edit)| edit).collect())
    }

    /// Reports whether another process may still be making it.
    pub(in crate::runtime::triage) fn may_run(&self) -> bool {
        let age = self.started.elapsed().unwrap_or_default();
        age < LONGEST
    }

    /// Returns the error of those who have to wait for it.
    pub(in crate::runtime::triage) fn held(&self, transport: &dyn Transport) -> TransportError {
        let message = format!("dead letters are being edited by {}", self.who);
        let error = TransportError::new(transport.scheme(), ErrorKind::Held, message);
        error.hint("if that was interrupted, it is undone two minutes after its last step")
    }
}
