//! Replays as records: of the topic, or of the retry topic of the group that failed.
//!
//! In a retry topic a replay has the key `replay/<id>`. A record of that key without a payload says that the group has
//! settled it; compaction removes both in the end.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::{
    backends::kafka::{
        codec::{
            record::{FetchedRecord, LINEAGE},
            topic_partition::OffsetRange,
        },
        connection::{client::settings::Isolation, handle::Connection, threads},
        delay::delayed_record,
        read::{open_transactions, partition_reader::PartitionReader},
    },
    event::{Position, Topic},
    transport::{
        DeadLetterId, Lineage, MessageDigest, ReplayScan, ReplayTarget, ReplayTrace, Result,
        TraceKind,
    },
};

/// The beginning of the key of a replay in a retry topic.
pub(crate) const KEY: &str = "replay/";
/// The most chunks that are decoded ahead of the caller.
const CHUNKS: usize = 2;
/// How far the clocks of the clients that planned and ran a job may differ.
pub(super) const CLOCK_SKEW: Duration = Duration::from_mins(5);

/// Starts to read the replays to these targets that were stored at this time or later.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    since: SystemTime,
    targets: &[ReplayTarget],
) -> Result<Box<dyn ReplayScan>> {
    let since = since.checked_sub(CLOCK_SKEW).unwrap_or(since);
    let mut parts = Vec::new();
    let places = places(connection, targets)?;
    for name in places.keys() {
        let count = connection.topics.partitions(name).await?.unwrap_or(0);
        parts.extend((0..count).map(|partition| (name.clone(), partition)));
    }
    open_transactions::note(connection, parts.clone()).await?;
    let starts = connection.topics.offsets_at_time(parts.clone(), since);
    let starts = starts.await?;
    let ranges = connection
        .topics
        .ranges(parts)
        .await?
        .into_iter()
        .zip(starts);
    // Without a record that is young enough there is nothing to read.
    let ranges = ranges.filter_map(|(range, start)| {
        let from = start?.max(range.from);
        Some(OffsetRange { from, ..range })
    });
    Ok(Box::new(Replays {
        connection: Arc::clone(connection),
        since,
        traces: decode(connection, places, ranges.collect())?,
        ready: VecDeque::new(),
    }))
}

/// Reads ranges, each of a topic of `places`, and decodes what is read on a thread of its own, beside the caller's work.
fn decode(
    connection: &Arc<Connection>,
    places: BTreeMap<String, ReplayTarget>,
    ranges: Vec<OffsetRange>,
) -> Result<mpsc::Receiver<Result<Vec<ReplayTrace>>>> {
    let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
    let (sender, traces) = mpsc::channel(CHUNKS);
    let connection = Arc::clone(connection);
    threads::spawn("pf-kafka-replays", move || {
        while let Some(reads) = reader.blocking_next() {
            let traces = reads.map(|reads| {
                let reads = reads.into_iter();
                let traces = reads.filter_map(|read| {
                    let target = places.get(&*read.topic)?.clone();
                    trace(&connection, read, target)
                });
                traces.collect()
            });
            if sender.blocking_send(traces).is_err() {
                return;
            }
        }
    })?;
    Ok(traces)
}

/// Returns the topics that may hold replays to these targets, each with the target that it is. A dead letter of another
/// program is replayed to its topic, whatever group gave it up.
fn places(
    connection: &Connection,
    targets: &[ReplayTarget],
) -> Result<BTreeMap<String, ReplayTarget>> {
    let names = connection.names();
    let mut places = BTreeMap::new();
    for target in targets {
        let topic = &target.topic;
        let to_all = ReplayTarget {
            topic: topic.clone(),
            group: None,
        };
        // Nothing is replayed to what cannot be a topic, as one that holds dead letters.
        let Ok(name) = names.topic_name(topic) else {
            continue;
        };
        places.insert(name, to_all);
        if let Some(group) = &target.group {
            places.insert(names.retry_topic(group, topic)?, target.clone());
        }
    }
    Ok(places)
}

