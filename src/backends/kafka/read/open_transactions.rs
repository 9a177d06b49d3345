//! Records behind an open transaction: confirmed, and shown to no reader of committed records until it ends.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use super::partition_reader::{OffsetRange, PartitionReader};
use crate::{
    backends::kafka::{
        connection::{
            client::settings::Isolation,
            handle::{Connection, Watermarks, blocking},
        },
        consume::{assignment::partition::Kind, session::Shared},
        error::error,
    },
    transport::{ErrorKind, Result, TransportError},
};

/// What is fewer is counted record by record; else it is by offsets.
const FEW: i64 = 1000;
/// Transactions that are open for less are nothing to speak of where lists are read.
const BRIEF: Duration = Duration::from_secs(2);
/// How often a member looks, and how long it rests at least for each of its partitions.
const LOOK: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_millis(100);
/// The same while it has none.
const UNASSIGNED: Duration = Duration::from_millis(250);

/// What an open transaction hides of a topic.
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
    /// Says how many records wait, and since when.
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
        age.is_some_and(|age| age >= BRIEF)
    }
}

/// Returns the offsets behind the last records of partitions, also of those of transactions that are open.
pub(crate) async fn ends(
    connection: &Arc<Connection>,
    places: &[(String, i32)],
) -> Result<Vec<i64>> {
    let (connection, places) = (Arc::clone(connection), places.to_vec());
    blocking(move || {
        let places = places.iter();
        places
            .map(|(name, partition)| connection.high(name, *partition))
            .collect()
    })
    .await
}

/// Finds what open transactions hide of partitions, by topic.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    places: Vec<(String, i32)>,
) -> Result<Vec<BlockedRecords>> {
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let ends = ends(connection, &places).await?;
    // Asked for afterwards: what has come since then is not taken for hidden.
    let bounds = connection.bounds(places.clone()).await?;
    let mut by_topic: BTreeMap<String, Vec<OffsetRange>> = BTreeMap::new();
    for (((topic, partition), bounds), end) in places.into_iter().zip(bounds).zip(ends) {
        if bounds.high < end {
            let hidden = by_topic.entry(topic.clone()).or_default();
            hidden.push(span((topic, partition), bounds, end));
        }
    }
    let mut found = Vec::new();
    for (name, spans) in by_topic {
        found.extend(count(connection, name, spans).await?);
    }
    Ok(found)
}

fn span((topic, partition): (String, i32), bounds: Watermarks, end: i64) -> OffsetRange {
    OffsetRange {
        topic,
        partition,
        from: bounds.high,
        until: Some(end),
    }
}

/// Counts what is hidden of a topic; nothing if the transaction has left only marks.
async fn count(
    connection: &Arc<Connection>,
    name: String,
    mut spans: Vec<OffsetRange>,
) -> Result<Option<BlockedRecords>> {
    let partition = spans.first().map_or(0, |span| span.partition);
    let length = |span: &OffsetRange| span.until.unwrap_or(span.from) - span.from;
    let offsets: i64 = spans.iter().map(length).sum();
    if offsets > FEW {
        // The first of each tells since when.
        for span in &mut spans {
            span.until = Some(span.from + 1);
        }
    }
    let mut reader = PartitionReader::open(connection, spans, Isolation::Uncommitted)?;
    let (mut records, mut since) = (0, None);
    while let Some(chunk) = reader.next().await? {
        records += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
        since = chunk.iter().map(|read| read.time).chain(since).min();
    }
    if offsets > FEW {
        records = offsets;
    }
    Ok((records > 0).then_some(BlockedRecords {
        name,
        partition,
        records,
        since,
    }))
}

/// Returns a warning of what is hidden of partitions, for a reader; none is returned where nobody answers.
pub(crate) async fn warnings(
    connection: &Arc<Connection>,
    places: Vec<(String, i32)>,
) -> Vec<TransportError> {
    let found = find(connection, places).await.unwrap_or_else(|failed| {
        tracing::debug!(%failed, "looking for open transactions");
        Vec::new()
    });
    let warning = |hidden: BlockedRecords| error(ErrorKind::Warning, hidden.text(connection));
    found.into_iter().map(warning).collect()
}

/// Notes a warning of what is hidden of partitions that are listed.
pub(crate) async fn note(connection: &Arc<Connection>, places: Vec<(String, i32)>) -> Result<()> {
    let found = find(connection, places).await?;
    let old = found.iter().filter(|hidden| hidden.is_old());
    connection.warn(old.map(|hidden| format!("kafka: {}", hidden.text(connection))));
    Ok(())
}

/// Looks for as long as a membership lasts whether an open transaction hides something of its partitions, and says so once.
pub(crate) async fn watch(shared: Arc<Shared>) {
    let mut told = HashSet::new();
    let mut is_first = true;
    loop {
        let places: Vec<(String, i32)> = {
            let desk = shared.desk();
            let parts = desk.parts.values();
            let parts = parts.filter(|part| matches!(part.kind, Kind::Messages { .. }));
            parts
                .map(|part| (part.name.to_string(), part.partition))
                .collect()
        };
        let each = EACH.saturating_mul(u32::try_from(places.len()).unwrap_or(u32::MAX));
        let pause = if places.is_empty() {
            UNASSIGNED
        } else {
            LOOK.max(each)
        };
        let has_places = !places.is_empty();
        match find(&shared.connection, places).await {
            Ok(found) => {
                let found = found.into_iter();
                for hidden in found.filter(|hidden| is_first || hidden.is_old()) {
                    let warning = error(ErrorKind::Warning, hidden.text(&shared.connection));
                    if told.insert((hidden.name, hidden.since)) {
                        shared.fail(warning);
                    }
                }
            }
            Err(failed) => tracing::debug!(%failed, "looking for open transactions"),
        }
        is_first &= !has_places;
        tokio::time::sleep(pause).await;
    }
}
