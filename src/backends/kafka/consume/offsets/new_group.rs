//! Whether a group is new: only then `--from` applies.
//!
//! A group that existed before reads topics that were created while none of its members ran from their beginning.
//! Kafka forgets the offsets of a group that was empty for seven days; its retry topics show that it existed.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, KafkaResult},
};

use super::resume::Committed;
use crate::{
    backends::kafka::{
        connection::{
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            config::Config,
            handle::Connection,
        },
        consume::membership::join_errors,
        error,
    },
    event::{Group, Topic},
    transport::{ErrorKind, Result, StartFrom},
};

/// How long an answer may take: the first group of a cluster waits for its coordinator.
const COORDINATOR: Duration = Duration::from_secs(10);
/// After this long without an answer, the client's errors are read.
const ANSWER: Duration = Duration::from_secs(2);
/// How often the client is polled for its errors.
const POLLS: usize = 10;
/// How long a group has to be without members and offsets until it is certain that no other member is starting.
const QUIET: Duration = Duration::from_secs(2);
/// How often that is checked.
const CHECK: Duration = Duration::from_millis(200);

/// What the cluster knows of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupHistory {
    /// Nothing.
    New,
    /// It has committed offsets.
    Known,
    /// It existed before, and its offsets expired.
    Expired,
}

impl GroupHistory {
    /// Reads the history of a group, before any topic is created for it.
    pub(crate) async fn read(
        connection: &Arc<Connection>,
        group: &Group,
        topics: &[(Topic, String, i32)],
        from: StartFrom,
    ) -> Result<Self> {
        let all = connection.topics.all().await?;
        let mut own = vec![connection.names().legacy_retry_topic(group)?];
        for (topic, ..) in topics {
            own.push(connection.names().retry_topic(group, topic)?);
        }
        let existed = all.iter().any(|(name, _)| own.contains(name));
        let users = all.into_iter().filter(|(name, _)| !name.starts_with("__"));
        let places = users.flat_map(|(name, count)| (0..count).map(move |one| (name.clone(), one)));
        let places: Vec<(String, i32)> = places.collect();
        if has_offsets(connection, group, places.clone()).await? {
            return Ok(Self::Known);
        }
        if !existed {
            return Ok(Self::New);
        }
        // Then it starts at the same offsets, whether another member is starting or the offsets expired.
        if from == StartFrom::Earliest {
            return Ok(Self::Expired);
        }
        wait_for_others(connection, group, places).await
    }

    /// Returns where the group starts in partitions without a committed offset.
    pub(crate) fn start(self, from: StartFrom) -> StartFrom {
        match self {
            Self::New => from,
            Self::Known | Self::Expired => StartFrom::Earliest,
        }
    }

    /// Returns the remark about where the group starts, if the user may expect something else.
    pub(crate) fn remark(self, group: &Group, from: StartFrom) -> Option<String> {
        match self {
            Self::New => Some(from.of_new(group)),
            Self::Known if from == StartFrom::Earliest => None,
            Self::Known => Some(format!(
                "group {group} is not new: it resumes where it was, and starts at the earliest event of topics that it has not read (`--from` is for new groups)"
            )),
            Self::Expired => Some(format!(
                "group {group} existed before, and the broker dropped its offsets: starts at the earliest event"
            )),
        }
    }
}

/// Waits for the offsets of another member, which may be starting and decides for all. Without one, the offsets expired.
async fn wait_for_others(
    connection: &Arc<Connection>,
    group: &Group,
    places: Vec<(String, i32)>,
) -> Result<GroupHistory> {
    let end = Instant::now() + COORDINATOR;
    let mut quiet = Instant::now();
    while quiet.elapsed() < QUIET && Instant::now() < end {
        tokio::time::sleep(CHECK).await;
        if has_offsets(connection, group, places.clone()).await? {
            return Ok(GroupHistory::Known);
        }
        if join_errors::has_members(connection, group).await? {
            quiet = Instant::now();
        }
    }
    Ok(GroupHistory::Expired)
}

/// Reports whether a group has a committed offset in one of these partitions.
async fn has_offsets(
    connection: &Arc<Connection>,
    group: &Group,
    places: Vec<(String, i32)>,
) -> Result<bool> {
    let offsets = committed_offsets(connection, group, places).await?;
    Ok(offsets.iter().any(Option::is_some))
}

/// Returns the offsets that a group has committed in partitions.
pub(crate) async fn committed_offsets(
    connection: &Arc<Connection>,
    group: &Group,
    places: Vec<(String, i32)>,
) -> Result<Vec<Option<i64>>> {
    let positions = committed_positions(connection, group, places).await?;
    let offsets = positions.into_iter();
    let offsets = offsets.map(|position| position.map(|position| position.offset));
    Ok(offsets.collect())
}

/// Returns what a group has committed in partitions.
pub(crate) async fn committed_positions(
    connection: &Arc<Connection>,
    group: &Group,
    places: Vec<(String, i32)>,
) -> Result<Vec<Option<Committed>>> {
    let (own, group) = (Arc::clone(connection), group.clone());
    connection
        .ask(move |_, config| {
            let mut settings = settings::reader(config, Isolation::Uncommitted, true);
            settings.set("group.id", group.as_str());
            let client: BaseConsumer<Context> = client::create(&settings, Context::default())?;
            let found = committed(&client, config, &places);
            let found = found.map_err(|failed| {
                let refused = failed
                    .rdkafka_error_code()
                    .and_then(|code| join_errors::refusal(code, &client, &own, &group));
                refused.unwrap_or_else(|| error::from_kafka(failed, "reading committed offsets"))
            });
            client::close_in_background(config, Some(client));
            found
        })
        .await
}

fn committed(
    client: &BaseConsumer<Context>,
    config: &Config,
    places: &[(String, i32)],
) -> KafkaResult<Vec<Option<Committed>>> {
    let mut asked = TopicPartitionList::new();
    for (topic, partition) in places {
        asked.add_partition(topic, *partition);
    }
    if asked.count() == 0 {
        return Ok(Vec::new());
    }
    let end = Instant::now() + COORDINATOR.max(config.timeout);
    loop {
        match client.committed_offsets(asked.clone(), config.timeout.min(ANSWER)) {
            Ok(found) => {
                let position = |(topic, partition): &(String, i32)| {
                    let found = found.find_partition(topic, *partition)?;
                    match found.offset() {
                        Offset::Offset(offset) => Some(Committed {
                            offset,
                            metadata: found.metadata().to_owned(),
                        }),
                        _ => None,
                    }
                };
                return Ok(places.iter().map(position).collect());
            }
            Err(failed) => {
                if let Some(refused) = refused(client) {
                    return Err(refused);
                }
                let passes =
                    error::from_kafka(failed.clone(), "reading committed offsets").is_transient();
                if !passes || Instant::now() >= end {
                    return Err(failed);
                }
            }
        }
    }
}

/// Returns why a group has no coordinator, if that will not pass: only a poll returns it.
fn refused(client: &BaseConsumer<Context>) -> Option<KafkaError> {
    for _ in 0..POLLS {
        if let Some(Err(heard)) = client.poll(Duration::from_millis(10)) {
            let known = error::from_kafka(heard.clone(), "reading committed offsets");
            if known.kind() == ErrorKind::Denied {
                return Some(heard);
            }
        }
    }
    None
}
