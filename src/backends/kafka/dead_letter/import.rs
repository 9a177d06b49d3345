//! Dead letters from elsewhere, stored unless they exist.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, stream};

use super::{
    resolved::{self, ResolvedLetters},
    scan,
    state_topic::{self, TriageState},
    stats, store, topics,
};
use crate::{
    backends::kafka::{
        codec::{record, topic_partition::OffsetRange},
        connection::handle::Connection,
        error::error,
    },
    event::Topic,
    transport::{DeadLetter, ErrorKind, Limits, Result, Selection},
};

/// How many letters are stored at the same time.
const AT_ONCE: usize = 1000;
/// How long ids are kept in memory.
const LASTS: Duration = Duration::from_secs(30);

/// Stores letters unless one with the same id exists: one result each, in order.
pub(crate) async fn import(
    connection: &Arc<Connection>,
    known: &KnownIds,
    letters: Vec<DeadLetter>,
) -> Vec<Result<bool>> {
    let count = letters.len();
    match import_new(connection, known, letters).await {
        Ok(results) => results,
        Err(failed) => failed.for_each(count),
    }
}

async fn import_new(
    connection: &Arc<Connection>,
    known: &KnownIds,
    letters: Vec<DeadLetter>,
) -> Result<Vec<Result<bool>>> {
    let mut topics: HashSet<Topic> = HashSet::new();
    for letter in &letters {
        topics.insert(letter.record.origin.topic.clone());
    }
    let ranges = make_places(connection, topics).await?;
    let state = TriageState::read(connection).await?;
    let mut known = known.0.lock().await;
    known.read_on(connection, ranges, &state.resolved).await?;
    let mut taken = HashSet::new();
    let tasks = letters.into_iter().map(|letter| {
        let id = resolved::compact_id(&letter.id);
        let was_dealt_with = state.resolved.has(id);
        let is_new = taken.insert(id) && (was_dealt_with || !known.ids.contains(&id));
        let connection = Arc::clone(connection);
        async move {
            if is_new {
                import_one(&connection, &letter, was_dealt_with).await?;
            }
            Ok(is_new)
        }
    });
    let tasks: Vec<_> = tasks.collect();
    drop(known);
    Ok(stream::iter(tasks).buffered(AT_ONCE).collect().await)
}

/// The ids of the letters that were read to import others. An import comes in parts, and each reads only what was stored
/// since the last.
#[derive(Debug, Default)]
pub(crate) struct KnownIds(tokio::sync::Mutex<ReadIds>);

#[derive(Debug, Default)]
struct ReadIds {
    ids: HashSet<u64>,
    /// How far each partition was read.
    read: HashMap<(String, i32), ReadUntil>,
    /// When the first was read: after a while all are read again.
    since: Option<Instant>,
}

/// How far a partition was read.
#[derive(Debug, Clone, Copy, Default)]
struct ReadUntil {
    /// The offset behind the last record.
    next: i64,
    /// The offset of the last dead letter and its id, by which a topic that was created again is recognised.
    last: Option<(i64, u64)>,
}

/// A partition that is read on.
struct Reading {
    place: (String, i32),
    until: i64,
    /// The dead letter that is to be the first.
    expected: Option<(i64, u64)>,
    last: Option<(i64, u64)>,
}

