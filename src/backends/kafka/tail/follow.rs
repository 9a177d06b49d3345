//! `Transport::tail`: the backlog, its partitions merged by time, then new records as they arrive.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{backlog::Backlog, last_n};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord},
            topic_partition::{OffsetRange, Watermarks},
        },
        connection::{admin, handle::Connection},
        read::{extent::CHUNK, open_transactions, partition_reader::PartitionReader},
    },
    event::{Pattern, Stored, Topic},
    transport::{Result, Tail, TailFrom, TailRequest, TransportError},
};

/// How often to look for new topics that match a pattern.
const PATTERN_INTERVAL: Duration = Duration::from_secs(1);
/// How often to look for new partitions of known topics.
const PARTITION_INTERVAL: Duration = Duration::from_secs(30);

/// A partition of a topic.
type TopicPartition = (String, i32);

/// An open tail.
#[derive(Debug)]
struct KafkaTail {
    connection: Arc<Connection>,
    patterns: Vec<Pattern>,
    topics: HashMap<String, Topic>,
    backlog: Option<Backlog>,
    /// Where to continue behind the backlog; none if the tail ends there.
    next: Option<Vec<OffsetRange>>,
    /// The reader of the backlog, whose clients the live reader takes over.
    read: Option<PartitionReader>,
    live: Option<Live>,
    /// Whether the tail ends behind `next`.
    is_ending: bool,
    /// How far each partition was read.
    reached: HashMap<TopicPartition, i64>,
    ready: VecDeque<Stored>,
    /// Warnings that are returned before any record.
    warnings: VecDeque<TransportError>,
}

/// The live part of a tail.
#[derive(Debug)]
struct Live {
    reader: PartitionReader,
    found: mpsc::Receiver<Vec<(Topic, OffsetRange)>>,
    /// Looks for new partitions; ends with the tail.
    _watch: JoinSet<()>,
}

/// Opens a tail at the offsets where it starts.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    request: TailRequest,
) -> Result<Box<dyn Tail>> {
    require(connection, &request.patterns).await?;
    let found = connection.topics.matching(&request.patterns).await?;
    let mut partitions: Vec<TopicPartition> = Vec::new();
    for (_, name, count) in &found {
        partitions.extend((0..*count).map(|partition| (name.clone(), partition)));
    }
    let warnings = open_transactions::warnings(connection, partitions.clone()).await;
    let bounds = connection.topics.watermarks(partitions.clone()).await?;
    let ends = ends(connection, &partitions, &bounds, request.until_end).await?;
    let backlog = backlog(connection, &partitions, (&bounds, &ends), request.from).await?;
    let behind = partitions.iter().zip(&bounds);
    let behind: Vec<OffsetRange> = behind
        .map(|(partition, bounds)| span(partition, bounds.high, None))
        .collect();
    let topics = found.into_iter().map(|(topic, name, _)| (name, topic));
    Ok(Box::new(KafkaTail {
        connection: Arc::clone(connection),
        patterns: request.patterns,
        topics: topics.collect(),
        backlog: Backlog::open(connection, backlog, !request.until_end)?,
        reached: behind.iter().map(reached).collect(),
        next: (!request.until_end).then_some(behind),
        read: None,
        live: None,
        is_ending: request.until_end,
        ready: VecDeque::new(),
        warnings: warnings.into(),
    }))
}

/// Refuses topics that do not exist, or creates them with `--create`.
async fn require(connection: &Arc<Connection>, patterns: &[Pattern]) -> Result<()> {
    for topic in patterns.iter().filter_map(Pattern::literal) {
        let name = connection.names().topic_name(&topic)?;
        if connection.create {
            connection.topics.create_user_topic(&name).await?;
        } else if connection.topics.partitions(&name).await?.is_none() {
            return Err(admin::unknown(&name));
        }
    }
    Ok(())
}

/// Returns the ends of the backlog. A tail that ends there waits for open transactions; a tail that follows reads their
/// records later, when they are committed.
async fn ends(
    connection: &Arc<Connection>,
    partitions: &[TopicPartition],
    bounds: &[Watermarks],
    is_ending: bool,
) -> Result<Vec<i64>> {
    if is_ending {
        return open_transactions::ends(connection, partitions).await;
    }
    Ok(bounds.iter().map(|bounds| bounds.high).collect())
}

