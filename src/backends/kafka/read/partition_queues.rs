//! Partitions read side by side by one client, each at its own pace: merged by time, or followed by offset.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _, base_consumer::PartitionQueue},
    error::KafkaError,
    message::BorrowedMessage,
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::mpsc;

use super::partition_reader::OffsetRange;
use crate::{
    backends::kafka::{
        codec::record::FetchedRecord,
        connection::{
            client::{
                self,
                errors::ClientErrors,
                settings::{self, Isolation},
            },
            config::Config,
            handle::{self, Connection},
        },
        consume::assignment::gap_recovery,
        error::{self, error},
    },
    transport::{ErrorKind, Result},
};

/// The most records that are passed on at once.
const CHUNK: usize = 500;
/// How long a poll waits before the client is served.
const LOOK: Duration = Duration::from_millis(50);
/// What all lanes of a client may hold that was not asked for yet, in KiB.
const BUDGET: usize = 8192;
/// Offsets that are further apart than this are sought, not read up to.
const APART: i64 = 4000;

/// A client whose partitions are read side by side. Every method blocks.
pub(crate) struct PartitionQueues {
    client: Arc<BaseConsumer<ClientErrors>>,
    config: Config,
}

impl std::fmt::Debug for PartitionQueues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lanes")
    }
}

impl PartitionQueues {
    /// Prepares to read about so many partitions.
    pub(crate) fn new(config: &Config, partitions: usize) -> Result<Self> {
        let share = (BUDGET / partitions.max(1)).clamp(64, BUDGET / 2);
        let mut settings = settings::reader(config, Isolation::Committed, true);
        settings
            .set("queued.max.messages.kbytes", share.to_string())
            .set("fetch.message.max.bytes", (share * 1024).to_string());
        Ok(Self {
            client: Arc::new(client::create(&settings, ClientErrors::default())?),
            config: config.clone(),
        })
    }

    /// Begins to read a partition.
    pub(crate) fn open(&self, topic: &Arc<str>, partition: i32, from: i64) -> Result<QueueReader> {
        let queue = self.client.split_partition_queue(topic, partition);
        let queue = queue.ok_or_else(|| error(ErrorKind::Other, "a partition cannot be read"))?;
        let begin = || {
            let mut place = TopicPartitionList::new();
            place.add_partition_offset(topic, partition, Offset::Offset(from))?;
            self.client.incremental_assign(&place)
        };
        begin().map_err(|failed| error::from_kafka(failed, "beginning to read"))?;
        Ok(QueueReader {
            topic: Arc::clone(topic),
            partition,
            queue,
            next: from,
            client: Arc::clone(&self.client),
            config: self.config.clone(),
        })
    }

    /// Asks about a topic of which a partition is read. The client would do so by itself, but only once a second.
    fn introduce(&self, topic: &str) -> Result<()> {
        let (client, errors) = (&*self.client, self.client.context());
        client::metadata(client, errors, &self.config, Some(topic)).map(drop)
    }
}

/// A partition that is being read.
pub(crate) struct QueueReader {
    topic: Arc<str>,
    partition: i32,
    // Ends before the client that it belongs to.
    queue: PartitionQueue<ClientErrors>,
    /// The offset of the next record, or less.
    next: i64,
    client: Arc<BaseConsumer<ClientErrors>>,
    config: Config,
}

impl QueueReader {
    /// Shows the next record to `see`; none means that there is none for now. Blocks.
    pub(crate) fn next<T>(
        &mut self,
        see: impl FnOnce(&Arc<str>, &BorrowedMessage<'_>) -> T,
    ) -> Result<Option<T>> {
        let (timeout, mut end) = (self.config.timeout, None);
        loop {
            match self.queue.poll(LOOK) {
                Some(Ok(record)) => {
                    self.next = record.offset() + 1;
                    return Ok(Some(see(&self.topic, &record)));
                }
                Some(Err(failed)) if is_end(&failed) => return Ok(None),
                Some(Err(failed)) => self.heed(&failed)?,
                None if Instant::now() < *end.get_or_insert_with(|| Instant::now() + timeout) => {
                    // Serves what the client was told beside the records.
                    let _ = self.client.poll(Duration::ZERO);
                }
                None => return Err(self.client.context().unreachable(&self.config.servers)),
            }
        }
    }

    fn heed(&self, failed: &KafkaError) -> Result<()> {
        if let Some(refused) = self.client.context().fatal() {
            return Err(refused);
        }
        if gap_recovery::is_gap(failed) {
            return self.skip_gap();
        }
        match failed.rdkafka_error_code() {
            Some(
                code @ (Code::TopicAuthorizationFailed
                | Code::UnknownTopicOrPartition
                | Code::UnknownPartition),
            ) => Err(error::from_code(code, "reading")),
            _ => Ok(()),
        }
    }

    /// Goes on behind what was deleted.
    fn skip_gap(&self) -> Result<()> {
        let (topic, partition) = (&*self.topic, self.partition);
        let bounds = handle::bounds(&self.client, &self.config, topic, partition)?;
        gap_recovery::go_on(&self.client, topic, partition, bounds.low)
    }

    fn seek(&self, offset: i64) -> Result<()> {
        let (topic, timeout) = (&self.topic, self.config.timeout);
        let offset = Offset::Offset(offset);
        let sought = self.client.seek(topic, self.partition, offset, timeout);
        sought.map_err(|failed| error::from_kafka(failed, "reading"))
    }
}

fn is_end(failed: &KafkaError) -> bool {
    matches!(failed.rdkafka_error_code(), None | Some(Code::PartitionEOF))
}

/// Follows offsets, which ascend in each partition, so that what comes next is there already.
#[derive(Default)]
pub(crate) struct SequentialReader {
    lanes: HashMap<(Arc<str>, i32), Followed>,
    client: Option<PartitionQueues>,
}

struct Followed {
    lane: QueueReader,
    /// The first offset that was not asked for yet.
    fresh: i64,
    /// A record behind the one that was asked for.
    ahead: Option<FetchedRecord>,
}

impl std::fmt::Debug for SequentialReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Trail")
    }
}

