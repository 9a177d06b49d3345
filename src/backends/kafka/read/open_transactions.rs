//! Records behind an open transaction: stored, but invisible to readers of committed records until it ends.
//!
//! Such readers get nothing behind the last stable offset, so one producer that stopped in a transaction holds up every
//! group of a topic until its transaction times out. It looks like an empty topic, hence the warnings.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::partition_reader::PartitionReader;
use crate::{
    backends::kafka::{
        codec::topic_partition::{OffsetRange, TopicPartition, Watermarks},
        connection::{
            client::settings::Isolation,
            handle::{Connection, blocking},
            topics,
        },
        error::error,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// Up to this many offsets are counted record by record.
const MAX_COUNTED: i64 = 1000;
/// Transactions that have been open for less are not reported where lists are read.
const USUAL: Duration = Duration::from_secs(2);
/// Records of a topic that an open transaction blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlockedRecords {
    /// Kafka's name of the topic.
    pub(crate) name: String,
    /// One of its partitions.
    pub(crate) partition: i32,
    pub(crate) records: i64,
    /// When the first of them was stored.
    pub(crate) since: Option<SystemTime>,
}

impl BlockedRecords {
    /// Describes how many records are blocked, and since when.
    pub(crate) fn text(&self, connection: &Connection) -> String {
        let topic = connection.names().topic(&self.name);
        let topic = topic.map_or_else(|| self.name.clone(), |topic| topic.to_string());
        let records = match self.records {
            1 => "1 record of".to_owned(),
            count => format!("{count} records of"),
        };
        let since = self.since.map_or_else(String::new, |since| {
            format!(", open since {}", humantime::format_rfc3339_seconds(since))
        });
        format!("{records} `{topic}` cannot be read before a transaction ends{since}")
    }

    /// Reports whether the transaction has been open for longer than most are.
    pub(crate) fn is_old(&self) -> bool {
        let age = self.since.and_then(|since| since.elapsed().ok());
        age.is_some_and(|age| age >= USUAL)
    }
}

/// Returns the offsets behind the last records of partitions, with those of open transactions.
pub(crate) async fn ends(
    connection: &Arc<Connection>,
    places: &[(String, i32)],
) -> Result<Vec<i64>> {
    let (connection, places) = (Arc::clone(connection), places.to_vec());
    blocking(move || {
        let places = places.iter();
        places
            .map(|(name, partition)| {
                let at = TopicPartition::new(name.as_str(), *partition);
                Ok(connection.uncommitted_watermarks(&at)?.high)
            })
            .collect()
    })
    .await
}

/// Finds the records of partitions that open transactions block, by topic.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    places: Vec<(String, i32)>,
) -> Result<Vec<BlockedRecords>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let (ends, bounds) = extents(connection, &places).await?;
    blocked(connection, places, &bounds, &ends).await
}

/// Returns the offsets behind the last records of partitions, and between which committed records are.
async fn extents(
    connection: &Arc<Connection>,
    places: &[(String, i32)],
) -> Result<(Vec<i64>, Vec<Watermarks>)> {
    let ends = ends(connection, places).await?;
    // Read after the ends: records that are stored in between must not count as blocked.
    let bounds = connection.topics.watermarks(places.to_vec()).await?;
    Ok((ends, bounds))
}

async fn blocked(
    connection: &Arc<Connection>,
    places: Vec<(String, i32)>,
    bounds: &[Watermarks],
    ends: &[i64],
) -> Result<Vec<BlockedRecords>> {
    let mut by_topic: BTreeMap<String, Vec<OffsetRange>> = BTreeMap::new();
    for (((topic, partition), bounds), end) in places.into_iter().zip(bounds).zip(ends) {
        if bounds.high < *end {
            let blocked = by_topic.entry(topic.clone()).or_default();
            blocked.push(OffsetRange {
                topic,
                partition,
                from: bounds.high,
                until: Some(*end),
            });
        }
    }
    let mut found = Vec::new();
    for (name, spans) in by_topic {
        found.extend(count(connection, name, spans).await?);
    }
    Ok(found)
}

/// Counts blocked records of a topic; none if there are only markers of transactions.
async fn count(
    connection: &Arc<Connection>,
    name: String,
    spans: Vec<OffsetRange>,
) -> Result<Option<BlockedRecords>> {
    let partition = spans.first().map_or(0, |span| span.partition);
    let RecordCount { records, since } =
        count_records(connection, spans, Isolation::Uncommitted).await?;
    Ok((records > 0).then_some(BlockedRecords {
        name,
        partition,
        records,
        since,
    }))
}

/// The number of records in ranges of offsets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordCount {
    /// Of many offsets, their number, which includes markers of transactions.
    pub(crate) records: i64,
    /// When the first of them was stored.
    since: Option<SystemTime>,
}

/// Counts records, few of them one by one.
pub(crate) async fn count_records(
    connection: &Arc<Connection>,
    mut spans: Vec<OffsetRange>,
    isolation: Isolation,
) -> Result<RecordCount> {
    let length = |span: &OffsetRange| span.until.unwrap_or(span.from) - span.from;
    let offsets: i64 = spans.iter().map(length).sum();
    if offsets > MAX_COUNTED {
        // The first record of each partition has the time.
        for span in &mut spans {
            span.until = Some(span.from + 1);
        }
    }
    let mut reader = PartitionReader::open(connection, spans, isolation)?;
    let (mut records, mut since) = (0, None);
    while let Some(chunk) = reader.next().await? {
        records += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        since = chunk.iter().map(|read| read.time).chain(since).min();
    }
    if offsets > MAX_COUNTED {
        records = offsets;
    }
    Ok(RecordCount { records, since })
}

/// Returns warnings of blocked records for a reader; none if no broker answers.
pub(crate) async fn warnings(
    connection: &Arc<Connection>,
    places: Vec<(String, i32)>,
) -> Vec<TransportError> {
    let found = find(connection, places).await.unwrap_or_else(|failed| {
        tracing::debug!(%failed, "cannot look for open transactions");
        Vec::new()
    });
    let warning = |blocked: BlockedRecords| error(ErrorKind::Warning, blocked.text(connection));
    found.into_iter().map(warning).collect()
}

/// Notes warnings of records that are missing from a list because they are blocked; returns the committed ones as ranges.
pub(crate) async fn note(
    connection: &Arc<Connection>,
    places: Vec<(String, i32)>,
) -> Result<Vec<OffsetRange>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let (ends, bounds) = extents(connection, &places).await?;
    let found = blocked(connection, places.clone(), &bounds, &ends).await?;
    let old = found.iter().filter(|blocked| blocked.is_old());
    connection.warn(old.map(|blocked| format!("kafka: {}", blocked.text(connection))));
    Ok(topics::ranges(places, bounds))
}
