//! Which replays a group has settled.
//!
//! A replay to the group is a record of its retry topic, which a tombstone of the same key ends. One to the topic is settled
//! once the group's committed position, or the runs in its metadata, cover the offset; unless the group has stored it for a
//! retry, which is a record of the retry topic as well. The position is read first: a retry is stored before its offset is
//! committed.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::SystemTime,
};

use super::replays::{self, CLOCK_SKEW};
use crate::{
    backends::kafka::{
        codec::{record, topic_partition::OffsetRange},
        connection::{client::settings::Isolation, handle::Connection},
        consume::offsets::{new_group, offset_tracker::OffsetTracker, resume::Committed},
        delay::delayed_record,
        read::partition_reader::PartitionReader,
    },
    event::{Group, Topic},
    transport::{DeadLetterId, Replayed, Result, Settled},
};

/// Where a replay to a topic is stored.
type Place = (String, i32);

/// Reports of each replay whether a group has settled it.
pub(crate) async fn settled(
    connection: &Arc<Connection>,
    group: &Group,
    replays: &[Replayed],
) -> Result<Vec<Settled>> {
    let places: Vec<_> = replays.iter().map(|one| place(connection, one)).collect();
    let mut asked: Vec<Place> = places.iter().flatten().map(|at| at.0.clone()).collect();
    asked.sort_unstable();
    asked.dedup();
    let positions = new_group::committed_positions(connection, group, asked.clone()).await?;
    let positions: HashMap<_, _> = asked.into_iter().zip(positions).collect();
    let topics: HashSet<_> = replays.iter().map(|one| &one.target.topic).collect();
    let mut retries = Retries::default();
    let since = replays.iter().map(|one| one.since).min();
    let since = since.unwrap_or_else(SystemTime::now);
    for topic in topics {
        retries.read(connection, group, topic, since).await?;
    }
    let unknown = |reason: &str| Settled::Unknown(reason.to_owned());
    let judge = |(replay, place): (&Replayed, &Option<(Place, i64)>)| match retries.find(replay) {
        Some(true) => Settled::No,
        Some(false) => Settled::Yes,
        None if replay.target.group.is_some() => unknown("compaction may have removed it"),
        None => match place {
            None => unknown("its message is not in the topic"),
            Some((at, offset)) => match positions.get(at) {
                Some(Some(position)) if is_behind(position, *offset) => Settled::Yes,
                Some(Some(_)) => Settled::No,
                _ => unknown("the group has no position on this topic"),
            },
        },
    };
    Ok(replays.iter().zip(&places).map(judge).collect())
}

/// Returns where a replay to a topic is stored; none for one to a group.
fn place(connection: &Connection, replay: &Replayed) -> Option<(Place, i64)> {
    let position = replay.position.as_ref()?;
    let parsed = record::parse_position(position)?;
    let name = parsed.topic.as_str().to_owned();
    let is_retry = connection.names().is_retries(&name);
    (!is_retry).then_some(((name, parsed.partition), parsed.offset))
}

fn is_behind(position: &Committed, offset: i64) -> bool {
    let mut tracker = OffsetTracker::new(position.offset, &position.metadata);
    offset < position.offset || !tracker.is_new(offset)
}

/// What a group's retry topics say of replays.
#[derive(Debug, Default)]
struct Retries {
    /// The keys under which messages are stored until they are settled.
    open: HashMap<Vec<u8>, DeadLetterId>,
    ended: HashSet<DeadLetterId>,
}

impl Retries {
    /// Reports whether a replay is due for retry (or still to be delivered), or ended; `None` if there is no record of it.
    fn find(&self, replay: &Replayed) -> Option<bool> {
        let id = &replay.replay_of;
        if self.open.values().any(|open| open == id) {
            return Some(true);
        }
        self.ended.contains(id).then_some(false)
    }

    async fn read(
        &mut self,
        connection: &Arc<Connection>,
        group: &Group,
        topic: &Topic,
        since: SystemTime,
    ) -> Result<()> {
        let name = connection.names().retry_topic(group, topic)?;
        let count = connection.topics.partitions(&name).await?.unwrap_or(0);
        let parts: Vec<_> = (0..count).map(|one| (name.clone(), one)).collect();
        let since = since.checked_sub(CLOCK_SKEW).unwrap_or(since);
        let starts = connection.topics.offsets_at_time(parts.clone(), since);
        let starts = starts.await?;
        let ranges = connection.topics.ranges(parts).await?.into_iter();
        let ranges = ranges.zip(starts).filter_map(|(range, start)| {
            let from = start?.max(range.from);
            Some(OffsetRange { from, ..range })
        });
        let ranges = ranges.collect();
        let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
        while let Some(reads) = reader.next().await? {
            for read in reads {
                let Some(key) = read.key.as_deref().map(<[u8]>::to_vec) else {
                    continue;
                };
                if read.payload.is_some() {
                    let waiting = delayed_record::decode(read).map(|(waiting, _)| waiting);
                    if let Some(lineage) = waiting.and_then(|waiting| waiting.lineage) {
                        self.open.insert(key, lineage.replay_of);
                    }
                } else if let Some(id) = replays::id_in(&key) {
                    self.open.remove(&key);
                    self.ended.insert(id);
                } else if let Some(id) = self.open.remove(&key) {
                    self.ended.insert(id);
                }
            }
        }
        Ok(())
    }
}
