//! Checks of groups: their members, and how far behind they are.

use std::sync::Arc;

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};

use super::cluster::Cluster;
use crate::{
    backends::kafka::{
        codec::topic_partition::{OffsetRange, Watermarks},
        connection::{
            client::{
                self,
                context::Context,
                settings::{self, Isolation},
            },
            config::Config,
            handle::{self, Connection},
        },
        delay::scan::KafkaScheduleScan,
        error,
        read::{open_transactions::BlockedRecords, partition_reader::PartitionReader},
    },
    transport::{Finding, Result, ScheduleScan as _},
};

/// A lag up to this is counted record by record; a larger one by offsets.
const FEW: i64 = 1000;
/// The most groups that are checked.
const MOST: usize = 100;

/// A group that reads topics of the URL.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    state: String,
    members: usize,
    pub(super) lags: Vec<Lag>,
}

impl Group {
    /// Reports whether the group has a position on a topic.
    pub(super) fn has_read(&self, topic: &str) -> bool {
        self.lags.iter().any(|lag| lag.topic == topic)
    }
}

/// How far a group is behind on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lag {
    pub(super) topic: String,
    behind: i64,
    /// The ranges that were not read.
    unread: Vec<OffsetRange>,
    /// How many records retention removed before they were read.
    lost: i64,
}

/// A group as the cluster lists it.
struct Listed {
    name: String,
    state: String,
    members: usize,
}

/// Finds the groups that read topics of the URL.
pub(super) async fn read(connection: &Arc<Connection>, cluster: &Cluster) -> Result<Vec<Group>> {
    let mut places: Vec<(String, i32)> = Vec::new();
    for (name, facts) in cluster.events() {
        places.extend((0..facts.partitions).map(|partition| (name.clone(), partition)));
    }
    let bounds = connection.topics.watermarks(places.clone()).await?;
    let firing = connection.names().firing_group();
    let listed = list(connection, None).await?.into_iter();
    let others: Vec<Listed> = listed
        .filter(|group| group.name != firing)
        .take(MOST)
        .collect();
    let config = connection.config.clone();
    let mut found = handle::blocking(move || {
        let mut found = Vec::new();
        for group in others {
            let lags = lags(&config, &group.name, &places, &bounds)?;
            if !lags.is_empty() {
                found.push(Group {
                    name: group.name,
                    state: group.state,
                    members: group.members,
                    lags,
                });
            }
        }
        Ok(found)
    })
    .await?;
    for lag in found.iter_mut().flat_map(|group| &mut group.lags) {
        if (1..=FEW).contains(&lag.behind) {
            lag.behind = count(connection, std::mem::take(&mut lag.unread)).await?;
        }
    }
    Ok(found)
}

/// Counts records: transactions and compaction leave offsets without one.
async fn count(connection: &Arc<Connection>, spans: Vec<OffsetRange>) -> Result<i64> {
    let mut reader = PartitionReader::open(connection, spans, Isolation::Committed)?;
    let mut count = 0;
    while let Some(chunk) = reader.next().await? {
        count += i64::try_from(chunk.len()).unwrap_or(i64::MAX);
    }
    Ok(count)
}

/// Returns the names of all groups.
pub(super) async fn names(connection: &Arc<Connection>) -> Result<Vec<String>> {
    let listed = list(connection, None).await?.into_iter();
    Ok(listed.map(|group| group.name).collect())
}

async fn list(connection: &Arc<Connection>, only: Option<String>) -> Result<Vec<Listed>> {
    connection
        .ask(move |client, config| {
            let found = client.fetch_group_list(only.as_deref(), config.timeout);
            let found = found.map_err(|failed| error::from_kafka(failed, "listing groups"))?;
            let groups = found.groups().iter().map(|group| Listed {
                name: group.name().to_owned(),
                state: group.state().to_lowercase(),
                members: group.members().len(),
            });
            let mut groups: Vec<Listed> = groups.collect();
            groups.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(groups)
        })
        .await
}

