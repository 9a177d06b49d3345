//! Reading, counting and importing dead letters; jobs are in a room of their own.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use futures_util::{StreamExt as _, stream};

use crate::{
    backends::nats::{
        connection::handle::Link,
        dead_letter::store::{self as letter, Original},
        read::stream_reader::{Begin, Reader, Scope},
    },
    transport::{DeadLetter, LetterScan, Result, Selection, Stats, StatsBuilder},
};

/// How many letters are stored at once.
const AT_ONCE: usize = 256;
/// How much earlier than its death a letter may stand, as clocks differ.
const CLOCKS: Duration = Duration::from_mins(5);

/// Counts letters by what they have in common.
pub(crate) async fn stats(link: &Arc<Link>, selection: &Selection) -> Result<Stats> {
    let mut scan = Scan::open(link, selection).await?;
    let mut counts = StatsBuilder::default();
    loop {
        let letters = scan.next(500).await?;
        if letters.is_empty() {
            return Ok(counts.finish());
        }
        let meant = letters.iter().filter(|letter| selection.matches(letter));
        meant.for_each(|letter| counts.add(letter));
    }
}

/// Stores letters from elsewhere; tells of each whether it was new.
pub(crate) async fn import(link: &Arc<Link>, letters: Vec<DeadLetter>) -> Vec<Result<bool>> {
    if let Err(failed) = make_places(link).await {
        let failed = |_| {
            Err(crate::backends::nats::error::error(
                failed.kind(),
                failed.to_string(),
            ))
        };
        return letters.iter().map(failed).collect();
    }
    stream::iter(letters)
        .map(|one| async move { letter::store_surely(link, &one, Original::default()).await })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// Makes the streams beside the user's with as many replicas as that one has.
pub(crate) async fn make_places(link: &Link) -> Result<()> {
    let facts = link.find_stream(&link.names.stream).await?;
    let replicas = facts.map_or(1, |facts| facts.config.num_replicas);
    link.make_side_places(replicas).await.map(drop)
}

/// An open read of the letters that were there when it began.
pub(crate) struct Scan {
    link: Arc<Link>,
    reader: Option<Reader>,
    ready: VecDeque<DeadLetter>,
}

impl Scan {
    /// Begins to read.
    pub(crate) async fn open(link: &Arc<Link>, selection: &Selection) -> Result<Self> {
        let stream = link.names.letters();
        let is_there = link.find_stream(&stream).await?.is_some();
        let scope = Scope::once(
            stream,
            vec![link.names.letters_of(selection.group.as_ref())],
            begin(selection.since),
        );
        let reader = if is_there {
            Some(Reader::open(link, scope).await?)
        } else {
            None
        };
        Ok(Self {
            link: Arc::clone(link),
            reader,
            ready: VecDeque::new(),
        })
    }
}

/// A letter is stored when its message dies or later, so that those that died earlier need not be read.
fn begin(since: Option<SystemTime>) -> Begin {
    let since = since.filter(|since| *since < SystemTime::now());
    match since.and_then(|since| since.checked_sub(CLOCKS)) {
        Some(since) => Begin::Time(since),
        None => Begin::At(1),
    }
}

#[async_trait]
impl LetterScan for Scan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let max = max.max(1);
        // What plans and journals are made of comes in full pages: each costs the server as much as a small one.
        while self.ready.len() < max {
            let Some(reader) = &mut self.reader else {
                return Ok(Vec::new());
            };
            let arrived = reader.take(max).await?;
            if arrived.is_empty() {
                break;
            }
            for one in arrived {
                let (subject, map) = (&one.subject, one.headers.as_ref());
                let found =
                    letter::read(&self.link, subject, map, one.payload, one.stream_sequence);
                self.ready.extend(found.await?);
            }
        }
        let count = self.ready.len().min(max);
        Ok(self.ready.drain(..count).collect())
    }
}
