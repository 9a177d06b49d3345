//! Listing of dead letters: merged by time, without those that are resolved and without duplicates.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use async_trait::async_trait;
use rdkafka::message::BorrowedMessage;

use super::{
    decode::{DecodedLetter, LetterDecoder},
    resolved::{self, RecentIds, ResolvedLetters},
    state_topic::TriageState,
};
use crate::{
    backends::kafka::{
        codec::topic_partition::OffsetRange,
        connection::handle::{self, Connection},
        error::error,
        read::{
            merged_scan::{self, MergedScan},
            offset_fetcher::OffsetFetcher,
            open_transactions,
        },
    },
    event::{Pattern, Topic},
    transport::{DeadLetter, DeadLetterScan, ErrorKind, LetterPage, Result, Selection},
};

/// Opens a scan of the letters that exist now.
pub(crate) async fn scan(
    connection: &Arc<Connection>,
    selection: &Selection,
) -> Result<Box<dyn DeadLetterScan>> {
    Ok(Box::new(Scan::open(connection, selection).await?))
}

/// A scan of the letters that existed when it began.
struct Scan {
    connection: Arc<Connection>,
    merge: MergedScan<Option<Box<DecodedLetter>>>,
    fetcher: Arc<OffsetFetcher>,
    resolved: ResolvedLetters,
    seen: RecentIds,
    /// Letters that were not looked at yet.
    pending: VecDeque<Box<DecodedLetter>>,
}

impl Scan {
    async fn open(connection: &Arc<Connection>, selection: &Selection) -> Result<Self> {
        let ranges = ranges(
            connection,
            &dead_letter_topics(connection, selection).await?,
        )
        .await?;
        let mut decoder = LetterDecoder::new(connection).await?;
        let decode = move |topic: &Arc<str>, record: &BorrowedMessage<'_>| {
            let found = decoder.decode(merged_scan::copy(topic, record));
            found.map(Box::new)
        };
        let merge = MergedScan::open(connection, ranges, decode)?;
        // Read after the ends of the ranges, so that a letter that is resolved meanwhile is left out rather than shown.
        let state = TriageState::read(connection).await?;
        Ok(Self {
            merge,
            fetcher: Arc::new(OffsetFetcher::new(&connection.config)),
            resolved: state.resolved,
            seen: RecentIds::default(),
            pending: VecDeque::new(),
            connection: Arc::clone(connection),
        })
    }

    /// Returns a letter with its message, unless it is resolved or was returned before.
    async fn load(&mut self, mut found: DecodedLetter) -> Result<Option<DeadLetter>> {
        let id = resolved::compact_id(&found.letter.id);
        if self.resolved.contains(id, found.place()) || !self.seen.is_new(id) {
            return Ok(None);
        }
        if found.reference.is_some() {
            let (names, fetcher) = (self.connection.names().clone(), Arc::clone(&self.fetcher));
            found = handle::blocking(move || {
                found.load_original(&names, &fetcher)?;
                Ok(found)
            })
            .await?;
        }
        Ok(Some(found.letter))
    }
}

/// Returns the dead-letter topics that may hold the selected letters. Other programs may store the letters of several
/// topics in one, which need not be named after a topic that exists.
pub(crate) async fn dead_letter_topics(
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
    for named in connection.names().named_dead_letters() {
        if all.iter().all(|(name, _)| name != named) {
            let message = format!("there is no topic `{named}`, which was to hold dead letters");
            return Err(error(ErrorKind::NotFound, message));
        }
    }
    let mut stores = all;
    stores.retain(|(name, _)| {
        let names = connection.names();
        let Some(origin) = names.origin_of(name) else {
            return names.dead_letter_store(name).is_some();
        };
        selection.topics.is_empty()
            || !topics.contains(&origin)
            || patterns.iter().any(|pattern| pattern.matches(&origin))
    });
    Ok(stores)
}

pub(crate) async fn ranges(
    connection: &Arc<Connection>,
    stores: &[(String, i32)],
) -> Result<Vec<OffsetRange>> {
    let parts = stores.iter();
    let parts = parts.flat_map(|(name, count)| (0..*count).map(|part| (name.clone(), part)));
    open_transactions::note(connection, parts.collect()).await
}

#[async_trait]
impl DeadLetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let mut page = LetterPage::new(max);
        while !page.is_full() {
            let Some(found) = self.pending.pop_front() else {
                if !page.is_empty() {
                    break;
                }
                match self.merge.next().await? {
                    Some(found) => self.pending.extend(found.into_iter().flatten()),
                    None => break,
                }
                continue;
            };
            if let Some(letter) = self.load(*found).await? {
                page.push(letter);
            }
        }
        Ok(page.finish())
    }
}
