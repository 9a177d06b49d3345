//! Several partitions read side by side by one client, a queue for each.
//!
//! One common queue would deliver partitions in batches of whatever arrived first; who merges by time would have to keep
//! all of it. With a queue for each partition the reader decides which comes next, and the client stops fetching into
//! a full one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, base_consumer::PartitionQueue},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode as Code,
};

use super::gap;
use crate::{
    backends::kafka::{
        codec::topic_partition::TopicPartition,
        connection::{
            access::{self, Access},
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            config::Config,
        },
        error::{self, error},
    },
    transport::{ErrorKind, Result},
};

/// How long a poll waits before the client's other events are served.
const POLL: Duration = Duration::from_millis(50);
/// The most that the queues of a client may prefetch together, in KiB.
const PREFETCH: usize = 8192;

/// A client whose partitions are read side by side. Every method blocks.
pub(crate) struct PartitionQueues {
    client: Arc<BaseConsumer<Context>>,
    config: Config,
}

impl std::fmt::Debug for PartitionQueues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PartitionQueues")
    }
}

impl PartitionQueues {
    /// Creates a client whose memory is divided by about this many partitions.
    pub(crate) fn new(config: &Config, partitions: usize) -> Result<Self> {
        let share = (PREFETCH / partitions.max(1)).clamp(64, PREFETCH / 2);
        let mut settings = settings::reader(config, Isolation::Committed, true);
        settings
            .set("queued.max.messages.kbytes", share.to_string())
            .set("fetch.message.max.bytes", (share * 1024).to_string());
        Ok(Self {
            client: Arc::new(client::create(&settings, Context::default())?),
            config: config.clone(),
        })
    }

    /// Starts to read a partition.
    pub(crate) fn open(&self, at: &TopicPartition, from: i64) -> Result<QueueReader> {
        // The queue has to be split off before the partition is assigned: earlier records stay in the common queue.
        let queue = self.client.split_partition_queue(&at.topic, at.partition);
        let queue = queue.ok_or_else(|| error(ErrorKind::Other, "cannot read a partition"))?;
        let begin = || {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&at.topic, at.partition, Offset::Offset(from))?;
            self.client.incremental_assign(&list)
        };
        begin().map_err(|failed| error::from_kafka(failed, "starting to read"))?;
        Ok(QueueReader {
            at: at.clone(),
            queue,
            next: from,
            client: Arc::clone(&self.client),
            config: self.config.clone(),
        })
    }

    /// Asks for the metadata of topics now; by itself the client asks once a second.
    pub(crate) fn refresh_metadata<'a>(&self, topics: impl Iterator<Item = &'a str>) -> Result<()> {
        client::refresh_metadata(&self.client, &self.config, topics)
    }
}

/// A partition that is being read.
pub(crate) struct QueueReader {
    at: TopicPartition,
    // Dropped before the client that it belongs to.
    queue: PartitionQueue<Context>,
    /// The offset of the next record, or less.
    next: i64,
    client: Arc<BaseConsumer<Context>>,
    config: Config,
}

impl QueueReader {
    /// Returns the offset of the next record, or a lower one.
    pub(crate) fn position(&self) -> i64 {
        self.next
    }

    /// Passes the next record to `project`; returns none at the end of the log. Blocks.
    pub(crate) fn next<T>(
        &mut self,
        project: impl FnOnce(&Arc<str>, &BorrowedMessage<'_>) -> T,
    ) -> Result<Option<T>> {
        let (timeout, mut end) = (self.config.timeout, None);
        loop {
            match self.queue.poll(POLL) {
                Some(Ok(record)) => {
                    self.next = record.offset() + 1;
                    return Ok(Some(project(&self.at.topic, &record)));
                }
                Some(Err(failed)) if is_end(&failed) => return Ok(None),
                Some(Err(failed)) => self.handle_error(&failed)?,
                None if Instant::now() < *end.get_or_insert_with(|| Instant::now() + timeout) => {
                    // Serves the client's errors and log, which have the common queue.
                    let _ = self.client.poll(Duration::ZERO);
                }
                None => {
                    return Err(self
                        .client
                        .context()
                        .errors
                        .unreachable(&self.config.servers));
                }
            }
        }
    }

    fn handle_error(&self, failed: &KafkaError) -> Result<()> {
        if let Some(refused) = self.client.context().errors.fatal() {
            return Err(refused);
        }
        if gap::is_gap(failed) {
            return self.skip_gap();
        }
        match failed.rdkafka_error_code() {
            Some(
                code @ (Code::TopicAuthorizationFailed
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition),
            ) => {
                let access = Access::topic("Read", &self.at.topic);
                Err(access::from_code(&self.config, code, "reading", access))
            }
            _ => Ok(()),
        }
    }

    /// Reads on behind records that were removed.
    fn skip_gap(&self) -> Result<()> {
        let watermarks = client::watermarks(&self.client, &self.config, &self.at)?;
        gap::resume_at(&self.client, &self.at, watermarks.low)
    }

    /// Reads on from another offset, and drops what was prefetched.
    pub(crate) fn seek(&self, offset: i64) -> Result<()> {
        let (at, timeout) = (&self.at, self.config.timeout);
        let offset = Offset::Offset(offset);
        let sought = self.client.seek(&at.topic, at.partition, offset, timeout);
        sought.map_err(|failed| error::from_kafka(failed, "reading"))
    }
}

fn is_end(failed: &KafkaError) -> bool {
    matches!(failed.rdkafka_error_code(), None | Some(Code::PartitionEOF))
}
