//! The clients that a transport shares, each created on first use: connecting takes longer than most commands.

use std::sync::{Arc, OnceLock};

use rdkafka::{
    admin::AdminClient,
    consumer::{BaseConsumer, Consumer as _},
};
use tokio::sync::{OnceCell, oneshot};

use super::{
    context::Context,
    settings::{self, Isolation},
};
use crate::{
    backends::kafka::{
        codec::topic_partition::{TopicPartition, Watermarks},
        connection::{client, config::Config, producer::Producer, threads},
        error::{self, error},
    },
    transport::{ErrorKind, Result},
};

/// A consumer without a group, for requests.
pub(crate) type MetadataConsumer = BaseConsumer<Context>;

/// The shared clients.
pub(crate) struct SharedClients {
    pub(crate) config: Config,
    metadata: OnceLock<MetadataConsumer>,
    /// The same, which sees records of open transactions.
    uncommitted: OnceLock<MetadataConsumer>,
    admin: OnceCell<AdminClient<Context>>,
    producer: OnceCell<Arc<Producer>>,
    unbatched_producer: OnceCell<Producer>,
    cluster: OnceCell<String>,
}

impl std::fmt::Debug for SharedClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedClients")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl SharedClients {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            metadata: OnceLock::new(),
            uncommitted: OnceLock::new(),
            admin: OnceCell::new(),
            producer: OnceCell::new(),
            unbatched_producer: OnceCell::new(),
            cluster: OnceCell::new(),
        }
    }

    /// Returns the idempotent producer. Its half second of start-up is spent once.
    pub(crate) async fn producer(&self) -> Result<&Arc<Producer>> {
        let create = || async { Producer::new(&settings::producer(&self.config)).map(Arc::new) };
        self.producer.get_or_try_init(create).await
    }

    /// Returns the producer of records that may be stored twice: it starts at once, and waits for no batch to fill.
    pub(crate) async fn unbatched_producer(&self) -> Result<&Producer> {
        let create = || async { Producer::new(&settings::one_shot(&self.config, true)) };
        self.unbatched_producer.get_or_try_init(create).await
    }

    /// Returns the client that creates and describes topics.
    pub(crate) async fn admin(&self) -> Result<&AdminClient<Context>> {
        let create =
            || async { client::create(&settings::admin(&self.config), Context::default()) };
        self.admin.get_or_try_init(create).await
    }

    /// Returns the id of the cluster.
    pub(crate) async fn cluster(self: &Arc<Self>) -> Result<&str> {
        let ask = || async {
            let timeout = self.config.timeout;
            let found = self
                .ask(move |consumer, _| Ok(consumer.client().fetch_cluster_id(timeout)))
                .await?;
            let unknown = || error(ErrorKind::Unavailable, "the cluster did not return its id");
            found.ok_or_else(unknown)
        };
        self.cluster.get_or_try_init(ask).await.map(String::as_str)
    }

    /// Sends a request that blocks, on a thread of its own. The runtime would wait for a thread of its pool when it shuts
    /// down; a program that is interrupted must not wait for an answer.
    pub(crate) async fn ask<T, F>(self: &Arc<Self>, request: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&MetadataConsumer, &Config) -> Result<T> + Send + 'static,
    {
        let clients = Arc::clone(self);
        let (sender, answer) = oneshot::channel();
        threads::spawn("pf-kafka-request", move || {
            let consumer = clients.consumer(Isolation::Committed);
            let answer = consumer.and_then(|consumer| request(consumer, &clients.config));
            let _ = sender.send(answer);
        })?;
        answer.await.map_err(error::thread_ended)?
    }

    /// Returns the watermarks of a partition, with records of open transactions. Blocks.
    pub(crate) fn uncommitted_watermarks(&self, at: &TopicPartition) -> Result<Watermarks> {
        let consumer = self.consumer(Isolation::Uncommitted)?;
        client::watermarks(consumer, &self.config, at)
    }

    fn consumer(&self, isolation: Isolation) -> Result<&MetadataConsumer> {
        let cell = match isolation {
            Isolation::Committed => &self.metadata,
            Isolation::Uncommitted => &self.uncommitted,
        };
        if let Some(consumer) = cell.get() {
            return Ok(consumer);
        }
        let settings = settings::metadata(&self.config, isolation);
        let consumer = client::create(&settings, Context::default())?;
        Ok(cell.get_or_init(|| consumer))
    }
}

impl Drop for SharedClients {
    fn drop(&mut self) {
        client::close_in_background(&self.config, self.admin.take());
    }
}
