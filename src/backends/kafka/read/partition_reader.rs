//! Reading partitions without a group, in a thread of its own, to the end or for ever.

use std::{collections::HashMap, sync::Arc, thread, time::Duration};

use bytes::BytesMut;
use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::mpsc;

use crate::{
    backends::kafka::{
        codec::record::FetchedRecord,
        connection::{
            client::{
                self,
                errors::ClientErrors,
                settings::{self, Isolation},
                topic_ids::TopicIds,
            },
            config::Config,
            handle::Connection,
        },
        consume::assignment::gap_recovery,
        error::{self, error},
    },
    lock::Mutex,
    transport::{ErrorKind, Result, TransportError},
};

/// The most records that are passed on at once.
pub(crate) const CHUNK: usize = 500;
/// Bytes of the blocks that records are copied into.
const BLOCK: usize = 1 << 14;
/// How many chunks wait for who reads them.
const CHUNKS: usize = 2;
/// How long a poll waits before the thread looks whether it is still needed.
const LOOK: Duration = Duration::from_millis(100);
/// The same where an end is to be found.
const BRIEF: Duration = Duration::from_millis(5);

/// A part of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OffsetRange {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) from: i64,
    /// The offset before which it ends; none reads for ever.
    pub(crate) until: Option<i64>,
}

impl OffsetRange {
    pub(crate) fn is_empty(&self) -> bool {
        self.until.is_some_and(|until| self.from >= until)
    }
}

/// An open read. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct PartitionReader {
    chunks: mpsc::Receiver<Result<Vec<FetchedRecord>>>,
    more: Arc<Mutex<Vec<OffsetRange>>>,
    ids: Arc<TopicIds>,
}

/// What kind of read it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// To the end of each span.
    Bounded,
    /// The same, and another read goes on behind it, which says what was created again.
    Followed,
    /// Indefinitely.
    Following,
}

impl PartitionReader {
    /// Begins to read. Spans either all have an end, or none has.
    pub(crate) fn open(
        connection: &Arc<Connection>,
        spans: Vec<OffsetRange>,
        isolation: Isolation,
    ) -> Result<Self> {
        let bounded = spans.iter().all(|span| span.until.is_some());
        let manner = if bounded {
            Manner::Bounded
        } else {
            Manner::Following
        };
        Self::start(
            connection,
            spans,
            (isolation, manner),
            ClientErrors::default(),
        )
    }

    /// Begins to read what is committed to an end, behind which [`Self::follow`] goes on.
    pub(crate) fn open_followed(
        connection: &Arc<Connection>,
        spans: Vec<OffsetRange>,
    ) -> Result<Self> {
        let how = (Isolation::Committed, Manner::Followed);
        Self::start(connection, spans, how, ClientErrors::default())
    }

    /// Begins to read what will be added, indefinitely; where topics were created again since an earlier read began, from
    /// their beginning.
    pub(crate) fn follow(connection: &Arc<Connection>, earlier: Option<&Self>) -> Result<Self> {
        let earlier = earlier.map(|earlier| TopicIds::since(&earlier.ids));
        let errors = ClientErrors::knowing(earlier.unwrap_or_default());
        let how = (Isolation::Committed, Manner::Following);
        Self::start(connection, Vec::new(), how, errors)
    }

    fn start(
        connection: &Arc<Connection>,
        spans: Vec<OffsetRange>,
        (isolation, manner): (Isolation, Manner),
        errors: ClientErrors,
    ) -> Result<Self> {
        let bounded = manner != Manner::Following;
        let spans: Vec<OffsetRange> = spans.into_iter().filter(|span| !span.is_empty()).collect();
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let more = Arc::new(Mutex::new(spans));
        let settings = settings::reader(&connection.config, isolation, bounded);
        let ids = Arc::clone(&errors.topics);
        let client = client::create(&settings, errors)?;
        let hand = ReaderThread {
            client,
            config: connection.config.clone(),
            sender,
            more: Arc::clone(&more),
            open: HashMap::new(),
            names: HashMap::new(),
            last: None,
            block: BytesMut::new(),
            bounded,
            is_followed: manner == Manner::Followed,
            torn: false,
            recreated: HashMap::new(),
        };
        thread::Builder::new()
            .name("pf-kafka-reader".to_owned())
            .spawn(move || hand.run())
            .map_err(|source| {
                error(ErrorKind::Other, "no thread can be started").because(source)
            })?;
        Ok(Self { chunks, more, ids })
    }

