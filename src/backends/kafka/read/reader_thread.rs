//! The thread of a [`PartitionReader`](super::partition_reader::PartitionReader): one client polls all partitions.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::mpsc;

use super::{
    extent::{CHUNK, CHUNK_BYTES, Mode, Pending, Polled},
    gap::{self, Gap},
};
use crate::{
    backends::kafka::{
        codec::{
            record::FetchedRecord,
            topic_partition::{OffsetRange, TopicPartition},
        },
        connection::{
            access,
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            config::Config,
            threads,
        },
        error,
    },
    transport::{Result, TransportError},
};

/// Bytes of the blocks that records are copied into.
const BLOCK: usize = 1 << 14;
/// How long a poll waits before the thread checks whether it is still needed.
const POLL: Duration = Duration::from_millis(100);
/// The same for a bounded read, which checks for its end after each poll.
const BOUNDED_POLL: Duration = Duration::from_millis(5);

/// The thread's side of a read.
pub(crate) struct ReaderThread {
    client: BaseConsumer<Context>,
    config: Config,
    sender: mpsc::Sender<Result<Vec<FetchedRecord>>>,
    pending: Arc<Pending>,
    /// Ranges that are not read to their end.
    open: HashMap<TopicPartition, OffsetRange>,
    names: HashMap<String, Arc<str>>,
    /// The partition of the last record, and its end: most records follow one of the same partition.
    last: Option<(TopicPartition, i64)>,
    /// When the last records came, or a broker answered.
    heard: Instant,
    /// The rest of the block that records are copied into.
    block: BytesMut,
    mode: Mode,
    /// The client stopped reading a partition, and does not say which.
    has_gap: bool,
    /// Recreated topics that are not read from their beginning yet, with the first dropped offset of each partition.
    recreated: HashMap<String, HashMap<i32, i64>>,
}

impl ReaderThread {
    /// Starts a thread; it ends with the receiver of `sender`, or with its ranges.
    pub(crate) fn spawn(
        config: &Config,
        isolation: Isolation,
        mode: Mode,
        context: Context,
        pending: &Arc<Pending>,
        sender: mpsc::Sender<Result<Vec<FetchedRecord>>>,
    ) -> Result<()> {
        let settings = settings::reader(config, isolation, mode != Mode::Following);
        let reader = Self {
            client: client::create(&settings, context)?,
            config: config.clone(),
            sender,
            pending: Arc::clone(pending),
            open: HashMap::new(),
            names: HashMap::new(),
            last: None,
            heard: Instant::now(),
            block: BytesMut::new(),
            mode,
            has_gap: false,
            recreated: HashMap::new(),
        };
        threads::spawn("pf-kafka-reader", move || reader.run()).map(drop)
    }

    fn run(mut self) {
        if let Err(failed) = self.read() {
            let _ = self.sender.blocking_send(Err(failed));
        }
        client::close_behind(&self.config, self.client, self.sender);
    }

    fn read(&mut self) -> Result<()> {
        loop {
            self.assign_pending()?;
            if self.mode != Mode::Following && self.open.is_empty() || self.sender.is_closed() {
                return Ok(());
            }
            let mut chunk = self.gather()?;
            self.drop_recreated(&mut chunk);
            if chunk.is_empty() {
                self.check_silence()?;
            } else if self.sender.blocking_send(Ok(chunk)).is_err() {
                return Ok(());
            } else {
                self.heard = Instant::now();
            }
            let gaps = self.read_recreated()?;
            self.report(gaps);
            if std::mem::take(&mut self.has_gap) {
                self.skip_gaps()?;
            }
        }
    }

    /// Fails if a bounded read got nothing for as long as a broker may take to answer, and none answers a question either:
    /// librdkafka would wait indefinitely. Behind an open transaction, or while a leader is elected, it waits on.
    fn check_silence(&mut self) -> Result<()> {
        let is_silent = self.heard.elapsed() >= self.config.timeout;
        if self.mode != Mode::Following && is_silent {
            for at in self.open.keys().take(1) {
                client::watermarks(&self.client, &self.config, at)?;
            }
            self.heard = Instant::now();
        }
        Ok(())
    }

