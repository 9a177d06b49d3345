//! The topic in which earlier versions kept the retries of all topics of a group: whether it is there, and what of it is
//! still to be moved.

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
        connection::{
            client::{
                self,
                errors::ClientErrors,
                settings::{self, Isolation},
            },
            group_members,
            handle::{self, Connection},
        },
        consume::{
            assignment::partition::{Kind, PartId},
            session::Shared,
        },
        delay::delayed_record,
        error::{self, error},
        read::partition_reader::{OffsetRange, PartitionReader},
    },
    event::{Group, Topic},
    transport::{ErrorKind, Result},
};

/// For how long a bounded member waits for others to move what is due, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(100);

/// Looks whether the topic is there.
pub(crate) async fn find(
    connection: &Arc<Connection>,
    group: &Group,
) -> Result<Option<RetryTopic>> {
    let name = connection.names().legacy_retry_topic(group)?;
    let partitions = connection.count_partitions(&name).await?;
    Ok(partitions.map(|partitions| RetryTopic {
        name: name.into(),
        partitions,
    }))
}

/// Counts the retries that wait in a topic, by partition; `counts` chooses by topic and the time when they are due, in
/// milliseconds since the epoch.
pub(crate) async fn waiting(
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

/// Returns what of the topic may still hold something: nothing waits before the positions of the group.
async fn spans(
    connection: &Arc<Connection>,
    group: &Group,
    legacy: &RetryTopic,
) -> Result<Vec<OffsetRange>> {
    let places: Vec<(String, i32)> = (0..legacy.partitions)
        .map(|partition| (legacy.name.to_string(), partition))
        .collect();
    let bounds = connection.bounds(places.clone()).await?;
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
        let asking = |failed| error::from_kafka(failed, "asking for the positions of a group");
        let mut asked = TopicPartitionList::new();
        for (topic, partition) in &places {
            asked.add_partition(topic, *partition);
        }
        // It asks in the name of the group, and never joins it.
        let settings = settings::consumer(&config, group.as_str(), 1);
        let client: BaseConsumer<ClientErrors> =
            client::create(&settings, ClientErrors::default())?;
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

/// Lets a bounded member end once what was due of its topics was moved, by itself or by others of the group; tells who
/// has it otherwise.
pub(crate) async fn wait_until_moved(shared: Arc<Shared>, legacy: RetryTopic, joined: i64) {
    let until = Instant::now() + PATIENCE;
    loop {
        match left(&shared, &legacy, joined).await {
            Ok(left) if left.is_empty() => break,
            Ok(left) if Instant::now() >= until => {
                tell(&shared, &legacy, &left).await;
                break;
            }
            Err(failed) if Instant::now() >= until => {
                shared.fail(failed);
                break;
            }
            Ok(_) => {}
            Err(failed) => tracing::debug!(%failed, "it is looked again"),
        }
        tokio::time::sleep(LOOK).await;
    }
    // What was moved stands behind the end that was found when these became ours.
    let taken = Arc::clone(&shared);
    let raised = handle::blocking(move || raise_barriers(&taken)).await;
    if let Err(failed) = raised {
        shared.fail(failed);
    }
    shared.desk().awaits_legacy = false;
    shared.wake();
}

async fn left(shared: &Shared, legacy: &RetryTopic, joined: i64) -> Result<BTreeMap<i32, usize>> {
    let spans = spans(&shared.connection, &shared.group, legacy).await?;
    waiting(&shared.connection, spans, |topic, due| {
        let name = shared.connection.names().topic_name(topic);
        due <= joined && name.is_ok_and(|name| shared.desk().sources.get(&name).is_some())
    })
    .await
}

async fn tell(shared: &Shared, legacy: &RetryTopic, left: &BTreeMap<i32, usize>) {
    let (name, count) = (&legacy.name, left.values().sum::<usize>());
    let members = group_members::list(&shared.connection, &shared.group).await;
    let members = members.ok().flatten().unwrap_or_default();
    let holds = |member: &group_members::Listed| {
        let mut assigned = member.assigned.iter();
        assigned.any(|(topic, partition)| **topic == **name && left.contains_key(partition))
    };
    let is_ours = |partition: &i32| shared.desk().part(name, *partition).is_some();
    let holders: BTreeSet<&str> = members
        .iter()
        .filter(|member| holds(member))
        .map(|member| member.name.as_str())
        .collect();
    let why = if left.keys().all(is_ours) {
        "this member has not moved them yet".to_owned()
    } else if holders.is_empty() {
        "nobody has moved them".to_owned()
    } else {
        let holders: Vec<&str> = holders.into_iter().collect();
        format!("their partitions are with {}", holders.join(", "))
    };
    let message = format!("{count} retries that are due still wait in `{name}`: {why}");
    let told = error(ErrorKind::Warning, message);
    shared.fail(told.hint("members of an earlier version hand them out themselves; upgrade them"));
}

fn raise_barriers(shared: &Shared) -> Result<()> {
    let parts: Vec<(PartId, Arc<str>, i32)> = {
        let desk = shared.desk();
        let parts = desk.parts.iter().filter(|(_, part)| match &part.kind {
            Kind::Retries(retries) => !retries.is_legacy(),
            Kind::Messages { .. } => false,
        });
        parts
            .map(|(id, part)| (*id, Arc::clone(&part.name), part.partition))
            .collect()
    };
    for (id, name, partition) in parts {
        let high = shared.connection.high(&name, partition)?;
        if let Some(retries) = shared.desk().retries(id) {
            retries.barrier = retries.barrier.max(high);
        }
    }
    Ok(())
}
