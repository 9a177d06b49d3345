//! Creating topics.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::{
    admin::{self, TopicSpec},
    handle::Connection,
};
use crate::{
    backends::kafka::error::error,
    transport::{ErrorKind, Result},
};

/// How many partitions a topic of ours has where the URL does not say.
const PARTITIONS: i32 = 6;
/// The most topics that are asked for one by one; where there are more, one question about all is quicker.
const FEW: usize = 8;
/// The most topics in one request: brokers take up what one creates as a whole, and a busy one needs its time for each.
const AT_ONCE: usize = 50;
/// The pause before it is looked again whether brokers know of new topics.
const LOOK: Duration = Duration::from_millis(10);

impl Connection {
    /// Makes topics unless they are there; returns the names of those made. Waits until they can be used.
    pub(crate) async fn make(self: &Arc<Self>, wanted: &[TopicSpec]) -> Result<Vec<String>> {
        let missing = self.missing(wanted).await?;
        let mut made = Vec::new();
        for some in missing.chunks(AT_ONCE) {
            made.extend(admin::make(self.admin().await?, &self.config, some).await?);
            self.wait_for(some).await?;
        }
        Ok(made)
    }

    /// Returns those of these topics that are not there.
    async fn missing(self: &Arc<Self>, wanted: &[TopicSpec]) -> Result<Vec<TopicSpec>> {
        let unknown = wanted
            .iter()
            .filter(|topic| self.known(&topic.name).is_none());
        let mut missing: Vec<TopicSpec> = unknown.cloned().collect();
        if missing.len() > FEW {
            let all: HashMap<String, i32> = self.all_topics().await?.into_iter().collect();
            missing.retain(|topic| match all.get(&topic.name) {
                Some(partitions) => {
                    self.learn(&topic.name, *partitions);
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

    /// A broker knows of a topic a moment after it was made.
    async fn wait_for(self: &Arc<Self>, made: &[TopicSpec]) -> Result<()> {
        let until = || tokio::time::Instant::now() + self.config.timeout;
        let (mut end, mut missing) = (until(), made.to_vec());
        loop {
            let before = missing.len();
            missing = self.missing(&missing).await?;
            let Some(first) = missing.first() else {
                return Ok(());
            };
            // Many of them take a broker a while, one after the other.
            if missing.len() < before {
                end = until();
            }
            if tokio::time::Instant::now() > end {
                let message = format!("the topic `{}` was made and does not show up", first.name);
                return Err(error(ErrorKind::Unavailable, message));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Makes a user's topic unless it is there.
    pub(crate) async fn make_topic(self: &Arc<Self>, name: &str) -> Result<Vec<String>> {
        self.make(&[TopicSpec {
            name: name.to_owned(),
            partitions: self.config.partitions.unwrap_or(-1),
            settings: Vec::new(),
        }])
        .await
    }

    /// Returns how many partitions a topic of ours gets.
    pub(crate) fn own_partitions(&self) -> i32 {
        self.config.partitions.unwrap_or(PARTITIONS)
    }
}

/// A topic to be created, and its purpose, for the remark.
#[derive(Debug)]
pub(crate) struct PlannedTopic {
    pub(crate) spec: TopicSpec,
    pub(crate) purpose: String,
}

/// Creates topics unless they exist; returns a remark for each that was created.
pub(crate) async fn create_planned(
    connection: &Arc<Connection>,
    planned: Vec<PlannedTopic>,
) -> Result<Vec<String>> {
    let specs: Vec<TopicSpec> = planned.iter().map(|topic| topic.spec.clone()).collect();
    let created = connection.make(&specs).await?;
    let created = planned
        .iter()
        .filter(|topic| created.contains(&topic.spec.name));
    let remarks =
        created.map(|topic| format!("created topic {} for {}", topic.spec.name, topic.purpose));
    Ok(remarks.collect())
}