struct Replays {
    connection: Arc<Connection>,
    since: SystemTime,
    traces: mpsc::Receiver<Result<Vec<ReplayTrace>>>,
    ready: VecDeque<ReplayTrace>,
}

#[async_trait]
impl ReplayScan for Replays {
    async fn next(&mut self, max: usize) -> Result<Vec<ReplayTrace>> {
        while self.ready.is_empty() {
            match self.traces.recv().await.transpose()? {
                Some(traces) => self.ready.extend(traces),
                None => return Ok(Vec::new()),
            }
        }
        let count = self.ready.len().min(max.max(1));
        Ok(self.ready.drain(..count).collect())
    }

    async fn may_be_gone(&mut self, target: &ReplayTarget) -> Result<Option<String>> {
        if let Some(group) = &target.group {
            let reason = format!("compaction removes what `{group}` has settled");
            return Ok(Some(reason));
        }
        let topics = &self.connection.topics;
        let Ok(name) = self.connection.names().topic_name(&target.topic) else {
            return Ok(None);
        };
        let Some(count) = topics.partitions(&name).await? else {
            return Ok(Some(format!("there is no topic `{name}` any more")));
        };
        let settings = topics.settings(std::slice::from_ref(&name)).await?;
        let policy = settings.into_iter().flatten().next();
        let policy = policy.and_then(|mut settings| settings.remove("cleanup.policy"));
        if policy.is_some_and(|policy| policy.contains("compact")) {
            return Ok(Some(format!(
                "compaction may have removed it from `{name}`"
            )));
        }
        let parts: Vec<_> = (0..count).map(|one| (name.clone(), one)).collect();
        let starts = topics.offsets_at_time(parts.clone(), self.since).await?;
        let ranges = topics.ranges(parts).await?;
        // Records are deleted at the front: one that is older and still there shows that no younger one was.
        let is_cut = |(range, start): (&OffsetRange, &Option<i64>)| {
            let keeps_older = start.map_or(!range.is_empty(), |start| start > range.from);
            range.from > 0 && !keeps_older
        };
        let is_cut = ranges.iter().zip(&starts).any(is_cut);
        Ok(is_cut.then(|| format!("records were deleted at the front of `{name}` since")))
    }
}

/// Returns the dead letter in the key of a replay in a retry topic.
pub(super) fn id_in(key: &[u8]) -> Option<DeadLetterId> {
    let key = std::str::from_utf8(key).ok()?;
    Some(DeadLetterId::from_stored(key.strip_prefix(KEY)?))
}

fn trace(
    connection: &Connection,
    read: FetchedRecord,
    target: ReplayTarget,
) -> Option<ReplayTrace> {
    let position = Position::new(format!("{}/{}/{}", read.topic, read.partition, read.offset));
    let trace = |replay_of, kind| ReplayTrace {
        replay_of,
        position,
        target,
        kind,
    };
    let in_retries = connection.names().is_retries(&read.topic);
    if in_retries && read.payload.is_none() {
        let id = id_in(read.key.as_deref()?)?;
        return Some(trace(id, TraceKind::Settled));
    }
    if let Some(lineage) = read.marks.get(LINEAGE) {
        let lineage: Lineage = serde_json::from_slice(lineage).ok()?;
        // A digest does not contain the topic.
        let topic: Topic = "replayed".parse().ok()?;
        let digest = MessageDigest::of(&read.message(topic));
        return Some(trace(lineage.replay_of, TraceKind::Message(digest)));
    }
    let is_own = read
        .key
        .as_deref()
        .is_some_and(|key| key.starts_with(KEY.as_bytes()));
    let (waiting, message) = delayed_record::decode(read)?;
    let digest = MessageDigest::of(&message);
    // A message that was replayed to a topic has a retry as well, which is no replay to the group.
    let lineage = waiting.lineage.filter(|_| is_own)?;
    let kind = match waiting.position {
        None => TraceKind::Message(digest),
        Some(_) => TraceKind::Retry(digest),
    };
    Some(trace(lineage.replay_of, kind))
}