    /// Starts to read the ranges that were added meanwhile.
    fn assign_pending(&mut self) -> Result<()> {
        let ranges = self.pending.take();
        if ranges.is_empty() {
            return Ok(());
        }
        self.last = None;
        let reading = |failed| error::from_kafka(failed, "starting to read");
        let mut all = self.client.assignment().map_err(reading)?;
        let is_first = all.count() == 0;
        for range in ranges {
            let offset = Offset::Offset(range.from);
            all.add_partition_offset(&range.topic, range.partition, offset)
                .map_err(reading)?;
            let topic = self.name(&range.topic);
            self.open
                .insert(TopicPartition::new(topic, range.partition), range);
        }
        if is_first && self.mode != Mode::Following {
            // Before records can come: the request drops what it polls meanwhile.
            let topics = self.names.keys().map(String::as_str);
            client::refresh_metadata(&self.client, &self.config, topics)?;
        }
        self.client
            .assign(&self.with_positions(&all)?)
            .map_err(reading)
    }

    /// Adds the positions of partitions that are already read: an assignment would start them over.
    fn with_positions(&self, all: &TopicPartitionList) -> Result<TopicPartitionList> {
        let reading = |failed| error::from_kafka(failed, "starting to read");
        let positions = self.client.position().map_err(reading)?;
        let mut list = TopicPartitionList::new();
        for element in all.elements() {
            let (topic, partition) = (element.topic(), element.partition());
            let position = positions.find_partition(topic, partition);
            let offset = match position.map(|position| position.offset()) {
                Some(Offset::Offset(offset)) => Offset::Offset(offset),
                _ => element.offset(),
            };
            list.add_partition_offset(topic, partition, offset)
                .map_err(reading)?;
        }
        Ok(list)
    }

    fn name(&mut self, topic: &str) -> Arc<str> {
        let name = self.names.entry(topic.to_owned());
        Arc::clone(name.or_insert_with(|| topic.into()))
    }

