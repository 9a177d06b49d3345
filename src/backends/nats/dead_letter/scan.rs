//! Reading dead letters in the order in which they were stored: those of the dead-letter stream, and those of other programs
//! in subjects of the user's stream, merged by time.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    backends::nats::{
        connection::{handle::Connection, stream::info},
        dead_letter::{decode::EncodedLetter, foreign},
        read::{
            pull::Received,
            scope::{ReadScope, StartAt},
            stream_reader::StreamReader,
        },
    },
    transport::{DeadLetter, DeadLetterScan, LetterPage, Result, Selection},
};

/// How far the clocks of a client and of the server may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// An open read of the dead letters that existed when it started.
pub(crate) struct NatsLetterScan {
    connection: Arc<Connection>,
    sources: Vec<Source>,
}

/// A stream that is read.
struct Source {
    reader: StreamReader,
    /// What the ids of the dead letters of other programs are derived from, if it holds these.
    foreign_store: Option<String>,
    pending: VecDeque<Received>,
    head: Option<DeadLetter>,
    is_done: bool,
}

impl NatsLetterScan {
    /// Starts to read.
    pub(crate) async fn open(connection: &Arc<Connection>, selection: &Selection) -> Result<Self> {
        let names = &connection.names;
        let start = start(selection.since);
        let mut sources = Vec::new();
        let stream = names.dead_letter_stream();
        if info::find(connection, &stream).await?.is_some() {
            let filters = vec![names.dead_letter_filter(selection.group.as_ref())];
            let scope = ReadScope::once(stream, filters, start);
            sources.push(Source::open(connection, scope, None).await?);
        }
        if names.dead_letter_subjects().next().is_some() {
            let info = info::find(connection, &names.stream).await?;
            let filters = foreign::subjects(connection, info.as_ref())?;
            let scope = ReadScope::once(names.stream.clone(), filters, start);
            let store = info.map(|info| info.store());
            sources.push(Source::open(connection, scope, store).await?);
        }
        Ok(Self {
            connection: Arc::clone(connection),
            sources,
        })
    }
}

/// A dead letter is stored when its message is dead-lettered or later, so that those stored earlier need not be read.
fn start(since: Option<SystemTime>) -> StartAt {
    let since = since.filter(|since| *since < SystemTime::now());
    match since.and_then(|since| since.checked_sub(CLOCK_SKEW)) {
        Some(since) => StartAt::Time(since),
        None => StartAt::Sequence(1),
    }
}

impl Source {
    async fn open(
        connection: &Arc<Connection>,
        scope: ReadScope,
        foreign_store: Option<String>,
    ) -> Result<Self> {
        Ok(Self {
            reader: StreamReader::open(connection, scope).await?,
            foreign_store,
            pending: VecDeque::new(),
            head: None,
            is_done: false,
        })
    }

    /// Reads until there is a dead letter, or the end.
    async fn fill(&mut self, connection: &Connection, max: usize) -> Result<()> {
        while self.head.is_none() && !self.is_done {
            let Some(received) = self.pending.pop_front() else {
                self.pending.extend(self.reader.take(max).await?);
                self.is_done = self.pending.is_empty();
                continue;
            };
            self.head = if let Some(store) = &self.foreign_store {
                foreign::letter(connection, store, received)
            } else {
                let decoded = EncodedLetter::from(received).load(connection).await?;
                decoded.map(|decoded| decoded.letter)
            };
        }
        Ok(())
    }
}

#[async_trait]
impl DeadLetterScan for NatsLetterScan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        // Only full pages are returned: the chunks of a plan and the steps of a job are as large as a page, and each
        // costs the server as much as a small one.
        let mut page = LetterPage::new(max);
        while !page.is_full() {
            for source in &mut self.sources {
                source.fill(&self.connection, max.max(1)).await?;
            }
            let heads = self.sources.iter_mut();
            let heads = heads.filter(|source| source.head.is_some());
            let oldest = heads.min_by_key(|source| {
                let head = source.head.as_ref();
                head.map(|letter| letter.record.dead_lettered_at)
            });
            match oldest.and_then(|source| source.head.take()) {
                Some(letter) => page.push(letter),
                None => break,
            }
        }
        Ok(page.finish())
    }
}
