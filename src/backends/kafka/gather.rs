//! Reading the letters of a job as they are to be dealt with.

use std::sync::Arc;

use super::{
    bench::{Worker, no_job},
    config::Config,
    letter::Found,
    record, resolved,
    written::Entry,
};
use crate::{
    event::Position,
    transport::{ErrorKind, JobAction, LetterId, Resolution, Result},
};

/// A letter of a job, and what is to be done about it.
pub(super) struct Item {
    pub(super) id: LetterId,
    pub(super) what: What,
}

/// What is to be done about a letter.
pub(super) enum What {
    Gone,
    Failed(String),
    Deal(Box<Found>),
}

impl Item {
    /// Tells what became of it once that was committed.
    pub(super) fn outcome(&self) -> (LetterId, Resolution) {
        let outcome = match &self.what {
            What::Gone => Resolution::Gone,
            What::Failed(reason) => Resolution::Failed {
                reason: reason.clone(),
            },
            What::Deal(_) => Resolution::Done,
        };
        (self.id.clone(), outcome)
    }
}

impl Worker {
    /// Reads the next letters of the job.
    pub(super) fn gather(
        &mut self,
        config: &Config,
        state: &Arc<str>,
        max: usize,
    ) -> Result<Vec<Item>> {
        let entries = self.entries(config, state, max)?;
        let mut items = Vec::with_capacity(entries.len());
        for Entry(id, at) in entries {
            let what = match at.map(Position::new) {
                Some(at) => self.look(config, &id, &at)?,
                None => What::Gone,
            };
            items.push(Item { id, what });
        }
        Ok(items)
    }

    /// Returns the next letters, as far as they stand in one record.
    fn entries(&mut self, config: &Config, state: &Arc<str>, max: usize) -> Result<Vec<Entry>> {
        let through = self.known.through;
        let Some((start, chunk)) = self.known.chunks.range(..=through).next_back() else {
            return Ok(Vec::new());
        };
        let (start, offset) = (*start, chunk.offset);
        if through >= start + chunk.count {
            return Ok(Vec::new());
        }
        if self.chunk.as_ref().is_none_or(|(at, _)| *at != start) {
            let read = self.trail.read(config, (state, 0, offset))?;
            let payload = read.and_then(|read| read.payload);
            let entries = payload.and_then(|text| serde_json::from_slice(&text).ok());
            self.chunk = Some((start, entries.ok_or_else(|| no_job(&self.job))?));
        }
        let entries = self.chunk.iter().flat_map(|(_, entries)| entries);
        let skipped = usize::try_from(through - start).unwrap_or(usize::MAX);
        Ok(entries.skip(skipped).take(max).cloned().collect())
    }

    fn look(&mut self, config: &Config, id: &LetterId, at: &Position) -> Result<What> {
        let Some((topic, partition, offset)) = record::place(at) else {
            return Ok(What::Gone);
        };
        let topic: Arc<str> = format!("{}{topic}", config.names.prefix()).into();
        let place = (&*topic, partition, offset);
        if self.resolved.contains(resolved::number(id), place) {
            return Ok(What::Gone);
        }
        let read = match self.trail.read(config, (&topic, partition, offset)) {
            Err(failed) if failed.kind() == ErrorKind::NotFound => None,
            read => read?,
        };
        let found = read.and_then(|read| self.opener.open(read));
        let Some(mut found) = found.filter(|found| found.letter.id == *id) else {
            return Ok(What::Gone);
        };
        if matches!(self.action, JobAction::Replay { .. }) {
            found.dereference(&config.names, &self.fetcher)?;
            if let Some(original) = &found.reference {
                let reason = format!("its message stood at {original} and is gone");
                return Ok(What::Failed(reason));
            }
        }
        Ok(What::Deal(Box::new(found)))
    }
}
