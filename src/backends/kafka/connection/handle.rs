//! A transport's connection: its clients, the topics of the cluster, and warnings for the user.

use std::{sync::Arc, time::Duration};

use rdkafka::admin::AdminClient;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::{
    client::{
        context::Context,
        shared::{MetadataConsumer, SharedClients},
    },
    config::Config,
    names::Names,
    producer::Producer,
    topics::TopicDirectory,
};
use crate::{
    backends::kafka::{
        codec::topic_partition::{TopicPartition, Watermarks},
        error,
    },
    event::Topic,
    lock::Mutex,
    transport::Result,
};

/// How long members may take to leave their groups when a transport closes; without a broker they cannot.
const LEAVE: Duration = Duration::from_secs(2);

/// A connection to a cluster.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) config: Config,
    /// Whether missing topics of users are created.
    pub(crate) create: bool,
    clients: Arc<SharedClients>,
    pub(crate) topics: TopicDirectory,
    warnings: Mutex<Vec<String>>,
    /// Threads that are members of a group: until one has left, its group waits for it.
    pub(crate) members: TaskTracker,
}

impl Connection {
    /// Prepares to connect. Nothing is sent yet: each operation reports by itself that no broker answers.
    pub(crate) fn new(config: Config, create: bool) -> Self {
        let clients = Arc::new(SharedClients::new(config.clone()));
        Self {
            config,
            create,
            topics: TopicDirectory::new(&clients),
            clients,
            warnings: Mutex::default(),
            members: TaskTracker::new(),
        }
    }

    /// Returns how topics are named.
    pub(crate) fn names(&self) -> &Names {
        &self.config.names
    }

    /// Returns the user's topics that exist, in order of name.
    pub(crate) async fn user_topics(&self) -> Result<Vec<Topic>> {
        let all = self.topics.all().await?;
        let topics = all.iter().filter_map(|(name, _)| self.names().topic(name));
        let mut topics: Vec<Topic> = topics.collect();
        topics.sort_unstable();
        Ok(topics)
    }

    /// Returns the idempotent producer.
    pub(crate) async fn producer(&self) -> Result<&Arc<Producer>> {
        self.clients.producer().await
    }

    /// Returns the producer of records that may be stored twice.
    pub(crate) async fn unbatched_producer(&self) -> Result<&Producer> {
        self.clients.unbatched_producer().await
    }

    /// Returns the client that creates and describes topics.
    pub(crate) async fn admin(&self) -> Result<&AdminClient<Context>> {
        self.clients.admin().await
    }

    /// Returns the id of the cluster.
    pub(crate) async fn cluster(&self) -> Result<&str> {
        self.clients.cluster().await
    }

    /// Returns the name of the store, which is the same from any host: the id of the cluster, and the prefix of topics.
    pub(crate) async fn store(&self) -> Result<String> {
        let cluster = self.clients.cluster().await?;
        Ok(match self.names().prefix() {
            "" => cluster.to_owned(),
            prefix => format!("{cluster}/{prefix}"),
        })
    }

    /// Sends a request that blocks, on a thread of its own.
    pub(crate) async fn ask<T, F>(&self, request: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&MetadataConsumer, &Config) -> Result<T> + Send + 'static,
    {
        self.clients.ask(request).await
    }

    /// Returns the watermarks of a partition, with records of open transactions. Blocks.
    pub(crate) fn uncommitted_watermarks(&self, at: &TopicPartition) -> Result<Watermarks> {
        self.clients.uncommitted_watermarks(at)
    }

    /// Makes sure that a broker answers.
    pub(crate) async fn preflight(&self) -> Result<()> {
        self.topics.all().await.map(drop)
    }

    /// Adds warnings for the user, each once.
    pub(crate) fn warn(&self, warnings: impl Iterator<Item = String>) {
        let mut noted = self.warnings.lock();
        for warning in warnings {
            if !noted.contains(&warning) {
                noted.push(warning);
            }
        }
    }

    /// Takes the warnings.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock())
    }

    /// Waits until the members have left their groups, for a while.
    pub(crate) async fn wait_for_members(&self) {
        self.members.close();
        if timeout(LEAVE, self.members.wait()).await.is_err() {
            tracing::debug!("a group waits until the session of a member times out");
        }
    }
}

/// Runs work that blocks on a thread of the runtime's pool.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => Err(error::thread_ended(failed)),
    }
}
