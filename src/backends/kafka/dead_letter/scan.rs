//! Reading, counting and importing dead letters; jobs are in a room of their own.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

use super::{
    resolved::{self, Resolved, Seen},
    state_topic::{self, State},
    store::{self, Found, Opener},
    topics,
};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord},
            topic_partition::{OffsetRange, Watermarks},
        },
        connection::handle::{self, Connection},
        read::{
            merged_scan::{self, MergedScan},
            offset_fetcher::OffsetFetcher,
            open_transactions,
        },
    },
    event::{Pattern, Topic},
    transport::{DeadLetter, LetterScan, Result, Selection},
};

/// How many letters are stored at once.
const AT_ONCE: usize = 1000;

/// Opens a read of the letters that are there.
pub(crate) async fn scan(
    connection: &Arc<Connection>,
    selection: &Selection,
) -> Result<Box<dyn LetterScan>> {
    Ok(Box::new(Scan::open(connection, selection).await?))
}

/// An open read of the letters that were there when it began.
struct Scan {
    connection: Arc<Connection>,
    merge: MergedScan<FetchedRecord>,
    opener: Opener,
    fetcher: Arc<OffsetFetcher>,
    resolved: Resolved,
    seen: Seen,
    ready: VecDeque<DeadLetter>,
}

impl Scan {
    async fn open(connection: &Arc<Connection>, selection: &Selection) -> Result<Self> {
        let spans = spans(connection, &stores(connection, selection).await?).await?;
        // Read afterwards, so that what is dealt with meanwhile is left out rather than shown.
        let state = State::read(connection).await?;
        Ok(Self {
            merge: MergedScan::open(connection, spans, merged_scan::copy)?,
            opener: Opener::new(connection).await?,
            fetcher: Arc::new(OffsetFetcher::new(&connection.config)),
            resolved: state.resolved,
            seen: Seen::default(),
            ready: VecDeque::new(),
            connection: Arc::clone(connection),
        })
    }

    async fn show(&mut self, mut found: Found) -> Result<()> {
        let id = resolved::number(&found.letter.id);
        if self.resolved.contains(id, found.place()) || !self.seen.is_new(id) {
            return Ok(());
        }
        if found.reference.is_some() {
            let (names, fetcher) = (self.connection.names().clone(), Arc::clone(&self.fetcher));
            found = handle::blocking(move || {
                found.dereference(&names, &fetcher)?;
                Ok(found)
            })
            .await?;
        }
        self.ready.push_back(found.letter);
        Ok(())
    }
}

/// Returns the topics of dead letters that may hold what a selection means. Letters that others store may stand
/// elsewhere than with their topic.
pub(crate) async fn stores(
    connection: &Arc<Connection>,
    selection: &Selection,
) -> Result<Vec<(String, i32)>> {
    let all = connection.topics.all().await?;
    let topics: HashSet<Topic> = all
        .iter()
        .filter_map(|(name, _)| connection.names().topic(name))
        .collect();
    let patterns = selection.topics.iter();
    let patterns: Vec<Pattern> = patterns.filter_map(|text| text.parse().ok()).collect();
    let mut stores = all;
    stores.retain(|(name, _)| {
        connection.names().origin_of(name).is_some_and(|topic| {
            selection.topics.is_empty()
                || !topics.contains(&topic)
                || patterns.iter().any(|pattern| pattern.matches(&topic))
        })
    });
    Ok(stores)
}

pub(crate) async fn spans(
    connection: &Arc<Connection>,
    stores: &[(String, i32)],
) -> Result<Vec<OffsetRange>> {
    let parts = stores.iter();
    let parts = parts.flat_map(|(name, count)| (0..*count).map(|part| (name.clone(), part)));
    let parts: Vec<(String, i32)> = parts.collect();
    open_transactions::note(connection, parts.clone()).await?;
    let bounds = connection.topics.watermarks(parts.clone()).await?;
    let span = |((topic, partition), bounds): ((String, i32), Watermarks)| OffsetRange {
        topic,
        partition,
        from: bounds.low,
        until: Some(bounds.high),
    };
    Ok(parts.into_iter().zip(bounds).map(span).collect())
}

#[async_trait]
impl LetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        while self.ready.is_empty() {
            let Some(reads) = self.merge.next().await? else {
                return Ok(Vec::new());
            };
            for read in reads {
                if let Some(found) = self.opener.open(read) {
                    self.show(found).await?;
                }
            }
        }
        let count = self.ready.len().min(max.max(1));
        Ok(self.ready.drain(..count).collect())
    }
}

/// Stores letters unless one of their name is there: one result each, in order.
pub(crate) async fn import(
    connection: &Arc<Connection>,
    letters: Vec<DeadLetter>,
) -> Vec<Result<bool>> {
    let count = letters.len();
    match import_new(connection, letters).await {
        Ok(results) => results,
        Err(failed) => (0..count).map(|_| Err(failed.clone())).collect(),
    }
}

async fn import_new(
    connection: &Arc<Connection>,
    letters: Vec<DeadLetter>,
) -> Result<Vec<Result<bool>>> {
    let mut topics: HashSet<Topic> = HashSet::new();
    for letter in &letters {
        topics.insert(letter.record.origin.topic.clone());
    }
    let mut known = make_places(connection, topics).await?;
    let state = State::read(connection).await?;
    let tasks = letters.into_iter().map(|letter| {
        let id = resolved::number(&letter.id);
        let is_new = known.insert(id);
        let was_dealt_with = state.resolved.has(id);
        let connection = Arc::clone(connection);
        async move {
            if is_new {
                import_one(&connection, &letter, was_dealt_with).await?;
            }
            Ok(is_new)
        }
    });
    let tasks: Vec<_> = tasks.collect();
    Ok(stream::iter(tasks).buffered(AT_ONCE).collect().await)
}

async fn import_one(
    connection: &Arc<Connection>,
    letter: &DeadLetter,
    was_dealt_with: bool,
) -> Result<()> {
    record::check(&letter.message)?;
    if was_dealt_with {
        let again = state_topic::record(connection, state_topic::again_key(&letter.id), Some(&1))?;
        state_topic::write(connection, vec![again]).await?;
    }
    store::store(connection, letter).await
}

/// Makes the places of the letters of topics, and returns the names of those that are there.
async fn make_places(connection: &Arc<Connection>, topics: HashSet<Topic>) -> Result<HashSet<u64>> {
    let mut wanted = Vec::with_capacity(topics.len());
    for topic in topics {
        // What cannot be the name of a topic is told of each letter by itself.
        if let Ok(name) = connection.names().topic_name(&topic)
            && connection.names().dead_letter_topic(&topic).is_ok()
        {
            let partitions = connection.topics.partitions(&name).await?;
            let partitions = partitions.unwrap_or(connection.topics.default_partitions());
            wanted.push((topic, name, partitions));
        }
    }
    topics::create(connection, &wanted).await?;
    let mut known = HashSet::new();
    let topics = wanted.iter().map(|(topic, ..)| topic.as_str().to_owned());
    let selection = Selection {
        topics: topics.collect(),
        ..Selection::default()
    };
    let mut scan = Scan::open(connection, &selection).await?;
    loop {
        let letters = scan.next(500).await?;
        if letters.is_empty() {
            return Ok(known);
        }
        known.extend(letters.iter().map(|letter| resolved::number(&letter.id)));
    }
}
