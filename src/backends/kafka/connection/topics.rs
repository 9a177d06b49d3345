//! The topics of a cluster: their partitions, cached, and creating topics.
//!
//! The cache holds partition counts for as long as the connection lives: users may add partitions, and records of the same
//! key must not move to another partition while this process publishes them.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use rdkafka::{
    Offset, TopicPartitionList, consumer::Consumer as _, metadata::Metadata,
    types::RDKafkaErrorCode as Code,
};

use super::{
    access::{self, Access},
    admin::{self, Settings, TopicSpec},
    client::{self, shared::SharedClients},
    config::Config,
};
use crate::{
    backends::kafka::{
        codec::{
            record,
            topic_partition::{OffsetRange, TopicPartition, Watermarks},
        },
        error::{self, error},
    },
    event::{Pattern, Topic},
    lock::Mutex,
    transport::{ErrorKind, Result},
};

/// How many partitions an internal topic has unless the URL says.
const PARTITIONS: i32 = 6;
/// Up to this many topics are looked up one by one; for more, one list of all is faster.
const FEW: usize = 8;
/// The most topics in one request: a broker creates those of a request together, which takes a busy one a while for each.
const BATCH: usize = 50;
/// The pause before new topics are looked for again.
const CHECK: Duration = Duration::from_millis(10);

/// The topics of a cluster.
#[derive(Debug)]
pub(crate) struct TopicDirectory {
    clients: Arc<SharedClients>,
    partitions: Mutex<HashMap<String, i32>>,
}

/// Returns what partitions hold between their watermarks.
pub(crate) fn ranges(
    partitions: Vec<(String, i32)>,
    watermarks: Vec<Watermarks>,
) -> Vec<OffsetRange> {
    let ranges = partitions.into_iter().zip(watermarks);
    let ranges = ranges.map(|((topic, partition), watermarks)| OffsetRange {
        topic,
        partition,
        from: watermarks.low,
        until: Some(watermarks.high),
    });
    ranges.collect()
}

impl TopicDirectory {
    pub(crate) fn new(clients: &Arc<SharedClients>) -> Self {
        Self {
            clients: Arc::clone(clients),
            partitions: Mutex::default(),
        }
    }

    /// Returns the topics of the cluster and how many partitions each has.
    pub(crate) async fn all(&self) -> Result<Vec<(String, i32)>> {
        self.clients
            .ask(|client, config| {
                let found = client::metadata(client, config, None)?;
                let topics = found.topics().iter();
                let topics = topics.filter(|topic| topic.error().is_none());
                Ok(topics
                    .map(|topic| (topic.name().to_owned(), count(topic.partitions().len())))
                    .collect())
            })
            .await
    }