impl SequentialReader {
    /// Returns the record at an offset, if it is still there. Blocks.
    pub(crate) fn read(
        &mut self,
        config: &Config,
        (topic, partition, offset): (&Arc<str>, i32, i64),
    ) -> Result<Option<FetchedRecord>> {
        let client = match &self.client {
            Some(client) => client,
            None => self.client.insert(PartitionQueues::new(config, 6)?),
        };
        let place = (Arc::clone(topic), partition);
        if !self.lanes.contains_key(&place) {
            let lane = client.open(topic, partition, offset)?;
            if self.lanes.keys().all(|(known, _)| known != topic) {
                client.introduce(topic)?;
            }
            let followed = Followed {
                lane,
                fresh: offset,
                ahead: None,
            };
            self.lanes.insert(place.clone(), followed);
        }
        let Some(followed) = self.lanes.get_mut(&place) else {
            return Ok(None);
        };
        followed.read(offset)
    }
}

impl Followed {
    fn read(&mut self, offset: i64) -> Result<Option<FetchedRecord>> {
        if offset < self.fresh || offset - self.lane.next > APART {
            self.ahead = None;
            self.lane.seek(offset)?;
        }
        self.fresh = offset + 1;
        loop {
            let read = match self.ahead.take() {
                Some(read) => Some(read),
                None => self
                    .lane
                    .next(|topic, record| FetchedRecord::copy(Arc::clone(topic), record))?,
            };
            match read {
                None => return Ok(None),
                Some(read) if read.offset == offset => return Ok(Some(read)),
                Some(read) if read.offset > offset => {
                    self.ahead = Some(read);
                    return Ok(None);
                }
                Some(_) => {}
            }
        }
    }
}

/// An open read of several partitions in the order of time, as far as each of them is in that order. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct MergedScan<T> {
    chunks: mpsc::Receiver<Result<Vec<T>>>,
}

/// What is taken from a record.
type Project<T> = fn(&Arc<str>, &BorrowedMessage<'_>) -> T;

impl<T: Send + 'static> MergedScan<T> {
    /// Begins to read spans that have an end, and to take from each record what is wanted of it.
    pub(crate) fn open(
        connection: &Connection,
        mut spans: Vec<OffsetRange>,
        see: Project<T>,
    ) -> Result<Self> {
        spans.retain(|span| span.until.is_none_or(|until| span.from < until));
        let (sender, chunks) = mpsc::channel(2);
        let config = connection.config.clone();
        thread::Builder::new()
            .name("pf-kafka-merge".to_owned())
            .spawn(move || {
                if let Err(failed) = merge(&config, spans, &sender, see) {
                    let _ = sender.blocking_send(Err(failed));
                }
            })
            .map_err(|source| {
                error(ErrorKind::Other, "no thread can be started").because(source)
            })?;
        Ok(Self { chunks })
    }

    /// Waits for records; none means that the end was reached. May be dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<T>>> {
        self.chunks.recv().await.transpose()
    }
}

/// Copies a record.
pub(crate) fn copy(topic: &Arc<str>, record: &BorrowedMessage<'_>) -> FetchedRecord {
    FetchedRecord::copy(Arc::clone(topic), record)
}

fn merge<T>(
    config: &Config,
    spans: Vec<OffsetRange>,
    sender: &mpsc::Sender<Result<Vec<T>>>,
    see: Project<T>,
) -> Result<()> {
    if spans.is_empty() {
        return Ok(());
    }
    let client = PartitionQueues::new(config, spans.len())?;
    let mut heads = Vec::with_capacity(spans.len());
    for span in spans {
        let lane = client.open(&Arc::from(&*span.topic), span.partition, span.from)?;
        heads.push(Source {
            lane,
            until: span.until.unwrap_or(i64::MAX),
            seen: None,
        });
    }
    let mut order: BinaryHeap<Reverse<(i64, usize)>> = BinaryHeap::new();
    for (number, head) in heads.iter_mut().enumerate() {
        order.extend(head.refill(see)?.map(|time| Reverse((time, number))));
    }
    let mut chunk = Vec::with_capacity(CHUNK);
    while let Some(Reverse((_, number))) = order.pop() {
        let head = &mut heads[number];
        chunk.extend(head.seen.take());
        order.extend(head.refill(see)?.map(|time| Reverse((time, number))));
        if chunk.len() == CHUNK || order.is_empty() {
            let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
            if sender.blocking_send(Ok(full)).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A partition and the record that comes next.
struct Source<T> {
    lane: QueueReader,
    until: i64,
    seen: Option<T>,
}

impl<T> Source<T> {
    /// Goes on to the next record, and returns its time; none means that the end was reached.
    fn refill(&mut self, see: Project<T>) -> Result<Option<i64>> {
        if self.lane.next >= self.until {
            return Ok(None);
        }
        let read = self.lane.next(|topic, record| {
            let time = record.timestamp().to_millis().unwrap_or(0);
            (record.offset(), time, see(topic, record))
        })?;
        let Some((_, time, seen)) = read.filter(|(offset, ..)| *offset < self.until) else {
            return Ok(None);
        };
        self.seen = Some(seen);
        Ok(Some(time))
    }
}