    /// Reads further partitions too.
    pub(crate) fn add(&self, spans: Vec<OffsetRange>) {
        let mut more = self.more.lock();
        more.extend(spans);
    }

    /// Waits for records; none means that the end was reached. May be dropped.
    ///
    /// # Errors
    /// If the connection is lost for good. A gap that retention tore is told, and reading goes on behind it.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<FetchedRecord>>> {
        self.chunks.recv().await.transpose()
    }
}

/// The thread's side of a read.
pub(crate) struct ReaderThread {
    pub(crate) client: BaseConsumer<ClientErrors>,
    pub(crate) config: Config,
    sender: mpsc::Sender<Result<Vec<FetchedRecord>>>,
    more: Arc<Mutex<Vec<OffsetRange>>>,
    /// What is still being read.
    pub(crate) open: HashMap<(Arc<str>, i32), OffsetRange>,
    names: HashMap<String, Arc<str>>,
    /// The partition of the last record, and its end: the next one is nearly always of the same.
    last: Option<(Arc<str>, i32, i64)>,
    /// The rest of the block that records are copied into.
    block: BytesMut,
    pub(crate) bounded: bool,
    /// Another read goes on behind this one.
    pub(crate) is_followed: bool,
    /// The client stopped in a partition.
    torn: bool,
    /// Topics that were created again and are not read from their beginning yet, with the first offset of each partition
    /// that was left out.
    pub(crate) recreated: HashMap<String, HashMap<i32, i64>>,
}

impl ReaderThread {
    fn run(mut self) {
        if let Err(failed) = self.work() {
            let _ = self.sender.blocking_send(Err(failed));
        }
    }

    fn work(&mut self) -> Result<()> {
        loop {
            self.take_on()?;
            if self.bounded && self.open.is_empty() || self.sender.is_closed() {
                return Ok(());
            }
            let mut chunk = self.gather()?;
            self.leave_out_recreated(&mut chunk);
            if !chunk.is_empty() && self.sender.blocking_send(Ok(chunk)).is_err() {
                return Ok(());
            }
            let gaps = self.read_recreated()?;
            self.tell(gaps);
            if std::mem::take(&mut self.torn) {
                self.skip_gaps()?;
            }
        }
    }

    /// Begins to read what was asked for meanwhile.
    fn take_on(&mut self) -> Result<()> {
        let spans = {
            let mut more = self.more.lock();
            std::mem::take(&mut *more)
        };
        if spans.is_empty() {
            return Ok(());
        }
        self.last = None;
        let reading = |failed| error::from_kafka(failed, "beginning to read");
        let mut all = self.client.assignment().map_err(reading)?;
        for span in spans {
            let offset = Offset::Offset(span.from);
            all.add_partition_offset(&span.topic, span.partition, offset)
                .map_err(reading)?;
            let name = self.name(&span.topic);
            self.open.insert((name, span.partition), span);
        }
        self.client.assign(&self.placed(&all)?).map_err(reading)
    }

    /// Keeps the place of what is being read already: an assignment begins anew.
    fn placed(&self, all: &TopicPartitionList) -> Result<TopicPartitionList> {
        let reading = |failed| error::from_kafka(failed, "beginning to read");
        let positions = self.client.position().map_err(reading)?;
        let mut placed = TopicPartitionList::new();
        for element in all.elements() {
            let (topic, partition) = (element.topic(), element.partition());
            let at = positions.find_partition(topic, partition);
            let offset = match at.map(|at| at.offset()) {
                Some(Offset::Offset(offset)) => Offset::Offset(offset),
                _ => element.offset(),
            };
            placed
                .add_partition_offset(topic, partition, offset)
                .map_err(reading)?;
        }
        Ok(placed)
    }

