//! The facts about a cluster that the checks need.

use std::{collections::BTreeMap, sync::Arc};

use rdkafka::metadata::{MetadataPartition, MetadataTopic};

use crate::{
    backends::kafka::connection::{admin::Settings, client, handle::Connection},
    event::Topic,
    transport::Result,
};

/// The topics of the URL, and the internal topics.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) brokers: usize,
    pub(super) topics: BTreeMap<String, Facts>,
}

/// The facts about a topic.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) kind: Kind,
    pub(super) partitions: i32,
    /// The fewest replicas of a partition, and of those the fewest that are up to date.
    pub(super) replicas: usize,
    pub(super) in_sync: usize,
    /// Partitions without a leader.
    pub(super) without_leader: usize,
    pub(super) settings: Settings,
}

/// The purpose of a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Events of a user.
    Events,
    /// Dead letters of a topic.
    Letters(Topic),
    /// Delayed events, retries or job state: only the last record of a key counts.
    Compacted,
}

impl Cluster {
    /// Asks the cluster.
    pub(super) async fn look(connection: &Arc<Connection>) -> Result<Self> {
        let own = Arc::clone(connection);
        let mut found = connection
            .ask(move |client, config| {
                let found = client::metadata(client, config, None)?;
                let topics = found.topics().iter();
                let topics = topics.filter_map(|topic| {
                    let kind = kind(&own, topic.name())?;
                    Some((topic.name().to_owned(), facts(kind, topic)))
                });
                Ok(Self {
                    brokers: found.brokers().len(),
                    topics: topics.collect(),
                })
            })
            .await?;
        let names: Vec<String> = found.topics.keys().cloned().collect();
        if !names.is_empty() {
            let all = connection.topics.settings(&names).await?;
            for (name, settings) in names.iter().zip(all) {
                if let (Some(facts), Some(settings)) = (found.topics.get_mut(name), settings) {
                    facts.settings = settings;
                }
            }
        }
        Ok(found)
    }

    /// Returns every partition.
    pub(super) fn places(&self) -> Vec<(String, i32)> {
        let all = self.topics.iter();
        all.flat_map(|(name, facts)| (0..facts.partitions).map(|one| (name.clone(), one)))
            .collect()
    }

    /// Returns the topics of users.
    pub(super) fn events(&self) -> impl Iterator<Item = (&String, &Facts)> {
        let all = self.topics.iter();
        all.filter(|(_, facts)| facts.kind == Kind::Events)
    }
}

impl Facts {
    /// Returns a setting.
    pub(super) fn setting(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// Returns a setting that is a number; none stands for one that is not known.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        self.setting(name).parse().ok()
    }
}

fn kind(connection: &Connection, name: &str) -> Option<Kind> {
    let names = connection.names();
    if names.topic(name).is_some() {
        return Some(Kind::Events);
    }
    if let Some(topic) = names.origin_of(name) {
        return Some(Kind::Letters(topic));
    }
    let is_compacted = name == names.delay_topic() || name == names.state_topic();
    if is_compacted || names.is_retries(name) {
        return Some(Kind::Compacted);
    }
    None
}

fn facts(kind: Kind, topic: &MetadataTopic) -> Facts {
    let partitions = topic.partitions();
    let fewest = |count: fn(&MetadataPartition) -> usize| {
        partitions.iter().map(count).min().unwrap_or_default()
    };
    Facts {
        kind,
        partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
        replicas: fewest(|partition| partition.replicas().len()),
        in_sync: fewest(|partition| partition.isr().len()),
        without_leader: partitions
            .iter()
            .filter(|partition| partition.leader() < 0)
            .count(),
        settings: Settings::new(),
    }
}
