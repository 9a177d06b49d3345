//! The letters of a job, read ahead while others are processed.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    backends::kafka::{
        codec::{
            record,
            topic_partition::{RecordPlace, TopicPartition},
        },
        connection::{client, config::Config},
        dead_letter::{
            decode::{DecodedLetter, LetterDecoder},
            resolved::{self, ResolvedLetters},
            state_records::{Chunk, Entry, JobState},
        },
        error::SCHEME,
        read::{offset_fetcher::OffsetFetcher, sequential::SequentialReader},
    },
    event::Position,
    transport::{DeadLetterId, ErrorKind, JobAction, JobId, ReplayEdit, Resolution, Result},
};

/// The bytes of messages after which no more letters are read at a time.
const BYTES: usize = 16 << 20;

/// A letter of a job, and what to do with it.
#[derive(Debug)]
pub(crate) struct JobItem {
    pub(crate) id: DeadLetterId,
    /// The partition that it is stored in, and its offset there.
    place: Option<(TopicPartition, i64)>,
    pub(crate) disposition: Disposition,
}

/// What to do with a letter.
#[derive(Debug)]
pub(crate) enum Disposition {
    Gone,
    Failed(String),
    Process(Box<DecodedLetter>),
}

impl JobItem {
    /// Returns its outcome once the step is committed.
    pub(crate) fn outcome(&self) -> (DeadLetterId, Resolution) {
        let outcome = match &self.disposition {
            Disposition::Gone => Resolution::Gone,
            Disposition::Failed(reason) => Resolution::Failed {
                reason: reason.clone(),
            },
            Disposition::Process(_) => Resolution::Done,
        };
        (self.id.clone(), outcome)
    }

    fn is_in(&self, resolved: &ResolvedLetters) -> bool {
        let contains = |(at, offset): &(TopicPartition, i64)| {
            let place = RecordPlace {
                topic: &at.topic,
                partition: at.partition,
                offset: *offset,
            };
            resolved.contains(resolved::compact_id(&self.id), place)
        };
        self.place.as_ref().is_some_and(contains)
    }
}

/// Returns the size of a letter in memory, in bytes.
fn size(item: &JobItem) -> usize {
    match &item.disposition {
        Disposition::Process(found) => found.letter.message.bytes().len(),
        Disposition::Gone | Disposition::Failed(_) => 0,
    }
}

/// Drops the letters that were resolved since they were read.
fn drop_resolved(items: &mut [JobItem], resolved: &ResolvedLetters) {
    for item in items {
        if item.is_in(resolved) {
            item.disposition = Disposition::Gone;
        }
    }
}

/// A job that is worked on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JobWork<'a> {
    pub(crate) job: &'a JobId,
    pub(crate) action: &'a JobAction,
    pub(crate) known: &'a JobState,
}

/// Reads the letters of a job, and prefetches the next ones.
#[derive(Debug)]
pub(crate) struct LetterReader {
    config: Config,
    job: JobId,
    is_replay: bool,
    /// The edit of the step, if the job has one.
    pub(crate) edit: Option<Arc<dyn ReplayEdit>>,
    /// By the number of letters before each.
    chunks: BTreeMap<u64, Chunk>,
    trail: SequentialReader,
    decoder: LetterDecoder,
    fetcher: Arc<OffsetFetcher>,
    /// Entries that were read together, and how many are before them.
    chunk: Option<(u64, Vec<Entry>)>,
    /// Letters that were prefetched, and how many are before them.
    ahead: Option<(u64, Vec<JobItem>)>,
}

impl LetterReader {
    pub(crate) fn new(
        config: &Config,
        work: JobWork<'_>,
        decoder: &LetterDecoder,
        fetcher: &Arc<OffsetFetcher>,
    ) -> Self {
        Self {
            config: config.clone(),
            job: work.job.clone(),
            is_replay: work.action.is_replay(),
            edit: None,
            chunks: work.known.chunks.clone(),
            trail: SequentialReader::default(),
            decoder: decoder.clone(),
            fetcher: Arc::clone(fetcher),
            chunk: None,
            ahead: None,
        }
    }

    /// Returns the letters behind the first `through`. Blocks.
    pub(crate) fn next(
        &mut self,
        through: u64,
        max: usize,
        resolved: &ResolvedLetters,
    ) -> Result<Vec<JobItem>> {
        let ahead = self.ahead.take().filter(|(from, _)| *from == through);
        let mut items = match ahead {
            Some((_, items)) if !items.is_empty() => items,
            _ => self.read(through, max, resolved)?,
        };
        if items.len() > max {
            let rest = items.split_off(max);
            self.ahead = Some((through + max as u64, rest));
        }
        drop_resolved(&mut items, resolved);
        Ok(items)
    }

