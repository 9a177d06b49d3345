//! Reading the letters of a job as they are to be dealt with.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    backends::kafka::{
        codec::{record, topic_partition::TopicPartition},
        connection::{client, config::Config},
        dead_letter::{
            resolved::{self, Resolved},
            state_records::{Chunk, Entry, Known},
            store::{Found, Opener},
        },
        error::SCHEME,
        read::{offset_fetcher::OffsetFetcher, sequential::SequentialReader},
    },
    event::Position,
    transport::{ErrorKind, JobAction, JobId, LetterId, Resolution, Result},
};

/// With so many bytes of messages, no more letters are read at a time.
const BYTES: usize = 16 << 20;

/// A letter of a job, and what is to be done about it.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) id: LetterId,
    /// Kafka's name of the topic, the partition and the offset.
    place: Option<(Arc<str>, i32, i64)>,
    pub(crate) what: What,
}

/// What is to be done about a letter.
#[derive(Debug)]
pub(crate) enum What {
    Gone,
    Failed(String),
    Deal(Box<Found>),
}

impl Item {
    /// Tells what became of it once that was committed.
    pub(crate) fn outcome(&self) -> (LetterId, Resolution) {
        let outcome = match &self.what {
            What::Gone => Resolution::Gone,
            What::Failed(reason) => Resolution::Failed {
                reason: reason.clone(),
            },
            What::Deal(_) => Resolution::Done,
        };
        (self.id.clone(), outcome)
    }

    fn is_in(&self, resolved: &Resolved) -> bool {
        let contains = |(topic, partition, offset): &(Arc<str>, i32, i64)| {
            let id = resolved::number(&self.id);
            resolved.contains(id, (topic, *partition, *offset))
        };
        self.place.as_ref().is_some_and(contains)
    }
}

/// What of a letter is at hand, in bytes.
fn size(item: &Item) -> usize {
    match &item.what {
        What::Deal(found) => found.letter.message.bytes().len(),
        What::Gone | What::Failed(_) => 0,
    }
}

/// Leaves alone what was dealt with since it was read.
fn weed(items: &mut [Item], resolved: &Resolved) {
    for item in items {
        if item.is_in(resolved) {
            item.what = What::Gone;
        }
    }
}

/// Reads the letters of a job, also those that come next while others are being dealt with.
#[derive(Debug)]
pub(crate) struct Gatherer {
    config: Config,
    job: JobId,
    is_replay: bool,
    /// By the number of letters before each.
    chunks: BTreeMap<u64, Chunk>,
    trail: SequentialReader,
    opener: Opener,
    fetcher: Arc<OffsetFetcher>,
    /// Names that were read together, and how many are before them.
    chunk: Option<(u64, Vec<Entry>)>,
    /// Letters that were read already, and how many are before them.
    ahead: Option<(u64, Vec<Item>)>,
}

impl Gatherer {
    pub(crate) fn new(
        config: &Config,
        (job, action, known): (&JobId, &JobAction, &Known),
        opener: &Opener,
        fetcher: &Arc<OffsetFetcher>,
    ) -> Self {
        Self {
            config: config.clone(),
            job: job.clone(),
            is_replay: matches!(action, JobAction::Replay { .. }),
            chunks: known.chunks.clone(),
            trail: SequentialReader::default(),
            opener: opener.clone(),
            fetcher: Arc::clone(fetcher),
            chunk: None,
            ahead: None,
        }
    }

    /// Returns letters behind so many. Blocks.
    pub(crate) fn next(
        &mut self,
        through: u64,
        max: usize,
        resolved: &Resolved,
    ) -> Result<Vec<Item>> {
        let ahead = self.ahead.take().filter(|(from, _)| *from == through);
        let mut items = match ahead {
            Some((_, items)) if !items.is_empty() => items,
            _ => self.read(through, max, resolved)?,
        };
        if items.len() > max {
            let rest = items.split_off(max);
            self.ahead = Some((through + max as u64, rest));
        }
        weed(&mut items, resolved);
        Ok(items)
    }

    /// Reads letters behind so many, to have them at hand. What fails shows when they are needed. Blocks.
    pub(crate) fn look_ahead(&mut self, through: u64, max: usize, resolved: &Resolved) {
        let is_known = self.ahead.as_ref().is_some_and(|(at, _)| *at == through);
        if !is_known {
            let read = self.read(through, max, resolved);
            self.ahead = read.ok().map(|items| (through, items));
        }
    }

    /// Ends; nobody needs to wait for that.
    pub(crate) fn end(self) {
        let config = self.config.clone();
        client::close_in_background(&config, Some(self));
    }

    /// Forgets names of letters that were read with others.
    pub(crate) fn forget(&mut self) {
        self.chunk = None;
    }

    fn read(&mut self, through: u64, max: usize, resolved: &Resolved) -> Result<Vec<Item>> {
        let read = self.letters(through, max, resolved);
        if read.is_err() {
            self.trail = SequentialReader::default();
        }
        read
    }

    fn letters(&mut self, through: u64, max: usize, resolved: &Resolved) -> Result<Vec<Item>> {
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

    /// Returns the names of letters.
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

    /// Returns names as far as they stand in one record.
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

    fn look(&mut self, id: LetterId, at: Option<&Position>, resolved: &Resolved) -> Result<Item> {
        let place = at.and_then(record::parse_position);
        let place = place.map(|(topic, partition, offset)| {
            let topic: Arc<str> = format!("{}{topic}", self.config.names.prefix()).into();
            (topic, partition, offset)
        });
        let mut item = Item {
            id,
            place,
            what: What::Gone,
        };
        if let Some(place) = &item.place
            && !item.is_in(resolved)
        {
            item.what = self.find(&item.id, place)?;
        }
        Ok(item)
    }

    fn find(
        &mut self,
        id: &LetterId,
        (topic, partition, offset): &(Arc<str>, i32, i64),
    ) -> Result<What> {
        let config = &self.config;
        let read = match self.trail.read(
            config,
            &TopicPartition::new(Arc::clone(topic), *partition),
            *offset,
        ) {
            Err(failed) if failed.kind() == ErrorKind::NotFound => None,
            read => read?,
        };
        let found = read.and_then(|read| self.opener.open(read));
        let Some(mut found) = found.filter(|found| found.letter.id == *id) else {
            return Ok(What::Gone);
        };
        if self.is_replay {
            found.dereference(&config.names, &self.fetcher)?;
            if let Some(original) = &found.reference {
                let reason = format!("its message stood at {original} and is gone");
                return Ok(What::Failed(reason));
            }
        }
        Ok(What::Deal(Box::new(found)))
    }
}