/// Returns how far a group is behind on what it has read of. Blocks.
fn lags(
    config: &Config,
    group: &str,
    places: &[(String, i32)],
    bounds: &[Watermarks],
) -> Result<Vec<Lag>> {
    let asking = |failed| error::from_kafka(failed, "reading the offsets of a group");
    let mut asked = TopicPartitionList::new();
    for (topic, partition) in places {
        asked.add_partition(topic, *partition);
    }
    let client: BaseConsumer<Context> =
        client::create(&settings::consumer(config, group, 1), Context::default())?;
    let found = client
        .committed_offsets(asked, config.timeout)
        .map_err(asking)?;
    let mut lags: Vec<Lag> = Vec::new();
    for ((topic, partition), bounds) in places.iter().zip(bounds) {
        let place = found.find_partition(topic, *partition);
        let Some(Offset::Offset(offset)) = place.map(|place| place.offset()) else {
            continue;
        };
        let from = offset.max(bounds.low);
        let behind = (bounds.high - from).max(0);
        let lost = (bounds.low - offset).max(0);
        let unread = OffsetRange {
            topic: topic.clone(),
            partition: *partition,
            from,
            until: Some(bounds.high),
        };
        match lags.last_mut().filter(|lag| lag.topic == *topic) {
            Some(lag) => {
                lag.behind += behind;
                lag.unread.push(unread);
                lag.lost += lost;
            }
            None => lags.push(Lag {
                topic: topic.clone(),
                behind,
                unread: vec![unread],
                lost,
            }),
        }
    }
    Ok(lags)
}

/// Returns the findings of groups. Records behind an open transaction cannot be read by any group.
pub(super) fn findings(groups: &[Group], hidden: &[BlockedRecords]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for group in groups {
        let name = &group.name;
        let waiting = hidden.iter().filter(|hidden| {
            let mut lags = group.lags.iter();
            lags.any(|lag| lag.topic == hidden.name)
        });
        let waiting: i64 = waiting.map(|hidden| hidden.records).sum();
        let behind = group.lags.iter().filter(|lag| lag.behind > 0);
        let behind: Vec<String> = behind
            .map(|lag| format!("{} behind on {}", lag.behind, lag.topic))
            .collect();
        let members = match group.members {
            0 => "no members",
            1 => "1 member",
            _ => "several members",
        };
        let state = &group.state;
        let place = match behind.as_slice() {
            [] if waiting > 0 => {
                format!("has read everything except {waiting} records behind an open transaction")
            }
            [] => "has read everything".to_owned(),
            behind => format!("is {}", behind.join(", ")),
        };
        let text = format!("group `{name}` {place} ({state}, {members})");
        let finding = format!("group.{name}");
        findings.push(if group.members == 0 && !behind.is_empty() {
            Finding::warning(finding, text)
        } else {
            Finding::ok(finding, text)
        });
        for lag in group.lags.iter().filter(|lag| lag.lost > 0) {
            let (lost, topic) = (lag.lost, &lag.topic);
            let text = format!(
                "retention removed {lost} records of `{topic}` before group `{name}` had read them"
            );
            findings.push(Finding::problem(format!("gap.{name}"), text));
        }
    }
    findings
}

/// Returns a finding if events are delayed and no process would deliver them.
pub(super) async fn firing(
    connection: &Arc<Connection>,
    cluster: &Cluster,
) -> Result<Option<Finding>> {
    if !cluster
        .topics
        .contains_key(&connection.names().delay_topic())
    {
        return Ok(None);
    }
    let group = list(connection, Some(connection.names().firing_group())).await?;
    let members: usize = group.iter().map(|group| group.members).sum();
    if members > 0
        || KafkaScheduleScan::open(connection)
            .await?
            .next(1)
            .await?
            .is_empty()
    {
        return Ok(None);
    }
    let text = "no process delivers delayed events when they are due";
    Ok(Some(
        Finding::warning("firing", text).fix("pf schedule run"),
    ))
}