    /// Prefetches the letters behind the first `through`. An error shows when they are needed. Blocks.
    pub(crate) fn prefetch(&mut self, through: u64, max: usize, resolved: &ResolvedLetters) {
        let is_known = self.ahead.as_ref().is_some_and(|(at, _)| *at == through);
        if !is_known {
            let read = self.read(through, max, resolved);
            self.ahead = read.ok().map(|items| (through, items));
        }
    }

    /// Closes its clients in the background.
    pub(crate) fn end(self) {
        let config = self.config.clone();
        client::close_in_background(&config, Some(self));
    }

    /// Forgets the entries that were read ahead.
    pub(crate) fn forget(&mut self) {
        self.chunk = None;
    }

    fn read(
        &mut self,
        through: u64,
        max: usize,
        resolved: &ResolvedLetters,
    ) -> Result<Vec<JobItem>> {
        let read = self.letters(through, max, resolved);
        if read.is_err() {
            self.trail = SequentialReader::default();
        }
        read
    }

    fn letters(
        &mut self,
        through: u64,
        max: usize,
        resolved: &ResolvedLetters,
    ) -> Result<Vec<JobItem>> {
        let state: Arc<str> = self.config.names.state_topic().into();
        let entries = self.entries(&state, through, max)?;
        let mut items = Vec::with_capacity(entries.len());
        let mut bytes = 0;
        for Entry(id, at) in entries {
            let item = self.look(id, at.map(Position::new).as_ref(), resolved)?;
            bytes += size(&item);
            items.push(item);
            if bytes >= BYTES {
                break;
            }
        }
        Ok(items)
    }

    /// Returns the entries of letters.
    fn entries(&mut self, state: &Arc<str>, mut through: u64, max: usize) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        while found.len() < max {
            let some = self.entries_of_one(state, through, max - found.len())?;
            if some.is_empty() {
                break;
            }
            through += some.len() as u64;
            found.extend(some);
        }
        Ok(found)
    }

    /// Returns entries as far as they are in one record.
    fn entries_of_one(&mut self, state: &Arc<str>, through: u64, max: usize) -> Result<Vec<Entry>> {
        let Some((start, chunk)) = self.chunks.range(..=through).next_back() else {
            return Ok(Vec::new());
        };
        let (start, offset) = (*start, chunk.offset);
        if through >= start + chunk.count {
            return Ok(Vec::new());
        }
        if self.chunk.as_ref().is_none_or(|(at, _)| *at != start) {
            let read = self.trail.read(
                &self.config,
                &TopicPartition::new(Arc::clone(state), 0),
                offset,
            )?;
            let payload = read.and_then(|read| read.payload);
            let entries = payload.and_then(|text| serde_json::from_slice(&text).ok());
            self.chunk = Some((start, entries.ok_or_else(|| self.job.unknown(SCHEME))?));
        }
        let entries = self.chunk.iter().flat_map(|(_, entries)| entries);
        let skipped = usize::try_from(through - start).unwrap_or(usize::MAX);
        Ok(entries.skip(skipped).take(max).cloned().collect())
    }

    fn look(
        &mut self,
        id: DeadLetterId,
        at: Option<&Position>,
        resolved: &ResolvedLetters,
    ) -> Result<JobItem> {
        let place = at.and_then(record::parse_position);
        let place = place.map(|parsed| {
            let topic = format!("{}{}", self.config.names.prefix(), parsed.topic);
            (TopicPartition::new(topic, parsed.partition), parsed.offset)
        });
        let mut item = JobItem {
            id,
            place,
            disposition: Disposition::Gone,
        };
        if let Some((at, offset)) = &item.place
            && !item.is_in(resolved)
        {
            item.disposition = self.find(&item.id, at, *offset)?;
        }
        Ok(item)
    }

    fn find(&mut self, id: &DeadLetterId, at: &TopicPartition, offset: i64) -> Result<Disposition> {
        let config = &self.config;
        let read = match self.trail.read(config, at, offset) {
            Err(failed) if failed.kind() == ErrorKind::NotFound => None,
            read => read?,
        };
        let found = read.and_then(|read| self.decoder.decode_planned(read));
        let Some(mut found) = found.filter(|found| found.letter.id == *id) else {
            return Ok(Disposition::Gone);
        };
        if self.is_replay {
            found.load_original(&config.names, &self.fetcher)?;
            if let Some(original) = &found.reference {
                let reason = format!("its message was stored at {original} and no longer exists");
                return Ok(Disposition::Failed(reason));
            }
        }
        if let Some(edit) = &self.edit {
            match edit.edit(&found.letter) {
                Ok(message) => found.letter.message = message,
                Err(reason) => return Ok(Disposition::Failed(reason)),
            }
        }
        Ok(Disposition::Process(Box::new(found)))
    }
}
