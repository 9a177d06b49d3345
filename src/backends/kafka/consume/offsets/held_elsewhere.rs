//! Records before the end of a bounded subscription in partitions of other members of the group.
//!
//! A member ends when its own partitions are done; the rest of the topic is with the others, and only their commits show how
//! much of it is left. Offsets may be markers of transactions, so that few are counted record by record.

use std::sync::Arc;

use super::new_group::committed_offsets;
use crate::{
    backends::kafka::{
        codec::topic_partition::{OffsetRange, TopicPartition},
        connection::{client::settings::Isolation, handle::Connection},
        read::open_transactions::count_records,
    },
    event::Group,
    transport::{HeldElsewhere, Result},
};

/// Counts the records that a group has not settled in partitions, each with its end.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    group: &Group,
    partitions: Vec<(TopicPartition, i64)>,
) -> Result<Option<HeldElsewhere>> {
    if partitions.is_empty() {
        return Ok(None);
    }
    let places = partitions
        .iter()
        .map(|(at, _)| (at.topic.to_string(), at.partition));
    let places: Vec<(String, i32)> = places.collect();
    let committed = committed_offsets(connection, group, places.clone()).await?;
    let bounds = connection.topics.watermarks(places).await?;
    let mut ranges = Vec::new();
    for (((at, end), committed), bounds) in partitions.into_iter().zip(committed).zip(bounds) {
        ranges.push(OffsetRange {
            topic: at.topic.to_string(),
            partition: at.partition,
            from: committed.unwrap_or(bounds.low).max(bounds.low),
            until: Some(end.min(bounds.high)),
        });
    }
    ranges.retain(|range| !range.is_empty());
    let counted = count_records(connection, ranges, Isolation::Committed).await?;
    let count = u64::try_from(counted.records).unwrap_or(0);
    Ok((count > 0).then_some(HeldElsewhere { count, until: None }))
}
