//! The retry topic of an earlier version, which holds the retries of all topics of a group: whether it exists, and which of
//! its retries were not moved yet.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::sources::RetryTopic;
use crate::{
    backends::kafka::{
        codec::topic_partition::{OffsetRange, TopicPartition},
        connection::{
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            group_members,
            handle::{self, Connection},
        },
        consume::{
            assignment::partition::{AssignmentId, PartitionKind},
            session::Session,
        },
        delay::delayed_record,
        error::{self, error},
        read::partition_reader::PartitionReader,
    },
    event::{Group, Topic},
    transport::{ErrorKind, Result},
};

/// How long a bounded subscription waits for others to move due retries, and how often it checks.
const MOVE: Duration = Duration::from_secs(20);
const CHECK: Duration = Duration::from_millis(100);

/// Finds the topic.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    group: &Group,
) -> Result<Option<RetryTopic>> {
    let name = connection.names().legacy_retry_topic(group)?;
    let partitions = connection.topics.fetch_partitions(&name).await?;
    Ok(partitions.map(|partitions| RetryTopic {
        name: name.into(),
        partitions,
    }))
}

/// Counts the retries in ranges, by partition; `counts` selects by topic and due time, in milliseconds since the epoch.
pub(crate) async fn count(
    connection: &Arc<Connection>,
    spans: Vec<OffsetRange>,
    counts: impl Fn(&Topic, i64) -> bool,
) -> Result<BTreeMap<i32, usize>> {
    let mut left: HashSet<(i32, Bytes)> = HashSet::new();
    let mut reader = PartitionReader::open(connection, spans, Isolation::Committed)?;
    while let Some(reads) = reader.next().await? {
        for read in reads {
            let Some(key) = read.key.clone() else {
                continue;
            };
            let place = (read.partition, key);
            let waits = delayed_record::decode(read);
            if waits.is_some_and(|(story, _)| counts(&story.topic, story.due)) {
                left.insert(place);
            } else {
                left.remove(&place);
            }
        }
    }
    let mut counted = BTreeMap::new();
    for (partition, _) in left {
        *counted.entry(partition).or_default() += 1;
    }
    Ok(counted)
}

/// Returns the ranges of the topic that may hold retries: none is before the committed offsets of the group.
async fn ranges(
    connection: &Arc<Connection>,
    group: &Group,
    legacy: &RetryTopic,
) -> Result<Vec<OffsetRange>> {
    let places: Vec<(String, i32)> = (0..legacy.partitions)
        .map(|partition| (legacy.name.to_string(), partition))
        .collect();
    let bounds = connection.topics.watermarks(places.clone()).await?;
    let committed = committed(connection, group, &places).await?;
    let spans = places.into_iter().zip(bounds).zip(committed);
    let spans = spans.map(|(((topic, partition), bounds), committed)| OffsetRange {
        topic,
        partition,
        from: committed.unwrap_or(0).max(bounds.low),
        until: Some(bounds.high),
    });
    Ok(spans.collect())
}

async fn committed(
    connection: &Arc<Connection>,
    group: &Group,
    places: &[(String, i32)],
) -> Result<Vec<Option<i64>>> {
    let (config, group, places) = (connection.config.clone(), group.clone(), places.to_vec());
    handle::blocking(move || {
        let asking = |failed| error::from_kafka(failed, "asking for committed offsets");
        let mut asked = TopicPartitionList::new();
        for (topic, partition) in &places {
            asked.add_partition(topic, *partition);
        }
        // It has the id of the group, and never joins it.
        let settings = settings::consumer(&config, group.as_str(), 1);
        let client: BaseConsumer<Context> = client::create(&settings, Context::default())?;
        let found = client.committed_offsets(asked, config.timeout);
        let found = found.map_err(asking)?;
        let offset = |(topic, partition): &(String, i32)| {
            let place = found.find_partition(topic, *partition)?;
            match place.offset() {
                Offset::Offset(offset) => Some(offset),
                _ => None,
            }
        };
        Ok(places.iter().map(offset).collect())
    })
    .await
}

/// Lets a bounded subscription end once the due retries of its topics were moved, by this member or by others; reports
/// who has them otherwise.
pub(crate) async fn wait_until_moved(session: Arc<Session>, legacy: RetryTopic, joined: i64) {
    let until = Instant::now() + MOVE;
    loop {
        match left(&session, &legacy, joined).await {
            Ok(left) if left.is_empty() => break,
            Ok(left) if Instant::now() >= until => {
                report(&session, &legacy, &left).await;
                break;
            }
            Err(failed) if Instant::now() >= until => {
                session.fail(failed);
                break;
            }
            Ok(_) => {}
            Err(failed) => tracing::debug!(%failed, "legacy retries are counted again"),
        }
        tokio::time::sleep(CHECK).await;
    }
    // Moved retries are behind the ends that the retry partitions had when they were assigned.
    let taken = Arc::clone(&session);
    let raised = handle::blocking(move || raise_barriers(&taken)).await;
    if let Err(failed) = raised {
        session.fail(failed);
    }
    session.state().lifecycle.awaits_legacy_retries = false;
    session.wake();
}

async fn left(session: &Session, legacy: &RetryTopic, joined: i64) -> Result<BTreeMap<i32, usize>> {
    let ranges = ranges(&session.connection, &session.group, legacy).await?;
    count(&session.connection, ranges, |topic, due| {
        let name = session.connection.names().topic_name(topic);
        due <= joined && name.is_ok_and(|name| session.state().sources.get(&name).is_some())
    })
    .await
}

async fn report(session: &Session, legacy: &RetryTopic, left: &BTreeMap<i32, usize>) {
    let (name, count) = (&legacy.name, left.values().sum::<usize>());
    let members = group_members::list(&session.connection, &session.group).await;
    let members = members.ok().flatten().unwrap_or_default();
    let holds = |member: &group_members::Listed| {
        let mut assigned = member.assigned.iter();
        assigned.any(|(topic, partition)| **topic == **name && left.contains_key(partition))
    };
    let is_ours = |partition: &i32| {
        let at = TopicPartition::new(Arc::clone(name), *partition);
        session.state().assignment.id(&at).is_some()
    };
    let holders: BTreeSet<&str> = members
        .iter()
        .filter(|member| holds(member))
        .map(|member| member.name.as_str())
        .collect();
    let why = if left.keys().all(is_ours) {
        "this member has not moved them yet".to_owned()
    } else if holders.is_empty() {
        "no member has moved them".to_owned()
    } else {
        let holders: Vec<&str> = holders.into_iter().collect();
        format!("their partitions are with {}", holders.join(", "))
    };
    let message = format!("{count} due retries are still in `{name}`: {why}");
    let told = error(ErrorKind::Warning, message);
    session.fail(told.hint("members of an earlier version deliver them themselves; upgrade them"));
}

fn raise_barriers(session: &Session) -> Result<()> {
    let partitions: Vec<(AssignmentId, TopicPartition)> = {
        let state = session.state();
        let partitions = state.assignment.partitions.iter();
        let retries = partitions.filter(|(_, partition)| match &partition.kind {
            PartitionKind::Retries(retries) => !retries.is_legacy(),
            PartitionKind::Messages { .. } => false,
        });
        retries
            .map(|(id, partition)| (*id, partition.at.clone()))
            .collect()
    };
    for (id, at) in partitions {
        let high = session.watermarks(&at)?.high;
        if let Some(retries) = session.state().assignment.retry_partition(id) {
            retries.barrier = retries.barrier.max(high);
        }
    }
    Ok(())
}