    fn name(&mut self, topic: &str) -> Arc<str> {
        if let Some(name) = self.names.get(topic) {
            return Arc::clone(name);
        }
        let name: Arc<str> = topic.into();
        self.names.insert(topic.to_owned(), Arc::clone(&name));
        name
    }

    /// Takes what is there, or what comes within a while.
    fn gather(&mut self) -> Result<Vec<FetchedRecord>> {
        let mut chunk = Vec::with_capacity(if self.bounded { CHUNK } else { 0 });
        let mut patience = if self.bounded { BRIEF } else { LOOK };
        while chunk.len() < CHUNK {
            match self.poll(patience)? {
                Polled::Record(read) => chunk.extend(read),
                Polled::Nothing => break,
            }
            patience = Duration::ZERO;
        }
        if self.bounded && chunk.len() < CHUNK {
            self.close_finished()?;
        }
        Ok(chunk)
    }

    fn poll(&mut self, patience: Duration) -> Result<Polled> {
        let found = match self.client.poll(patience) {
            None => return Ok(Polled::Nothing),
            Some(Err(failed)) => Err(failed),
            Some(Ok(record)) => {
                let is_only = self.names.len() == 1;
                let topic = match &self.last {
                    Some((topic, ..)) if is_only || **topic == *record.topic() => Arc::clone(topic),
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
        match found {
            Ok(read) => Ok(Polled::Record(self.admit(read))),
            Err(failed) => self.heed(&failed),
        }
    }

    /// Leaves out what is behind the end.
    fn admit(&mut self, read: FetchedRecord) -> Option<FetchedRecord> {
        let until = self.until(&read)?;
        if read.offset + 1 >= until {
            self.open.remove(&(Arc::clone(&read.topic), read.partition));
            self.last = None;
        }
        (read.offset < until).then_some(read)
    }

    /// Returns where a record's partition ends; none if it is not being read any more.
    fn until(&mut self, read: &FetchedRecord) -> Option<i64> {
        if let Some((topic, partition, until)) = &self.last
            && *partition == read.partition
            && *topic == read.topic
        {
            return Some(*until);
        }
        let place = (Arc::clone(&read.topic), read.partition);
        let until = self.open.get(&place)?.until.unwrap_or(i64::MAX);
        self.last = Some((place.0, place.1, until));
        Some(until)
    }

    fn heed(&mut self, failed: &KafkaError) -> Result<Polled> {
        if let Some(refused) = self.client.context().fatal() {
            return Err(refused);
        }
        if gap_recovery::is_gap(failed) {
            self.torn = true;
            return Ok(Polled::Nothing);
        }
        match failed.rdkafka_error_code() {
            None | Some(Code::PartitionEOF) => Ok(Polled::Nothing),
            Some(code @ (Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed)) => {
                Err(error::from_code(code, "reading"))
            }
            // Who follows several topics goes on without the one that was deleted.
            Some(code @ Code::UnknownTopicOrPartition) if self.bounded => {
                Err(error::from_code(code, "reading"))
            }
            Some(_) => {
                tracing::debug!(%failed, "reading goes on once the broker is back");
                Ok(Polled::Nothing)
            }
        }
    }

    /// Forgets what has been read, and says what is gone.
    pub(crate) fn tell(&mut self, gaps: Vec<TransportError>) {
        self.open.retain(|_, span| !span.is_empty());
        self.last = None;
        for gap in gaps {
            let _ = self.sender.blocking_send(Err(gap));
        }
    }

    /// Markers of transactions and compaction leave offsets without a record, also at the end.
    fn close_finished(&mut self) -> Result<()> {
        let positions = self
            .client
            .position()
            .map_err(|failed| error::from_kafka(failed, "reading"))?;
        self.last = None;
        self.open.retain(|(topic, partition), span| {
            let at = positions
                .find_partition(topic, *partition)
                .map(|at| at.offset());
            !matches!((at, span.until), (Some(Offset::Offset(at)), Some(until)) if at >= until)
        });
        Ok(())
    }
}

/// What a poll brought.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Polled {
    /// A record, unless nobody asked for it.
    Record(Option<FetchedRecord>),
    Nothing,
}