impl ReadIds {
    async fn read_on(
        &mut self,
        connection: &Arc<Connection>,
        ranges: Vec<OffsetRange>,
        resolved: &ResolvedLetters,
    ) -> Result<()> {
        let is_young = self.since.is_some_and(|since| since.elapsed() < LASTS);
        if !is_young || ranges.iter().any(|range| self.is_ahead_of(range)) {
            self.forget();
        }
        if !self.read_new(connection, ranges.clone(), resolved).await? {
            self.forget();
            self.read_new(connection, ranges, resolved).await?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        *self = Self {
            since: Some(Instant::now()),
            ..Self::default()
        };
    }

    /// Reads what is new, each partition from the last dead letter that is known; returns whether that is still there.
    async fn read_new(
        &mut self,
        connection: &Arc<Connection>,
        mut ranges: Vec<OffsetRange>,
        resolved: &ResolvedLetters,
    ) -> Result<bool> {
        let reading = ranges.iter_mut().map(|range| self.start(range));
        let mut reading: Vec<Reading> = reading.collect();
        let (ids, mut is_same) = (&mut self.ids, true);
        stats::read_ids(connection, ranges, |id, place| {
            let mut parts = reading.iter_mut();
            let part =
                parts.find(|part| part.place.1 == place.partition && part.place.0 == place.topic);
            if let Some(part) = part {
                let expected = part.expected.take();
                is_same &= expected.is_none_or(|known| known == (place.offset, id));
                part.last = Some((place.offset, id));
            }
            if !resolved.contains(id, place) {
                ids.insert(id);
            }
        })
        .await?;
        is_same &= reading.iter().all(|part| part.expected.is_none());
        for Reading {
            place, until, last, ..
        } in reading
        {
            self.read.insert(place, ReadUntil { next: until, last });
        }
        Ok(is_same)
    }

    /// Cuts a range to what is new.
    fn start(&self, range: &mut OffsetRange) -> Reading {
        let place = (range.topic.clone(), range.partition);
        let ReadUntil { next, last } = self.read.get(&place).copied().unwrap_or_default();
        let until = range.until.unwrap_or(range.from);
        let expected = last.filter(|_| next < until);
        range.from = range.from.max(expected.map_or(next, |(offset, _)| offset));
        Reading {
            place,
            until,
            expected,
            last,
        }
    }

    fn is_ahead_of(&self, range: &OffsetRange) -> bool {
        let known = self.read.get(&(range.topic.clone(), range.partition));
        known.is_some_and(|known| range.until.is_some_and(|until| known.next > until))
    }
}

async fn import_one(
    connection: &Arc<Connection>,
    letter: &DeadLetter,
    was_dealt_with: bool,
) -> Result<()> {
    record::check(&letter.message)?;
    if was_dealt_with {
        let again =
            state_topic::record(connection, state_topic::reopened_key(&letter.id), Some(&1))?;
        state_topic::write(connection, vec![again]).await?;
    }
    store::store(connection, letter).await
}

/// Creates the dead-letter topics of topics, and returns what they hold.
async fn make_places(
    connection: &Arc<Connection>,
    topics: HashSet<Topic>,
) -> Result<Vec<OffsetRange>> {
    let mut wanted = Vec::with_capacity(topics.len());
    for topic in topics {
        // A name that is not valid is reported for each of its letters.
        if let Ok(name) = connection.names().topic_name(&topic)
            && connection.names().dead_letter_topic(&topic).is_ok()
        {
            let partitions = connection.topics.partitions(&name).await?;
            let partitions = partitions.unwrap_or(connection.topics.default_partitions());
            wanted.push((topic, name, partitions));
        }
    }
    topics::create(connection, &wanted).await?;
    let topics = wanted.iter().map(|(topic, ..)| topic.as_str().to_owned());
    let selection = Selection {
        topics: topics.collect(),
        ..Selection::default()
    };
    let stores = scan::dead_letter_topics(connection, &selection).await?;
    scan::ranges(connection, &stores).await
}

/// Checks that a dead letter can be stored, and replayed to its topic.
pub(crate) fn check(connection: &Connection, letter: &DeadLetter, limits: &Limits) -> Result<()> {
    record::check(&letter.message)?;
    connection.names().topic_name(&letter.message.topic)?;
    connection
        .names()
        .dead_letter_topic(&letter.record.origin.topic)?;
    let size = store::size(letter)?;
    match limits.max_payload {
        Some(most) if size > most => {
            let message = format!("a record of it has {size} bytes, and this cluster takes {most}");
            Err(error(ErrorKind::TooLarge, message)
                .hint("raise `message.max.bytes` of the brokers"))
        }
        _ => Ok(()),
    }
}
