//! The lag of a group: the records of its topics behind its committed offsets.
//!
//! Commits are at most 100 ms old, and name the first record that is not settled. A retry is behind them: it is stored again,
//! in a topic of the group.

use std::{sync::Arc, time::SystemTime};

use super::new_group::committed_offsets;
use crate::{
    backends::kafka::{
        codec::topic_partition::{OffsetRange, TopicPartition},
        connection::{
            client::settings::Isolation,
            handle::{Connection, blocking},
        },
        read::{offset_fetcher::OffsetFetcher, open_transactions::count_records},
    },
    event::{Group, Pattern, Topic},
    transport::{Backlog, Result},
};

/// How many offsets are looked at for the time of the oldest record: those of markers of transactions have no record.
const LOOKED_AT: i64 = 8;

/// Returns the lag of a group, topic by topic.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    group: &Group,
    patterns: &[Pattern],
    fetcher: &Arc<OffsetFetcher>,
) -> Result<Vec<Backlog>> {
    let topics = connection.topics.matching(patterns).await?;
    let places = topics.iter().flat_map(|(_, name, partitions)| {
        (0..*partitions).map(|partition| (name.clone(), partition))
    });
    let places: Vec<(String, i32)> = places.collect();
    let committed = committed_offsets(connection, group, places.clone()).await?;
    let bounds = connection.topics.watermarks(places.clone()).await?;
    let unread = places.into_iter().zip(committed).zip(bounds);
    let unread = unread.map(|(((topic, partition), committed), bounds)| OffsetRange {
        topic,
        partition,
        from: committed.unwrap_or(bounds.low).max(bounds.low),
        until: Some(bounds.high),
    });
    let unread: Vec<OffsetRange> = unread.filter(|range| !range.is_empty()).collect();
    let mut backlog = Vec::new();
    for (topic, name, _) in topics {
        let ranges: Vec<_> = unread
            .iter()
            .filter(|range| range.topic == name)
            .cloned()
            .collect();
        backlog.push(of_topic(connection, topic, ranges, fetcher).await?);
    }
    Ok(backlog)
}

async fn of_topic(
    connection: &Arc<Connection>,
    topic: Topic,
    ranges: Vec<OffsetRange>,
    fetcher: &Arc<OffsetFetcher>,
) -> Result<Backlog> {
    let mut backlog = Backlog {
        topic: Some(topic),
        messages: 0,
        oldest: None,
    };
    if !ranges.is_empty() {
        let (own, firsts) = (Arc::clone(fetcher), ranges.clone());
        backlog.oldest = blocking(move || oldest(&own, &firsts)).await?;
        let counted = count_records(connection, ranges, Isolation::Committed).await?;
        backlog.messages = u64::try_from(counted.records).unwrap_or(0);
    }
    Ok(backlog)
}

/// Returns when the oldest of the first records was stored.
fn oldest(fetcher: &OffsetFetcher, ranges: &[OffsetRange]) -> Result<Option<SystemTime>> {
    let mut oldest: Option<SystemTime> = None;
    for range in ranges {
        let at = TopicPartition::new(range.topic.as_str(), range.partition);
        let end = range.from + LOOKED_AT;
        let offsets: Vec<i64> = (range.from..range.until.unwrap_or(end).min(end)).collect();
        let times = fetcher.read_some(&at, &offsets, 1)?;
        let times = times.into_iter().map(|record| record.time);
        oldest = times.chain(oldest).min();
    }
    Ok(oldest)
}