/// Returns what to show of what is there.
async fn backlog(
    connection: &Arc<Connection>,
    partitions: &[TopicPartition],
    (bounds, ends): (&[Watermarks], &[i64]),
    from: TailFrom,
) -> Result<Vec<OffsetRange>> {
    let all = partitions.iter().zip(bounds.iter().zip(ends));
    let whole = |(partition, (bounds, end)): (&TopicPartition, (&Watermarks, &i64))| {
        span(partition, bounds.low, Some(*end))
    };
    match from {
        TailFrom::Now => Ok(Vec::new()),
        TailFrom::Earliest => Ok(all.map(whole).collect()),
        TailFrom::Last(number) => {
            last_n::last_n(connection, all.map(whole).collect(), number).await
        }
        TailFrom::Time(time) => {
            let found = connection
                .topics
                .offsets_at_time(partitions.to_vec(), time)
                .await?;
            let since = all.zip(found).map(|((partition, (bounds, end)), found)| {
                let from = found.unwrap_or(bounds.high);
                span(partition, from, Some(*end))
            });
            Ok(since.collect())
        }
    }
}

fn span((topic, partition): &TopicPartition, from: i64, until: Option<i64>) -> OffsetRange {
    OffsetRange {
        topic: topic.clone(),
        partition: *partition,
        from,
        until,
    }
}

fn reached(span: &OffsetRange) -> (TopicPartition, i64) {
    ((span.topic.clone(), span.partition), span.from)
}

impl Live {
    fn open(follow: &KafkaTail, spans: Vec<OffsetRange>) -> Result<Self> {
        let known = spans
            .iter()
            .map(|span| (span.topic.clone(), span.partition));
        let known: HashSet<TopicPartition> = known.collect();
        let reader = PartitionReader::follow(&follow.connection, follow.read.as_ref())?;
        reader.add(spans);
        let (sender, found) = mpsc::channel(1);
        let mut watch = JoinSet::new();
        watch.spawn(watch_for_partitions(
            Arc::clone(&follow.connection),
            follow.patterns.clone(),
            known,
            sender,
        ));
        Ok(Self {
            reader,
            found,
            _watch: watch,
        })
    }
}

/// Reports new partitions, each to be read from its beginning.
async fn watch_for_partitions(
    connection: Arc<Connection>,
    patterns: Vec<Pattern>,
    mut known: HashSet<TopicPartition>,
    found: mpsc::Sender<Vec<(Topic, OffsetRange)>>,
) {
    let is_fixed = patterns.iter().all(|pattern| pattern.literal().is_some());
    let mut turn = interval(if is_fixed {
        PARTITION_INTERVAL
    } else {
        PATTERN_INTERVAL
    });
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        match new(&connection, &patterns, &known).await {
            Ok(new) if new.is_empty() => {}
            Ok(new) => {
                let partitions = new
                    .iter()
                    .map(|(_, span)| (span.topic.clone(), span.partition));
                known.extend(partitions);
                if found.send(new).await.is_err() {
                    return;
                }
            }
            Err(failed) => tracing::debug!(%failed, "looking for new topics"),
        }
    }
}

async fn new(
    connection: &Arc<Connection>,
    patterns: &[Pattern],
    known: &HashSet<TopicPartition>,
) -> Result<Vec<(Topic, OffsetRange)>> {
    let mut fresh: Vec<(Topic, TopicPartition)> = Vec::new();
    for (topic, name, partitions) in connection.topics.matching(patterns).await? {
        let partitions = (0..partitions).map(|partition| (name.clone(), partition));
        let partitions = partitions.filter(|partition| !known.contains(partition));
        fresh.extend(partitions.map(|partition| (topic.clone(), partition)));
    }
    let partitions = fresh
        .iter()
        .map(|(_, partition)| partition.clone())
        .collect();
    let bounds = connection.topics.watermarks(partitions).await?;
    let fresh = fresh.into_iter().zip(bounds);
    Ok(fresh
        .map(|((topic, partition), bounds)| (topic, span(&partition, bounds.low, None)))
        .collect())
}

