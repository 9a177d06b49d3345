//! The dead letters of purges that have not ended, by which a purge notices that some were archived since it was planned.

use super::{name, put, read, remove};
use crate::transport::{DeadLetter, DeadLetterId, JobId, NoteName, Result as Answer, Transport};

const PURGES: &str = "purge";

/// Ids in one note.
const PER_NOTE: usize = 5_000;

/// Writes the list of a purge that is being planned.
#[derive(Debug)]
pub(in crate::runtime::triage) struct PurgeListWriter {
    under: NoteName,
    notes: usize,
    ids: Vec<DeadLetterId>,
}

impl PurgeListWriter {
    pub(in crate::runtime::triage) fn new(job: &JobId) -> Self {
        Self {
            under: list_name(job),
            notes: 0,
            ids: Vec::new(),
        }
    }

    /// Adds dead letters.
    pub(in crate::runtime::triage) async fn add(
        &mut self,
        transport: &dyn Transport,
        letters: &[DeadLetter],
    ) -> Answer<()> {
        self.ids
            .extend(letters.iter().map(|letter| letter.id.clone()));
        if self.ids.len() < PER_NOTE {
            return Ok(());
        }
        self.finish(transport).await
    }

    /// Stores what was added.
    pub(in crate::runtime::triage) async fn finish(
        &mut self,
        transport: &dyn Transport,
    ) -> Answer<()> {
        let ids = std::mem::take(&mut self.ids);
        for ids in ids.chunks(PER_NOTE) {
            let name = self.under.child(&format!("{:06}", self.notes));
            self.notes += 1;
            put(transport, &name, &ids).await?;
        }
        Ok(())
    }
}

/// Reads the list of a purge; it is empty if the purge is of the archive.
pub(in crate::runtime::triage) async fn load(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<Vec<DeadLetterId>> {
    let pages = read::<Vec<DeadLetterId>>(transport, &list_name(job)).await?;
    Ok(pages.into_iter().flat_map(|(_, ids)| ids).collect())
}

/// Removes the list of a purge.
pub(in crate::runtime::triage) async fn discard(
    transport: &dyn Transport,
    job: &JobId,
) -> Answer<()> {
    for note in transport.dead_letters().notes(&list_name(job)).await? {
        remove(transport, &note.name).await?;
    }
    Ok(())
}

fn list_name(job: &JobId) -> NoteName {
    name(PURGES).child(&job.0)
}
