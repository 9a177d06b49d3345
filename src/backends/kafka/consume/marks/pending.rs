//! Whether a group may still settle a delivery on which a run began: it has not committed it, or it waits as a retry.
//!
//! Asked only of beginnings without an end, so seldom.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;

use crate::{
    backends::kafka::{
        codec::{
            record::{self, FetchedRecord, ParsedPosition},
            topic_partition::OffsetRange,
        },
        connection::{client::settings::Isolation, handle::Connection},
        consume::offsets::{commit_metadata, new_group, resume::Committed},
        delay::delayed_record,
        read::partition_reader::PartitionReader,
    },
    event::{Group, Position},
    transport::{Beginning, Result},
};

/// Reports whether a delivery is in flight to its group, or will be. A position of another store is believed.
pub(super) async fn is_pending(
    connection: &Arc<Connection>,
    beginning: &Beginning,
) -> Result<bool> {
    let Beginning { group, position } = beginning;
    let Some(at) = record::parse_position(position) else {
        return Ok(true);
    };
    // The replay of a letter that had no position: it is its place among the retries.
    if connection.names().is_retries(at.topic.as_str()) {
        return waits_in(connection, group, at.topic.as_str(), position).await;
    }
    let name = connection.names().topic_name(&at.topic)?;
    if is_unsettled(connection, group, name, &at).await? {
        return Ok(true);
    }
    let retries = connection.names().retry_topic(group, &at.topic)?;
    waits_in(connection, group, &retries, position).await
}

/// Reports whether a group will get a message for the first time, or has not settled it.
async fn is_unsettled(
    connection: &Arc<Connection>,
    group: &Group,
    name: String,
    at: &ParsedPosition,
) -> Result<bool> {
    let partitions = connection.topics.fetch_partitions(&name).await?;
    if partitions.is_none_or(|partitions| partitions <= at.partition) {
        return Ok(false);
    }
    let places = vec![(name, at.partition)];
    let bounds = connection.topics.watermarks(places.clone()).await?;
    let is_stored = bounds.first().is_some_and(|bounds| bounds.low <= at.offset);
    if !is_stored {
        return Ok(false);
    }
    let committed = new_group::committed_positions(connection, group, places).await?;
    let Some(Committed { offset, metadata }) = committed.into_iter().next().flatten() else {
        return Ok(true);
    };
    let runs = commit_metadata::runs(offset, &metadata);
    let is_behind = |(from, to): &(i64, i64)| (*from..*to).contains(&at.offset);
    Ok(at.offset >= offset && !runs.iter().any(is_behind))
}

/// Reports whether a retry topic has a message.
async fn waits_in(
    connection: &Arc<Connection>,
    group: &Group,
    topic: &str,
    position: &Position,
) -> Result<bool> {
    let Some(partitions) = connection.topics.fetch_partitions(topic).await? else {
        return Ok(false);
    };
    let places = (0..partitions).map(|partition| (topic.to_owned(), partition));
    let places: Vec<(String, i32)> = places.collect();
    let committed = new_group::committed_offsets(connection, group, places.clone()).await?;
    let mut ranges = connection.topics.ranges(places).await?;
    for (range, committed) in ranges.iter_mut().zip(committed) {
        // Before it, all have ended.
        range.from = committed.unwrap_or(range.from).max(range.from);
    }
    ranges.retain(|range: &OffsetRange| !range.is_empty());
    let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
    let mut waiting: HashSet<Bytes> = HashSet::new();
    while let Some(chunk) = reader.next().await? {
        for read in chunk {
            let Some(key) = read.key.clone() else {
                continue;
            };
            if is_of(read, position) {
                waiting.insert(key);
            } else {
                waiting.remove(&key);
            }
        }
    }
    Ok(!waiting.is_empty())
}

/// Reports whether a record is the retry of a message.
fn is_of(read: FetchedRecord, position: &Position) -> bool {
    let place = format!("{}/{}/{}", read.topic, read.partition, read.offset);
    let waiting = delayed_record::decode(read);
    waiting.is_some_and(|(waiting, _)| match waiting.position {
        Some(original) => original == *position,
        None => place == position.as_str(),
    })
}
