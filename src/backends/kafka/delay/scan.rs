//! Listing and finding delayed events, by reading the delay topic without joining its group.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    delayed_record,
    index::{DelayIndex, Due},
};
use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord},
            topic_partition::{OffsetRange, TopicPartition},
        },
        connection::{
            client::settings::Isolation,
            handle::{Connection, blocking},
        },
        read::{
            offset_fetcher::OffsetFetcher, open_transactions, partition_reader::PartitionReader,
        },
    },
    event::Pattern,
    transport::{Result, Schedule, ScheduleId, ScheduleScan, first_due},
};

/// The memory budget of a scan over all partitions, in bytes.
const ROOM: usize = 48 << 20;
/// The most records that are fetched at a time.
const READ_AHEAD: usize = 10_000;
/// The most bytes of them in each partition.
const BYTES: usize = 8 << 20;

/// A delayed event as it was found.
#[derive(Debug)]
pub(crate) struct ScheduledRecord {
    pub(crate) read: FetchedRecord,
    /// The end of the partition when it was read.
    pub(crate) end: i64,
}

/// Returns the offset ranges of the delay topic as it is now; none if it does not exist.
async fn ranges(connection: &Arc<Connection>) -> Result<Vec<OffsetRange>> {
    let topic = connection.names().delay_topic();
    let Some(partitions) = connection.topics.partitions(&topic).await? else {
        return Ok(Vec::new());
    };
    let all: Vec<(String, i32)> = (0..partitions).map(|one| (topic.clone(), one)).collect();
    connection.topics.ranges(all).await
}

/// Returns the delayed events whose keys match.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    is_meant: impl Fn(&[u8]) -> bool,
) -> Result<Vec<ScheduledRecord>> {
    let spans = ranges(connection).await?;
    let ends: HashMap<i32, i64> = spans
        .iter()
        .filter_map(|span| Some((span.partition, span.until?)))
        .collect();
    let mut found: HashMap<(i32, Bytes), FetchedRecord> = HashMap::new();
    let mut reader = PartitionReader::open(connection, spans, Isolation::Committed)?;
    while let Some(reads) = reader.next().await? {
        for read in reads {
            let Some(key) = read.key.clone().filter(|key| is_meant(key)) else {
                continue;
            };
            let place = (read.partition, key);
            if delayed_record::due(&read).is_some() {
                found.insert(place, read);
            } else {
                found.remove(&place);
            }
        }
    }
    let with_end = |read: FetchedRecord| {
        let end = ends
            .get(&read.partition)
            .copied()
            .unwrap_or(read.offset + 1);
        ScheduledRecord { read, end }
    };
    Ok(found.into_values().map(with_end).collect())
}

/// Returns the schedules whose ids begin with `prefix`, in order of time.
pub(crate) async fn find_schedules(
    connection: &Arc<Connection>,
    prefix: &str,
) -> Result<Vec<Schedule>> {
    let found = find(connection, |key| key.starts_with(prefix.as_bytes())).await?;
    let found = found.into_iter().filter_map(|found| schedule(found.read));
    Ok(first_due(found.collect()))
}

/// Opens a scan of the pending schedules, in order of time.
pub(crate) async fn scan(connection: &Arc<Connection>) -> Result<Box<dyn ScheduleScan>> {
    Ok(Box::new(KafkaScheduleScan::open(connection).await?))
}

/// Reports whether an event for one of these topics is pending that was due by then, in milliseconds since the epoch.
pub(crate) async fn is_overdue(
    connection: &Arc<Connection>,
    patterns: &[Pattern],
    by: i64,
) -> Result<bool> {
    let mut overdue: HashSet<(i32, Bytes)> = HashSet::new();
    let mut reader =
        PartitionReader::open(connection, ranges(connection).await?, Isolation::Committed)?;
    while let Some(reads) = reader.next().await? {
        for read in reads {
            let Some(key) = read.key.clone() else {
                continue;
            };
            let place = (read.partition, key);
            let is_due = delayed_record::due(&read).is_some_and(|due| due <= by);
            if is_due && is_for(read, patterns) {
                overdue.insert(place);
            } else {
                overdue.remove(&place);
            }
        }
    }
    Ok(!overdue.is_empty())
}

fn is_for(read: FetchedRecord, patterns: &[Pattern]) -> bool {
    let topic = delayed_record::decode(read).map(|(waiting, _)| waiting.topic);
    topic.is_some_and(|topic| patterns.iter().any(|pattern| pattern.matches(&topic)))
}

/// Decodes a record as a schedule.
pub(crate) fn schedule(read: FetchedRecord) -> Option<Schedule> {
    let id = String::from_utf8_lossy(read.key.as_deref()?).into_owned();
    let (waiting, message) = delayed_record::decode(read)?;
    Some(Schedule {
        id: ScheduleId(id),
        due: waiting.due(),
        message,
    })
}