impl KafkaTail {
    /// Reads on; false at the end. The future may be dropped.
    async fn read_on(&mut self) -> Result<bool> {
        if let Some(backlog) = &mut self.backlog {
            let chunk = backlog.reader.next().await?;
            let is_over = chunk.is_none();
            match chunk {
                Some(chunk) => chunk.into_iter().for_each(|read| backlog.take(read)),
                None => backlog.merge.close_all(),
            }
            self.ready.reserve(CHUNK);
            while let Some(read) = backlog.merge.pop() {
                self.ready.extend(stored(&self.topics, read));
            }
            if is_over {
                self.read = self.backlog.take().map(|backlog| backlog.reader);
            }
            return Ok(true);
        }
        if let Some(spans) = self.next.take() {
            if self.is_ending {
                self.backlog = Backlog::open(&self.connection, spans, false)?;
                return Ok(true);
            }
            self.live = Some(Live::open(self, spans)?);
            self.read = None;
        }
        let Some(live) = &mut self.live else {
            return Ok(false);
        };
        tokio::select! {
            chunk = live.reader.next() => {
                let Some(chunk) = chunk? else {
                    return Ok(false);
                };
                note(&mut self.reached, &chunk);
                let read = chunk.into_iter().filter_map(|read| stored(&self.topics, read));
                self.ready.extend(read);
            }
            Some(found) = live.found.recv() => {
                let mut spans = Vec::with_capacity(found.len());
                for (topic, span) in found {
                    self.reached.extend([reached(&span)]);
                    self.topics.insert(span.topic.clone(), topic);
                    spans.push(span);
                }
                live.reader.add(spans);
            }
        }
        Ok(true)
    }
}

/// Notes how far a chunk reaches. Its records come in runs of one partition, so only the last of a run counts.
fn note(reached: &mut HashMap<TopicPartition, i64>, chunk: &[FetchedRecord]) {
    let is_same = |one: &FetchedRecord, other: &FetchedRecord| {
        one.partition == other.partition && Arc::ptr_eq(&one.topic, &other.topic)
    };
    for run in chunk.chunk_by(is_same) {
        if let Some(last) = run.last() {
            let partition = (last.topic.to_string(), last.partition);
            reached.insert(partition, last.offset + 1);
        }
    }
}

fn stored(topics: &HashMap<String, Topic>, read: FetchedRecord) -> Option<Stored> {
    let topic = topics.get(&*read.topic)?.clone();
    Some(Stored {
        position: record::position(&topic, read.partition, read.offset),
        time: read.time,
        message: read.message(topic),
    })
}

#[async_trait]
impl Tail for KafkaTail {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        if let Some(warning) = self.warnings.pop_front() {
            return Err(warning);
        }
        while self.ready.is_empty() {
            if !self.read_on().await? {
                return Ok(Vec::new());
            }
        }
        if self.ready.len() <= max {
            return Ok(std::mem::take(&mut self.ready).into());
        }
        Ok(self.ready.drain(..max.max(1)).collect())
    }

    async fn until_end(&mut self) -> Result<()> {
        if self.is_ending {
            return Ok(());
        }
        let mut partitions: Vec<TopicPartition> = Vec::new();
        for (topic, name, count) in self.connection.topics.matching(&self.patterns).await? {
            partitions.extend((0..count).map(|partition| (name.clone(), partition)));
            self.topics.insert(name, topic);
        }
        let bounds = self
            .connection
            .topics
            .watermarks(partitions.clone())
            .await?;
        let ends = open_transactions::ends(&self.connection, &partitions).await?;
        let left = partitions.iter().zip(bounds).zip(ends);
        let left = left.map(|((partition, bounds), end)| {
            let from = self.reached.get(partition).copied().unwrap_or(bounds.low);
            span(partition, from, Some(end))
        });
        self.next = Some(left.collect());
        self.live = None;
        self.is_ending = true;
        Ok(())
    }
}
