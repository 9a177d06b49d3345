//! Reading without a group: what is there, partitions merged by time, then what comes.

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

use super::{backlog::Past, last_n};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord},
            topic_partition::{OffsetRange, Watermarks},
        },
        connection::{admin, handle::Connection},
        read::{open_transactions, partition_reader::PartitionReader, reader_thread::CHUNK},
    },
    event::{Pattern, Stored, Topic},
    transport::{Result, Tail, TailFrom, TailRequest, TransportError},
};

/// How often to look for topics that match a pattern.
const LOOK: Duration = Duration::from_secs(1);
/// How often to look for partitions that topics got.
const RARE_LOOK: Duration = Duration::from_secs(30);

/// A partition of a topic.
type Lane = (String, i32);

/// An open read of topics.
#[derive(Debug)]
struct Follow {
    connection: Arc<Connection>,
    patterns: Vec<Pattern>,
    topics: HashMap<String, Topic>,
    past: Option<Past>,
    /// Where to go on behind what is there; none if that is the end.
    next: Option<Vec<OffsetRange>>,
    /// What has read what was there.
    read: Option<PartitionReader>,
    live: Option<Live>,
    /// What is read from `next` on is all.
    is_ending: bool,
    /// How far each partition was read that goes on behind what was there.
    reached: HashMap<Lane, i64>,
    ready: VecDeque<Stored>,
    /// What is to be said first.
    warnings: VecDeque<TransportError>,
}

/// What comes.
#[derive(Debug)]
struct Live {
    reader: PartitionReader,
    found: mpsc::Receiver<Vec<(Topic, OffsetRange)>>,
    /// Looks for what is new; ends with the tail.
    _watch: JoinSet<()>,
}

/// Finds the places at which to start.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    request: TailRequest,
) -> Result<Box<dyn Tail>> {
    require(connection, &request.patterns).await?;
    let found = connection.topics.matching(&request.patterns).await?;
    let mut lanes: Vec<Lane> = Vec::new();
    for (_, name, partitions) in &found {
        lanes.extend((0..*partitions).map(|partition| (name.clone(), partition)));
    }
    let warnings = open_transactions::warnings(connection, lanes.clone()).await;
    let bounds = connection.topics.watermarks(lanes.clone()).await?;
    let ends = ends(connection, &lanes, &bounds, request.until_end).await?;
    let past = past(connection, &lanes, (&bounds, &ends), request.from).await?;
    let behind = lanes.iter().zip(&bounds);
    let behind: Vec<OffsetRange> = behind
        .map(|(lane, bounds)| span(lane, bounds.high, None))
        .collect();
    let topics = found.into_iter().map(|(topic, name, _)| (name, topic));
    Ok(Box::new(Follow {
        connection: Arc::clone(connection),
        patterns: request.patterns,
        topics: topics.collect(),
        past: Past::open(connection, past, !request.until_end)?,
        reached: behind.iter().map(reached).collect(),
        next: (!request.until_end).then_some(behind),
        read: None,
        live: None,
        is_ending: request.until_end,
        ready: VecDeque::new(),
        warnings: warnings.into(),
    }))
}

/// Refuses topics that do not exist, or makes them where that was asked for.
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

/// Returns where what is there ends. Who ends there waits for transactions that are open; who follows is shown later
/// what they hide.
async fn ends(
    connection: &Arc<Connection>,
    lanes: &[Lane],
    bounds: &[Watermarks],
    is_ending: bool,
) -> Result<Vec<i64>> {
    if is_ending {
        return open_transactions::ends(connection, lanes).await;
    }
    Ok(bounds.iter().map(|bounds| bounds.high).collect())
}

/// Returns what to show of what is there.
async fn past(
    connection: &Arc<Connection>,
    lanes: &[Lane],
    (bounds, ends): (&[Watermarks], &[i64]),
    from: TailFrom,
) -> Result<Vec<OffsetRange>> {
    let all = lanes.iter().zip(bounds.iter().zip(ends));
    let whole =
        |(lane, (bounds, end)): (&Lane, (&Watermarks, &i64))| span(lane, bounds.low, Some(*end));
    match from {
        TailFrom::Now => Ok(Vec::new()),
        TailFrom::Earliest => Ok(all.map(whole).collect()),
        TailFrom::Last(number) => last_n::find(connection, all.map(whole).collect(), number).await,
        TailFrom::Time(time) => {
            let found = connection
                .topics
                .offsets_at_time(lanes.to_vec(), time)
                .await?;
            let since = all.zip(found).map(|((lane, (bounds, end)), found)| {
                let from = found.unwrap_or(bounds.high);
                span(lane, from, Some(*end))
            });
            Ok(since.collect())
        }
    }
}

