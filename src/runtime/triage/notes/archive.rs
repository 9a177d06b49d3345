//! The archive: dead letters that are left out of every listing but its own, until they are restored.
//!
//! A dead letter stays where it is; notes say which ids are archived. Each note adds ids or takes ids out, and they count in
//! the order of their names, which is that of time: two operators never overwrite each other.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{moment, name, put, read, remove};
use crate::transport::{
    DeadLetterId, ErrorKind, JobId, Note, NoteName, Result as Answer, Transport, TransportError,
};

const ARCHIVE: &str = "archive";

/// Ids in one note.
const PER_NOTE: usize = 5_000;

/// The most dead letters that may be archived, which bounds the memory of every command.
const MOST: u64 = 1_000_000;

/// A change of the archive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Change {
    Add(Vec<DeadLetterId>),
    Remove(Vec<DeadLetterId>),
}

/// The ids that are archived.
#[derive(Debug, Default)]
pub(in crate::runtime::triage) struct Archived {
    ids: HashSet<DeadLetterId>,
    notes: Vec<NoteName>,
}

impl Archived {
    /// Reads them.
    pub(in crate::runtime::triage) async fn read(transport: &dyn Transport) -> Answer<Self> {
        Self::read_without(transport, None).await
    }

    /// Reads them, without the originals that a job that edits has archived.
    pub(in crate::runtime::triage) async fn read_without(
        transport: &dyn Transport,
        job: Option<&JobId>,
    ) -> Answer<Self> {
        let own = job.map(suffix);
        let is_own = |name: &NoteName| {
            let own = own.as_ref();
            own.is_some_and(|own| name.as_str().ends_with(own.as_str()))
        };
        let mut archived = Self::default();
        let mut changes: Vec<(NoteName, Change)> = read(transport, &name(ARCHIVE)).await?;
        changes.retain(|(name, _)| !is_own(name));
        for (name, change) in changes {
            match change {
                Change::Add(ids) => archived.ids.extend(ids),
                Change::Remove(ids) => archived.forget(&ids),
            }
            archived.notes.push(name);
        }
        Ok(archived)
    }

    /// Returns the note with which a job archives the originals of what it has edited.
    pub(in crate::runtime::triage) fn note_of_job(job: &JobId, ids: &[DeadLetterId]) -> Note {
        let name = name(ARCHIVE).child(&format!("{}{}", moment(), suffix(job)));
        // Ids cannot fail to serialise.
        let value = serde_json::to_string(&Change::Add(ids.to_vec())).unwrap_or_default();
        Note { name, value }
    }

    /// Fails if there is no room for this many more.
    pub(in crate::runtime::triage) fn check_room(
        &self,
        more: u64,
        scheme: &'static str,
    ) -> Answer<()> {
        if self.ids.len() as u64 + more <= MOST {
            return Ok(());
        }
        let message = format!("more than {MOST} dead letters would be archived");
        let error = TransportError::new(scheme, ErrorKind::Invalid, message);
        Err(error.hint("purge some of them first: pf dlq purge --archived"))
    }

    /// Reports whether nothing is archived.
    pub(in crate::runtime::triage) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Reports whether a dead letter is archived.
    pub(in crate::runtime::triage) fn contains(&self, id: &DeadLetterId) -> bool {
        self.ids.contains(id)
    }

    /// Returns the ids that are archived and not among these.
    pub(in crate::runtime::triage) fn others(
        &self,
        ids: &HashSet<DeadLetterId>,
    ) -> Vec<DeadLetterId> {
        let others = self.ids.iter().filter(|id| !ids.contains(*id));
        others.cloned().collect()
    }

    /// Archives dead letters.
    pub(in crate::runtime::triage) async fn add(
        &mut self,
        transport: &dyn Transport,
        ids: &[DeadLetterId],
    ) -> Answer<()> {
        self.check_room(ids.len() as u64, transport.scheme())?;
        for ids in ids.chunks(PER_NOTE) {
            self.store(transport, Change::Add(ids.to_vec())).await?;
            self.ids.extend(ids.iter().cloned());
        }
        Ok(())
    }

    /// Takes dead letters out of the archive.
    pub(in crate::runtime::triage) async fn remove(
        &mut self,
        transport: &dyn Transport,
        ids: &[DeadLetterId],
    ) -> Answer<()> {
        for ids in ids.chunks(PER_NOTE) {
            self.store(transport, Change::Remove(ids.to_vec())).await?;
            self.forget(ids);
        }
        if self.ids.is_empty() {
            // Only those that were read or written here: what another operator archives meanwhile has a note of its own.
            for name in std::mem::take(&mut self.notes) {
                remove(transport, &name).await?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, ids: &[DeadLetterId]) {
        for id in ids {
            self.ids.remove(id);
        }
    }

    async fn store(&mut self, transport: &dyn Transport, change: Change) -> Answer<()> {
        let name = name(ARCHIVE).child(&moment());
        put(transport, &name, &change).await?;
        self.notes.push(name);
        Ok(())
    }
}

/// Returns how the names of the notes of a job end.
fn suffix(job: &JobId) -> String {
    let name = name(ARCHIVE).child(&job.0);
    name.as_str().replacen(ARCHIVE, "", 1).replace('.', "-")
}
