//! Ranges or open ends of partitions, read without a group by a thread of their own.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    extent::{Mode, Pending},
    reader_thread::ReaderThread,
};
use crate::{
    backends::kafka::{
        codec::{record::FetchedRecord, topic_partition::OffsetRange},
        connection::{
            client::{
                context::Context, errors::ClientErrors, settings::Isolation, topic_ids::TopicIds,
            },
            handle::Connection,
        },
    },
    transport::Result,
};

/// The most chunks that are read ahead of the caller.
const CHUNKS: usize = 2;

/// An open read. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct PartitionReader {
    chunks: mpsc::Receiver<Result<Vec<FetchedRecord>>>,
    pending: Arc<Pending>,
    ids: Arc<TopicIds>,
}

impl PartitionReader {
    /// Starts to read. Either all ranges have an end, or none has.
    pub(crate) fn open(
        connection: &Arc<Connection>,
        ranges: Vec<OffsetRange>,
        isolation: Isolation,
    ) -> Result<Self> {
        let is_bounded = ranges.iter().all(|range| range.until.is_some());
        let mode = if is_bounded {
            Mode::Bounded
        } else {
            Mode::Following
        };
        Self::start(connection, ranges, isolation, mode, ClientErrors::default())
    }

    /// Starts to read committed records up to an end, from which [`Self::follow`] reads on.
    pub(crate) fn open_followed(
        connection: &Arc<Connection>,
        ranges: Vec<OffsetRange>,
    ) -> Result<Self> {
        let (isolation, mode) = (Isolation::Committed, Mode::Followed);
        Self::start(connection, ranges, isolation, mode, ClientErrors::default())
    }

    /// Starts to read new records until dropped. A topic that was recreated since the `earlier` read began is read from
    /// its beginning.
    pub(crate) fn follow(connection: &Arc<Connection>, earlier: Option<&Self>) -> Result<Self> {
        let earlier = earlier.map(|earlier| TopicIds::since(&earlier.ids));
        let errors = ClientErrors::knowing(earlier.unwrap_or_default());
        let (isolation, mode) = (Isolation::Committed, Mode::Following);
        Self::start(connection, Vec::new(), isolation, mode, errors)
    }

    fn start(
        connection: &Connection,
        ranges: Vec<OffsetRange>,
        isolation: Isolation,
        mode: Mode,
        errors: ClientErrors,
    ) -> Result<Self> {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let pending = Arc::new(Pending::default());
        let is_empty = ranges.iter().all(OffsetRange::is_empty);
        pending.add(ranges.into_iter().filter(|range| !range.is_empty()));
        let ids = Arc::clone(&errors.topics);
        let config = &connection.config;
        let context = Context {
            errors,
            callbacks: (),
        };
        // Without a record to read, a client would only take time to close.
        if mode != Mode::Bounded || !is_empty {
            ReaderThread::spawn(config, isolation, mode, context, &pending, sender)?;
        }
        Ok(Self {
            chunks,
            pending,
            ids,
        })
    }

    /// Reads further partitions too.
    pub(crate) fn add(&self, ranges: Vec<OffsetRange>) {
        self.pending.add(ranges.into_iter());
    }

    /// Waits for records on a thread that may block; returns none at the end.
    pub(crate) fn blocking_next(&mut self) -> Option<Result<Vec<FetchedRecord>>> {
        self.chunks.blocking_recv()
    }

    /// Waits for records; returns none at the end. May be dropped.
    ///
    /// # Errors
    /// If the connection is lost for good, or at a gap; after a gap, reading goes on.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<FetchedRecord>>> {
        self.chunks.recv().await.transpose()
    }
}