fn span((topic, partition): &Lane, from: i64, until: Option<i64>) -> OffsetRange {
    OffsetRange {
        topic: topic.clone(),
        partition: *partition,
        from,
        until,
    }
}

fn reached(span: &OffsetRange) -> (Lane, i64) {
    ((span.topic.clone(), span.partition), span.from)
}

impl Live {
    fn open(follow: &Follow, spans: Vec<OffsetRange>) -> Result<Self> {
        let known = spans
            .iter()
            .map(|span| (span.topic.clone(), span.partition));
        let known: HashSet<Lane> = known.collect();
        let reader = PartitionReader::follow(&follow.connection, follow.read.as_ref())?;
        reader.add(spans);
        let (sender, found) = mpsc::channel(1);
        let mut watch = JoinSet::new();
        watch.spawn(look_for_new(
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

/// Tells of partitions that were not there before, from their beginning.
async fn look_for_new(
    connection: Arc<Connection>,
    patterns: Vec<Pattern>,
    mut known: HashSet<Lane>,
    found: mpsc::Sender<Vec<(Topic, OffsetRange)>>,
) {
    let is_fixed = patterns.iter().all(|pattern| pattern.literal().is_some());
    let mut turn = interval(if is_fixed { RARE_LOOK } else { LOOK });
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turn.tick().await;
        match new(&connection, &patterns, &known).await {
            Ok(new) if new.is_empty() => {}
            Ok(new) => {
                let lanes = new
                    .iter()
                    .map(|(_, span)| (span.topic.clone(), span.partition));
                known.extend(lanes);
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
    known: &HashSet<Lane>,
) -> Result<Vec<(Topic, OffsetRange)>> {
    let mut fresh: Vec<(Topic, Lane)> = Vec::new();
    for (topic, name, partitions) in connection.topics.matching(patterns).await? {
        let lanes = (0..partitions).map(|partition| (name.clone(), partition));
        let lanes = lanes.filter(|lane| !known.contains(lane));
        fresh.extend(lanes.map(|lane| (topic.clone(), lane)));
    }
    let lanes = fresh.iter().map(|(_, lane)| lane.clone()).collect();
    let bounds = connection.topics.watermarks(lanes).await?;
    let fresh = fresh.into_iter().zip(bounds);
    Ok(fresh
        .map(|((topic, lane), bounds)| (topic, span(&lane, bounds.low, None)))
        .collect())
}

impl Follow {
    /// Reads on; false is the end. May be dropped.
    async fn go_on(&mut self) -> Result<bool> {
        if let Some(past) = &mut self.past {
            let chunk = past.reader.next().await?;
            let is_over = chunk.is_none();
            match chunk {
                Some(chunk) => chunk.into_iter().for_each(|read| past.take(read)),
                None => past.merge.close_all(),
            }
            self.ready.reserve(CHUNK);
            while let Some(read) = past.merge.pop() {
                self.ready.extend(stored(&self.topics, read));
            }
            if is_over {
                self.read = self.past.take().map(|past| past.reader);
            }
            return Ok(true);
        }
        if let Some(spans) = self.next.take() {
            if self.is_ending {
                self.past = Past::open(&self.connection, spans, false)?;
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

/// Notes how far a chunk reaches; in it, records of a partition mostly stand together.
fn note(reached: &mut HashMap<Lane, i64>, chunk: &[FetchedRecord]) {
    let is_same = |one: &FetchedRecord, other: &FetchedRecord| {
        one.partition == other.partition && Arc::ptr_eq(&one.topic, &other.topic)
    };
    for run in chunk.chunk_by(is_same) {
        if let Some(last) = run.last() {
            let lane = (last.topic.to_string(), last.partition);
            reached.insert(lane, last.offset + 1);
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
impl Tail for Follow {
    async fn next(&mut self, max: usize) -> Result<Vec<Stored>> {
        if let Some(warning) = self.warnings.pop_front() {
            return Err(warning);
        }
        while self.ready.is_empty() {
            if !self.go_on().await? {
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
        let mut lanes: Vec<Lane> = Vec::new();
        for (topic, name, partitions) in self.connection.topics.matching(&self.patterns).await? {
            lanes.extend((0..partitions).map(|partition| (name.clone(), partition)));
            self.topics.insert(name, topic);
        }
        let bounds = self.connection.topics.watermarks(lanes.clone()).await?;
        let ends = open_transactions::ends(&self.connection, &lanes).await?;
        let left = lanes.iter().zip(bounds).zip(ends);
        let left = left.map(|((lane, bounds), end)| {
            let from = self.reached.get(lane).copied().unwrap_or(bounds.low);
            span(lane, from, Some(end))
        });
        self.next = Some(left.collect());
        self.live = None;
        self.is_ending = true;
        Ok(())
    }
}
