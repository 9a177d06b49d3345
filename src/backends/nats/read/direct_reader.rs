//! Reading a work queue without a consumer of its own, which the server would refuse: each message belongs to one consumer.
//!
//! Messages are read by direct get, from one sequence to the next that a filter matches. A message that is acknowledged
//! before it is read is gone, and nothing tells that it was there.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    pull::Received,
    scope::{ReadScope, StartAt},
};
use crate::{
    backends::nats::{
        connection::{
            direct_get::{self, Query, StoredMessage},
            handle::Connection,
            stream::info::{self, StreamInfo},
        },
        error::error,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// How often the stream is looked at for new messages.
const POLL: Duration = Duration::from_millis(250);
/// The most messages that are read at once.
const PAGE: usize = 256;

/// An open read of a work queue.
#[derive(Debug)]
pub(crate) struct DirectReader {
    connection: Arc<Connection>,
    scope: ReadScope,
    /// When the stream was created: another one of its name is read from its beginning.
    created: String,
    /// The first sequence that was not read yet.
    next: u64,
    /// The last sequence, for a read that ends.
    end: Option<u64>,
    /// Messages that were read, in order.
    page: VecDeque<StoredMessage>,
    notice: Option<TransportError>,
}

impl DirectReader {
    /// Starts to read.
    pub(crate) fn open(connection: &Arc<Connection>, scope: ReadScope, info: &StreamInfo) -> Self {
        let next = match scope.start {
            StartAt::Sequence(sequence) => sequence,
            StartAt::Time(_) => 0,
        };
        let notice = (!scope.until_end).then(|| {
            let stream = &scope.stream;
            let message = format!(
                "the stream `{stream}` is a work queue: events that a consumer acknowledges before they are read are not shown"
            );
            error(ErrorKind::Warning, message)
        });
        Self {
            connection: Arc::clone(connection),
            created: info.created.clone(),
            next: next.max(info.state.first_seq),
            end: scope.until_end.then_some(info.state.last_seq),
            page: VecDeque::new(),
            notice,
            scope,
        }
    }

    /// Returns the sequence at which the last `count` messages start.
    pub(crate) async fn start_of_last(mut self, count: u64) -> Result<u64> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut last = VecDeque::new();
        loop {
            let read = self.take(PAGE).await?;
            if read.is_empty() {
                return Ok(last.front().copied().unwrap_or(self.next));
            }
            last.extend(read.iter().map(|one| one.stream_sequence));
            last.drain(..last.len().saturating_sub(count));
        }
    }

    /// Waits for messages and returns at most `max`; none means that the end was reached. Cancel safe.
    pub(crate) async fn take(&mut self, max: usize) -> Result<Vec<Received>> {
        if let Some(notice) = self.notice.take() {
            return Err(notice);
        }
        while self.page.is_empty() {
            if self.end.is_some_and(|end| self.next > end) {
                return Ok(Vec::new());
            }
            match self.read_page().await {
                Ok(true) => {}
                Ok(false) => sleep(POLL).await,
                Err(failed) if failed.is_transient() && self.scope.patient => sleep(POLL).await,
                Err(failed) => return Err(failed),
            }
        }
        let count = max.min(self.page.len());
        Ok(self.page.drain(..count).map(Received::from).collect())
    }

    /// Ends after the messages that exist now. Cancel safe.
    pub(crate) async fn until_end(&mut self) -> Result<()> {
        if self.end.is_none() {
            self.end = Some(info::require(&self.connection).await?.state.last_seq);
        }
        Ok(())
    }

    /// Reads the next messages up to the end that the stream has now; `false` means that there is nothing new.
    async fn read_page(&mut self) -> Result<bool> {
        let last = self.last_sequence().await?;
        if self.next > last {
            return Ok(false);
        }
        let mut page = Vec::new();
        let mut through = last;
        for filter in &self.scope.filters {
            let found = self.matches(filter, last).await?;
            if let Some(message) = found.last().filter(|_| found.len() >= PAGE) {
                through = through.min(message.sequence);
            }
            page.extend(found);
        }
        // Behind the shortest part that is full, messages of its filter may be missing.
        page.retain(|message| message.sequence <= through && self.scope.start.admits(message.time));
        page.sort_unstable_by_key(|message| message.sequence);
        self.next = through + 1;
        self.page = page.into();
        Ok(true)
    }

    /// Returns the last sequence to read now. For a read that ends, the stream is not asked.
    async fn last_sequence(&mut self) -> Result<u64> {
        if let Some(end) = self.end {
            return Ok(end);
        }
        let info = info::require(&self.connection).await?;
        if info.created != self.created {
            self.created.clone_from(&info.created);
            self.next = info.state.first_seq;
            let stream = &self.scope.stream;
            let message = format!("the stream `{stream}` was deleted and created again");
            return Err(error(ErrorKind::Warning, message));
        }
        Ok(info.state.last_seq)
    }

    /// Reads the next messages that a filter matches, from the leader: a replica may lack the last ones.
    async fn matches(&self, filter: &str, last: u64) -> Result<Vec<StoredMessage>> {
        let stream = &self.scope.stream;
        let (mut found, mut from): (Vec<StoredMessage>, _) = (Vec::new(), self.next);
        while found.len() < PAGE && from <= last {
            let query = Query::Next { from, filter };
            match direct_get::from_leader(&self.connection, stream, query).await? {
                Some(message) if message.sequence <= last => {
                    from = message.sequence + 1;
                    found.push(message);
                }
                _ => break,
            }
        }
        Ok(found)
    }
}