    /// Takes the records that the client has, or waits for one.
    fn gather(&mut self) -> Result<Vec<FetchedRecord>> {
        let (capacity, mut wait) = match self.mode {
            Mode::Following => (0, POLL),
            Mode::Bounded | Mode::Followed => (CHUNK, BOUNDED_POLL),
        };
        let (mut chunk, mut bytes, mut has_more) = (Vec::with_capacity(capacity), 0, true);
        while has_more && chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            match self.poll(wait)? {
                Polled::Record(record) => {
                    let payload = record.as_ref().and_then(|one| one.payload.as_ref());
                    bytes += payload.map_or(0, bytes::Bytes::len);
                    chunk.extend(record);
                }
                Polled::Nothing => has_more = false,
            }
            wait = Duration::ZERO;
        }
        if self.mode != Mode::Following && !has_more {
            self.close_finished()?;
        }
        Ok(chunk)
    }

    fn poll(&mut self, wait: Duration) -> Result<Polled> {
        let polled = match self.client.poll(wait) {
            None => return Ok(Polled::Nothing),
            Some(Err(failed)) => Err(failed),
            Some(Ok(record)) => {
                let is_only = self.names.len() == 1;
                let topic = match &self.last {
                    Some((at, _)) if is_only || *at.topic == *record.topic() => {
                        Arc::clone(&at.topic)
                    }
                    _ => {
                        let name = record.topic();
                        self.names.get(name).cloned().unwrap_or_else(|| name.into())
                    }
                };
                if self.block.capacity() == 0 {
                    self.block = BytesMut::with_capacity(BLOCK);
                }
                Ok(FetchedRecord::copy_into(&mut self.block, topic, &record))
            }
        };
        match polled {
            Ok(record) => Ok(Polled::Record(self.within_range(record))),
            Err(failed) => self.handle_error(&failed),
        }
    }

    /// Drops a record behind the end of its range.
    fn within_range(&mut self, record: FetchedRecord) -> Option<FetchedRecord> {
        let until = self.until(&record)?;
        if record.offset + 1 >= until {
            let topic = Arc::clone(&record.topic);
            self.open
                .remove(&TopicPartition::new(topic, record.partition));
            self.last = None;
        }
        (record.offset < until).then_some(record)
    }

    /// Returns where the range of a record ends; none if its partition is not read any more.
    fn until(&mut self, record: &FetchedRecord) -> Option<i64> {
        if let Some((at, until)) = &self.last
            && at.partition == record.partition
            && at.topic == record.topic
        {
            return Some(*until);
        }
        let at = TopicPartition::new(Arc::clone(&record.topic), record.partition);
        let until = self.open.get(&at)?.until.unwrap_or(i64::MAX);
        self.last = Some((at, until));
        Some(until)
    }

    fn handle_error(&mut self, failed: &KafkaError) -> Result<Polled> {
        if let Some(fatal) = self.client.context().errors.fatal() {
            return Err(fatal);
        }
        if gap::is_gap(failed) {
            self.has_gap = true;
            return Ok(Polled::Nothing);
        }
        match failed.rdkafka_error_code() {
            // A reader has no group that an ACL could be about.
            None | Some(Code::PartitionEOF | Code::GroupAuthorizationFailed) => Ok(Polled::Nothing),
            Some(Code::TopicAuthorizationFailed) => {
                let topics = self.open.keys().map(|at| &*at.topic);
                Err(access::unreadable(&self.config, topics))
            }
            // A read that follows several topics goes on without a deleted one.
            Some(code @ Code::UnknownTopicOrPartition) if self.mode != Mode::Following => {
                Err(error::from_code(code, "reading"))
            }
            Some(_) => {
                tracing::debug!(%failed, "reading goes on once the broker is back");
                Ok(Polled::Nothing)
            }
        }
    }

    /// Closes ranges that were read, and reports gaps.
    fn report(&mut self, gaps: Vec<TransportError>) {
        self.open.retain(|_, range| !range.is_empty());
        self.last = None;
        for gap in gaps {
            let _ = self.sender.blocking_send(Err(gap));
        }
    }

    /// Closes ranges whose last offsets have no record: markers of transactions and compaction leave such offsets.
    fn close_finished(&mut self) -> Result<()> {
        let positions = self.positions()?;
        self.last = None;
        self.open.retain(|at, range| {
            let position = positions
                .find_partition(&at.topic, at.partition)
                .map(|position| position.offset());
            !matches!((position, range.until), (Some(Offset::Offset(at)), Some(until)) if at >= until)
        });
        Ok(())
    }

    fn positions(&self) -> Result<TopicPartitionList> {
        (self.client.position()).map_err(|failed| error::from_kafka(failed, "reading"))
    }

    /// Reads on behind removed records, and reports them.
    fn skip_gaps(&mut self) -> Result<()> {
        let positions = self.positions()?;
        let mut gaps = Vec::new();
        for (at, range) in &mut self.open {
            let watermarks = client::watermarks(&self.client, &self.config, at)?;
            let next = match positions.find_partition(&at.topic, at.partition) {
                Some(position) if let Offset::Offset(next) = position.offset() => next,
                _ => range.from,
            };
            let gap = Gap::find(at, next, watermarks);
            range.from = match &gap {
                // The records that the log has now are not the ones that were to be read up to that end.
                Some(Gap::Truncated(_)) if let Some(until) = range.until => until,
                Some(_) => watermarks.low,
                None => next,
            };
            if !range.is_empty() {
                gap::resume_at(&self.client, at, range.from)?;
            }
            gaps.extend(gap.map(Gap::into_error));
        }
        self.report(gaps);
        Ok(())
    }

    /// Drops records that may be those of a recreated topic, which is to be read from its beginning.
    fn drop_recreated(&mut self, chunk: &mut Vec<FetchedRecord>) {
        let updates = self.client.context().errors.topics.updates().into_iter();
        for update in updates.filter(|update| update.is_change) {
            self.recreated.entry(update.topic).or_default();
        }
        if self.recreated.is_empty() {
            return;
        }
        chunk.retain(|record| {
            let Some(dropped) = self.recreated.get_mut(&*record.topic) else {
                return true;
            };
            dropped.entry(record.partition).or_insert(record.offset);
            false
        });
    }

    /// Reads recreated topics from their beginning, and returns the gaps. A bounded range is over: its records are gone.
    fn read_recreated(&mut self) -> Result<Vec<TransportError>> {
        let mut gaps = Vec::new();
        if self.recreated.is_empty() {
            return Ok(gaps);
        }
        let positions = self.positions()?;
        let recreated = std::mem::take(&mut self.recreated);
        for (at, range) in &mut self.open {
            let Some(dropped) = recreated.get(&*at.topic) else {
                continue;
            };
            let watermarks = client::watermarks(&self.client, &self.config, at)?;
            let position = positions.find_partition(&at.topic, at.partition);
            let position = position.map(|position| position.offset());
            let read = match (dropped.get(&at.partition), position) {
                (Some(next), _) => *next,
                (None, Some(Offset::Offset(next))) => next,
                _ => range.from,
            };
            if self.mode != Mode::Followed {
                gaps.push(gap::recreated(at, read, watermarks));
            }
            if let Some(until) = range.until {
                range.from = until;
                continue;
            }
            range.from = watermarks.low;
            gap::resume_at(&self.client, at, watermarks.low)?;
        }
        Ok(gaps)
    }
}
