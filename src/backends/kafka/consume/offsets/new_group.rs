//! Whether a group is new. Only then does it matter where it was told to start: what was added while nobody of it ran is
//! read from the beginning.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::{KafkaError, KafkaResult},
};

use crate::{
    backends::kafka::{
        connection::{
            client::{
                self,
                errors::ClientErrors,
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

/// How long an answer may take: the first group of a cluster waits until it has a coordinator.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long without an answer it is looked whether there will be none.
const ANSWER: Duration = Duration::from_secs(2);
/// So often the client is polled for what it has to tell.
const TIDINGS: usize = 10;
/// For how long a group has to be without members and positions before it is sure that nobody is about to begin.
const QUIET: Duration = Duration::from_secs(2);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// What a group is to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It never was here.
    New,
    /// It has positions.
    Known,
    /// It was here before, and the broker has kept no position.
    Expired,
}

impl Standing {
    /// Looks what a group is, before anything is created for it.
    pub(crate) async fn look(
        connection: &Arc<Connection>,
        group: &Group,
        topics: &[(Topic, String, i32)],
        from: StartFrom,
    ) -> Result<Self> {
        let all = connection.all_topics().await?;
        let mut own = vec![connection.names().legacy_retry_topic(group)?];
        for (topic, ..) in topics {
            own.push(connection.names().retry_topic(group, topic)?);
        }
        let was_here = all.iter().any(|(name, _)| own.contains(name));
        let users = all.into_iter().filter(|(name, _)| !name.starts_with("__"));
        let places = users.flat_map(|(name, count)| (0..count).map(move |one| (name.clone(), one)));
        let places: Vec<(String, i32)> = places.collect();
        if has_positions(connection, group, places.clone()).await? {
            return Ok(Self::Known);
        }
        if !was_here {
            return Ok(Self::New);
        }
        // What it starts with is the same then, whether somebody begins at this moment or its positions have expired.
        if from == StartFrom::Earliest {
            return Ok(Self::Expired);
        }
        wait_for_others(connection, group, places).await
    }

    /// Returns where the group starts in partitions of which it has no position.
    pub(crate) fn start(self, from: StartFrom) -> StartFrom {
        match self {
            Self::New => from,
            Self::Known | Self::Expired => StartFrom::Earliest,
        }
    }

    /// Says where the group starts, if that needs to be said.
    pub(crate) fn remark(self, group: &Group, from: StartFrom) -> Option<String> {
        match self {
            Self::New => Some(from.of_new(group)),
            Self::Known if from == StartFrom::Earliest => None,
            Self::Known => Some(format!(
                "group {group} is not new: it goes on where it was, and starts at the earliest event where it was not yet (`--from` is for new groups)"
            )),
            Self::Expired => Some(format!(
                "group {group} was here before, and the broker has kept no position of it: starts at the earliest event"
            )),
        }
    }
}

/// Waits until another member, which may be about to begin, has noted where; its positions hold for all. Without one,
/// positions have expired.
async fn wait_for_others(
    connection: &Arc<Connection>,
    group: &Group,
    places: Vec<(String, i32)>,
) -> Result<Standing> {
    let end = Instant::now() + PATIENCE;
    let mut quiet = Instant::now();
    while quiet.elapsed() < QUIET && Instant::now() < end {
        tokio::time::sleep(LOOK).await;
        if has_positions(connection, group, places.clone()).await? {
            return Ok(Standing::Known);
        }
        if join_errors::has_members(connection, group).await? {
            quiet = Instant::now();
        }
    }
    Ok(Standing::Expired)
}

/// Reports whether a group has a position in one of these partitions.
async fn has_positions(
    connection: &Arc<Connection>,
    group: &Group,
    places: Vec<(String, i32)>,
) -> Result<bool> {
    let (own, group) = (Arc::clone(connection), group.clone());
    connection
        .ask(move |_, config| {
            let mut settings = settings::reader(config, Isolation::Uncommitted, true);
            settings.set("group.id", group.as_str());
            let client: BaseConsumer<ClientErrors> =
                client::create(&settings, ClientErrors::default())?;
            let found = committed(&client, config, &places);
            let found = found.map_err(|failed| {
                let refused = failed
                    .rdkafka_error_code()
                    .and_then(|code| join_errors::refusal(code, &client, (&own, &group)));
                refused.unwrap_or_else(|| error::from_kafka(failed, "reading positions"))
            });
            client::close_in_background(config, Some(client));
            found
        })
        .await
}

fn committed(
    client: &BaseConsumer<ClientErrors>,
    config: &Config,
    places: &[(String, i32)],
) -> KafkaResult<bool> {
    let mut asked = TopicPartitionList::new();
    for (topic, partition) in places {
        asked.add_partition(topic, *partition);
    }
    if asked.count() == 0 {
        return Ok(false);
    }
    let end = Instant::now() + PATIENCE.max(config.timeout);
    loop {
        match client.committed_offsets(asked.clone(), config.timeout.min(ANSWER)) {
            Ok(found) => {
                let mut offsets = found.elements().into_iter().map(|one| one.offset());
                return Ok(offsets.any(|offset| matches!(offset, Offset::Offset(_))));
            }
            Err(failed) => {
                if let Some(refused) = refused(client) {
                    return Err(refused);
                }
                let passes = error::from_kafka(failed.clone(), "reading positions").is_transient();
                if !passes || Instant::now() >= end {
                    return Err(failed);
                }
            }
        }
    }
}

/// Returns why a group has no coordinator, if that will not pass: it is said to who polls.
fn refused(client: &BaseConsumer<ClientErrors>) -> Option<KafkaError> {
    for _ in 0..TIDINGS {
        if let Some(Err(heard)) = client.poll(Duration::from_millis(10)) {
            let known = error::from_kafka(heard.clone(), "reading positions");
            if known.kind() == ErrorKind::Denied {
                return Some(heard);
            }
        }
    }
    None
}