    /// Returns the users' topics that match a pattern, with Kafka's name and the number of partitions of each.
    pub(crate) async fn matching(&self, patterns: &[Pattern]) -> Result<Vec<(Topic, String, i32)>> {
        let all = self.all().await?;
        let mut found = Vec::new();
        for (name, partitions) in all {
            if let Some(topic) = self.clients.config.names.topic(&name)
                && patterns.iter().any(|pattern| pattern.matches(&topic))
            {
                found.push((topic, name, partitions));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Asks how many partitions a topic has now; none if it does not exist.
    pub(crate) async fn fetch_partitions(&self, name: &str) -> Result<Option<i32>> {
        let asked = name.to_owned();
        self.clients
            .ask(move |client, config| {
                let found = client::metadata(client, config, Some(&asked))?;
                partitions_in(config, &found, &asked)
            })
            .await
    }

    /// Returns how many partitions a topic has; none if it does not exist.
    pub(crate) async fn partitions(&self, name: &str) -> Result<Option<i32>> {
        if let Some(cached) = self.cached_partitions(name) {
            return Ok(Some(cached));
        }
        let found = self.fetch_partitions(name).await?;
        if let Some(found) = found {
            self.cache_partitions(name, found);
        }
        Ok(found)
    }

    /// Returns how many partitions a topic has, if it is cached.
    pub(crate) fn cached_partitions(&self, name: &str) -> Option<i32> {
        self.partitions.lock().get(name).copied()
    }

    /// Caches how many partitions a topic has.
    pub(crate) fn cache_partitions(&self, name: &str, partitions: i32) {
        self.partitions.lock().insert(name.to_owned(), partitions);
    }

    /// Returns how many partitions an internal topic gets.
    pub(crate) fn default_partitions(&self) -> i32 {
        self.clients.config.partitions.unwrap_or(PARTITIONS)
    }

    /// Returns the settings of topics; none for one that does not exist.
    pub(crate) async fn settings(&self, topics: &[String]) -> Result<Vec<Option<Settings>>> {
        admin::settings(self.clients.admin().await?, &self.clients.config, topics).await
    }

    /// Returns the watermarks of partitions, as a reader of committed records sees them.
    pub(crate) async fn watermarks(
        &self,
        partitions: Vec<(String, i32)>,
    ) -> Result<Vec<Watermarks>> {
        self.clients
            .ask(move |client, config| {
                partitions
                    .into_iter()
                    .map(|(topic, partition)| {
                        client::watermarks(client, config, &TopicPartition::new(topic, partition))
                    })
                    .collect()
            })
            .await
    }

    /// Returns the committed records that partitions have now, as ranges.
    pub(crate) async fn ranges(&self, partitions: Vec<(String, i32)>) -> Result<Vec<OffsetRange>> {
        let watermarks = self.watermarks(partitions.clone()).await?;
        Ok(ranges(partitions, watermarks))
    }

    /// Returns the first offset of each partition whose record is not older than a time; none if there is none.
    pub(crate) async fn offsets_at_time(
        &self,
        partitions: Vec<(String, i32)>,
        time: SystemTime,
    ) -> Result<Vec<Option<i64>>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let asking = |failed| error::from_kafka(failed, "asking for offsets");
        self.clients
            .ask(move |client, config| {
                let mut asked = TopicPartitionList::new();
                for (topic, partition) in &partitions {
                    let offset = Offset::Offset(record::millis(time));
                    asked
                        .add_partition_offset(topic, *partition, offset)
                        .map_err(asking)?;
                }
                let found = client.offsets_for_times(asked, config.timeout);
                let found = found.map_err(asking)?;
                let offset = |(topic, partition): &(String, i32)| match found
                    .find_partition(topic, *partition)?
                    .offset()
                {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                };
                Ok(partitions.iter().map(offset).collect())
            })
            .await
    }

    /// Creates topics unless they exist, and waits until they can be used; returns the names of the created ones.
    pub(crate) async fn create(&self, topics: &[TopicSpec]) -> Result<Vec<String>> {
        let missing = self.missing(topics).await?;
        let mut created = Vec::new();
        for batch in missing.chunks(BATCH) {
            let admin = self.clients.admin().await?;
            created.extend(admin::make(admin, &self.clients.config, batch).await?);
            self.wait_for(batch).await?;
        }
        Ok(created)
    }

    /// Creates a user's topic unless it exists.
    pub(crate) async fn create_user_topic(&self, name: &str) -> Result<Vec<String>> {
        self.create(&[TopicSpec {
            name: name.to_owned(),
            partitions: self.clients.config.partitions.unwrap_or(-1),
            settings: Vec::new(),
        }])
        .await
    }

    /// Creates topics unless they exist; returns a remark for each that was created.
    pub(crate) async fn create_planned(&self, planned: Vec<PlannedTopic>) -> Result<Vec<String>> {
        let specs: Vec<TopicSpec> = planned.iter().map(|topic| topic.spec.clone()).collect();
        let created = self.create(&specs).await?;
        let created = planned
            .iter()
            .filter(|topic| created.contains(&topic.spec.name));
        let remarks =
            created.map(|topic| format!("created topic {} for {}", topic.spec.name, topic.purpose));
        Ok(remarks.collect())
    }

    /// Returns those of these topics that do not exist.
    async fn missing(&self, topics: &[TopicSpec]) -> Result<Vec<TopicSpec>> {
        let unknown = topics
            .iter()
            .filter(|topic| self.cached_partitions(&topic.name).is_none());
        let mut missing: Vec<TopicSpec> = unknown.cloned().collect();
        if missing.len() > FEW {
            let all: HashMap<String, i32> = self.all().await?.into_iter().collect();
            missing.retain(|topic| match all.get(&topic.name) {
                Some(partitions) => {
                    self.cache_partitions(&topic.name, *partitions);
                    false
                }
                None => true,
            });
            return Ok(missing);
        }
        let mut left = Vec::new();
        for topic in missing {
            if self.partitions(&topic.name).await?.is_none() {
                left.push(topic);
            }
        }
        Ok(left)
    }

    /// Waits until brokers know new topics, which takes them a moment.
    async fn wait_for(&self, created: &[TopicSpec]) -> Result<()> {
        let deadline = || tokio::time::Instant::now() + self.clients.config.timeout;
        let (mut end, mut missing) = (deadline(), created.to_vec());
        loop {
            let before = missing.len();
            missing = self.missing(&missing).await?;
            let Some(first) = missing.first() else {
                return Ok(());
            };
            // A broker works many of them off one after the other.
            if missing.len() < before {
                end = deadline();
            }
            if tokio::time::Instant::now() > end {
                let message = format!("the topic `{}` was created and does not appear", first.name);
                return Err(error(ErrorKind::Unavailable, message));
            }
            tokio::time::sleep(CHECK).await;
        }
    }
}

/// A topic to be created, and its purpose, for the remark.
#[derive(Debug)]
pub(crate) struct PlannedTopic {
    pub(crate) spec: TopicSpec,
    pub(crate) purpose: String,
}

/// Returns how many partitions a topic has according to metadata; none if it does not exist.
pub(crate) fn partitions_in(config: &Config, found: &Metadata, name: &str) -> Result<Option<i32>> {
    let Some(topic) = found.topics().iter().find(|topic| topic.name() == name) else {
        return Ok(None);
    };
    match topic.error().map(Code::from) {
        None => Ok(Some(count(topic.partitions().len()))),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
        Some(code) => {
            let access = Access::topic("Describe", name);
            Err(access::from_code(
                config,
                code,
                &format!("asking for `{name}`"),
                access,
            ))
        }
    }
}

fn count(partitions: usize) -> i32 {
    i32::try_from(partitions).unwrap_or(i32::MAX)
}