/// A scan of the schedules that were pending when it began, in order of time.
#[derive(Debug)]
pub(crate) struct KafkaScheduleScan {
    connection: Arc<Connection>,
    fetcher: Arc<OffsetFetcher>,
    pending: BTreeMap<i32, DelayIndex>,
    /// The next schedules, the last one first.
    ready: Vec<Schedule>,
}

impl KafkaScheduleScan {
    /// Reads the delay topic, and keeps when each record is due and its offset.
    pub(crate) async fn open(connection: &Arc<Connection>) -> Result<Self> {
        let spans = ranges(connection).await?;
        let places = spans.iter();
        let places = places.map(|span| (span.topic.clone(), span.partition));
        open_transactions::note(connection, places.collect()).await?;
        let room = ROOM / spans.len().max(1);
        let new = |span: &OffsetRange| {
            let at = TopicPartition::new(span.topic.as_str(), span.partition);
            (span.partition, DelayIndex::within(at, room, i64::MAX))
        };
        let mut pending: BTreeMap<i32, DelayIndex> = spans.iter().map(new).collect();
        let mut reader = PartitionReader::open(connection, spans, Isolation::Committed)?;
        while let Some(reads) = reader.next().await? {
            let now = record::now_millis();
            for read in reads {
                if let Some(index) = pending.get_mut(&read.partition) {
                    index.take(&read, now);
                }
            }
        }
        Ok(Self {
            connection: Arc::clone(connection),
            fetcher: Arc::new(OffsetFetcher::new(&connection.config)),
            pending,
            ready: Vec::new(),
        })
    }

    /// Takes at most `most` of the next records out of the indexes.
    fn take(&mut self, most: usize) -> Vec<(i32, Due)> {
        let mut taken = Vec::new();
        while taken.len() < most {
            let times = self.pending.iter_mut();
            let times = times.filter_map(|(partition, index)| Some((index.next()?, *partition)));
            let Some((time, partition)) = times.min() else {
                break;
            };
            let index = self.pending.get_mut(&partition);
            let due = index.map(|index| index.due(time, 1)).unwrap_or_default();
            taken.extend(due.into_iter().map(|due| (partition, due)));
        }
        taken
    }

    /// Fetches the records that are not cached, and returns how many of the first are complete: a record that is missing
    /// among those was removed by compaction.
    async fn complete(&self, taken: &mut [(i32, Due)]) -> Result<usize> {
        let mut complete = taken.len();
        let mut absent: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
        for (partition, due) in taken.iter().filter(|(_, due)| due.record.is_none()) {
            absent.entry(*partition).or_default().push(due.offset);
        }
        for (partition, mut offsets) in absent {
            offsets.sort_unstable();
            let (topic, fetcher) = (
                self.connection.names().delay_topic(),
                Arc::clone(&self.fetcher),
            );
            let read = blocking(move || {
                fetcher.read_some(&TopicPartition::new(topic, partition), &offsets, BYTES)
            })
            .await?;
            let mut read: HashMap<i64, FetchedRecord> =
                read.into_iter().map(|read| (read.offset, read)).collect();
            let last = read.keys().max().copied();
            let found = taken.iter_mut().enumerate();
            for (index, (_, due)) in found.filter(|(_, (one, _))| *one == partition) {
                if due.record.is_none() {
                    due.record = read.remove(&due.offset);
                    if last.is_some_and(|last| due.offset > last) {
                        complete = complete.min(index);
                    }
                }
            }
        }
        Ok(complete)
    }

    async fn fill(&mut self) -> Result<()> {
        let mut most = READ_AHEAD;
        loop {
            let mut taken = self.take(most);
            let read = self.complete(&mut taken).await;
            let complete = read.as_ref().copied().unwrap_or(0);
            for (partition, due) in taken.drain(complete..) {
                if let Some(index) = self.pending.get_mut(&partition) {
                    let time = due.time;
                    index.put_back(due, time);
                }
            }
            read?;
            if complete > 0 || most == 1 {
                let reads = taken.into_iter().rev();
                self.ready = reads.filter_map(|(_, due)| schedule(due.record?)).collect();
                return Ok(());
            }
            // The first record is farther back than one fetch reaches.
            most /= 2;
        }
    }

    fn is_over(&mut self) -> bool {
        let mut times = self.pending.values_mut().map(DelayIndex::next);
        times.all(|time| time.is_none())
    }
}

#[async_trait]
impl ScheduleScan for KafkaScheduleScan {
    async fn next(&mut self, max: usize) -> Result<Vec<Schedule>> {
        while self.ready.is_empty() && !self.is_over() {
            self.fill().await?;
        }
        let rest = self.ready.len().saturating_sub(max.max(1));
        Ok(self.ready.split_off(rest).into_iter().rev().collect())
    }
}
