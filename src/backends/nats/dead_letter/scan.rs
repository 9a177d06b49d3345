//! Reading dead letters in the order in which they were stored.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use crate::{
    backends::nats::{
        connection::{handle::Connection, stream::info},
        dead_letter::decode::EncodedLetter,
        read::{
            scope::{ReadScope, StartAt},
            stream_reader::StreamReader,
        },
    },
    transport::{DeadLetter, DeadLetterScan, Result, Selection},
};

/// How far the clocks of a client and of the server may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// An open read of the dead letters that existed when it started.
pub(crate) struct NatsLetterScan {
    connection: Arc<Connection>,
    reader: Option<StreamReader>,
    ready: VecDeque<DeadLetter>,
}

impl NatsLetterScan {
    /// Starts to read.
    pub(crate) async fn open(connection: &Arc<Connection>, selection: &Selection) -> Result<Self> {
        let names = &connection.names;
        let stream = names.dead_letter_stream();
        let exists = info::find(connection, &stream).await?.is_some();
        let filters = vec![names.dead_letter_filter(selection.group.as_ref())];
        let scope = ReadScope::once(stream, filters, start(selection.since));
        let reader = if exists {
            Some(StreamReader::open(connection, scope).await?)
        } else {
            None
        };
        Ok(Self {
            connection: Arc::clone(connection),
            reader,
            ready: VecDeque::new(),
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

#[async_trait]
impl DeadLetterScan for NatsLetterScan {
    async fn next(&mut self, max: usize) -> Result<Vec<DeadLetter>> {
        let max = max.max(1);
        // Only full pages are returned: the chunks of a plan and the steps of a job are as large as a page, and each
        // costs the server as much as a small one.
        while self.ready.len() < max {
            let Some(reader) = &mut self.reader else {
                return Ok(Vec::new());
            };
            let received = reader.take(max).await?;
            if received.is_empty() {
                break;
            }
            for one in received {
                let decoded = EncodedLetter::from(one).load(&self.connection).await?;
                self.ready.extend(decoded.map(|decoded| decoded.letter));
            }
        }
        let count = self.ready.len().min(max);
        Ok(self.ready.drain(..count).collect())
    }
}
