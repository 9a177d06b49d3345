//! What every part of a transport shares: the clients, made when they are first needed, and what was learnt of topics.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rdkafka::{
    Offset, TopicPartitionList,
    admin::AdminClient,
    consumer::{BaseConsumer, Consumer as _},
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::{OnceCell, oneshot};

use super::{
    admin::{self, Settings},
    client::{
        self,
        errors::ClientErrors,
        settings::{self, Isolation},
    },
    config::Config,
    leaving::Leaving,
    names::Names,
    producer::Producer,
};
use crate::{
    backends::kafka::{
        codec::{
            record,
            topic_partition::{TopicPartition, Watermarks},
        },
        error::{self, error},
    },
    event::{Pattern, Topic},
    lock::Mutex,
    transport::{ErrorKind, Result, TransportError},
};

/// The pause before a question that could not be answered yet is asked again.
const LOOK: Duration = Duration::from_millis(20);

/// A client that asks, and the ears with which it hears why nobody answers.
type MetadataConsumer = BaseConsumer<ClientErrors>;

/// The connection of a transport.
pub(crate) struct Connection {
    pub(crate) config: Config,
    /// Whether topics of users are made where they are missing.
    pub(crate) create: bool,
    asking: OnceLock<Arc<MetadataConsumer>>,
    asking_all: OnceLock<MetadataConsumer>,
    admin: OnceCell<AdminClient<ClientErrors>>,
    producer: OnceCell<Arc<Producer>>,
    unbatched_producer: OnceCell<Producer>,
    cluster: OnceCell<String>,
    partitions: Mutex<HashMap<String, i32>>,
    warnings: Mutex<Vec<String>>,
    pub(crate) leaving: Leaving,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// Prepares to connect. Nobody is asked yet: each operation tells by itself that no broker answers.
    pub(crate) fn new(config: Config, create: bool) -> Self {
        Self {
            config,
            create,
            asking: OnceLock::new(),
            asking_all: OnceLock::new(),
            admin: OnceCell::new(),
            producer: OnceCell::new(),
            unbatched_producer: OnceCell::new(),
            cluster: OnceCell::new(),
            partitions: Mutex::default(),
            warnings: Mutex::default(),
            leaving: Leaving::default(),
        }
    }

    /// Returns what topics are called.
    pub(crate) fn names(&self) -> &Names {
        &self.config.names
    }

    /// Returns the producer of everything that is no transaction. The half second that it takes to begin is spent once.
    pub(crate) async fn producer(&self) -> Result<&Arc<Producer>> {
        let make = || async { Producer::new(&settings::producer(&self.config)).map(Arc::new) };
        self.producer.get_or_try_init(make).await
    }

    /// Returns the producer of what may be stored twice: it begins at once, and lets nothing wait for more to come.
    pub(crate) async fn unbatched_producer(&self) -> Result<&Producer> {
        let make = || async { Producer::new(&settings::one_shot(&self.config, true)) };
        self.unbatched_producer.get_or_try_init(make).await
    }

    /// Returns the client that makes and describes topics.
    pub(crate) async fn admin(&self) -> Result<&AdminClient<ClientErrors>> {
        let make =
            || async { client::create(&settings::admin(&self.config), ClientErrors::default()) };
        self.admin.get_or_try_init(make).await
    }

    /// Returns the store's own name, the same from any host: the cluster's, and what stands before topics.
    pub(crate) async fn store(self: &Arc<Self>) -> Result<String> {
        let cluster = self.cluster().await?;
        Ok(match self.names().prefix() {
            "" => cluster.to_owned(),
            prefix => format!("{cluster}/{prefix}"),
        })
    }

    /// Returns the name that the cluster has given itself.
    pub(crate) async fn cluster(self: &Arc<Self>) -> Result<&str> {
        let ask = || async {
            let timeout = self.config.timeout;
            let found = self
                .ask(move |client, _| Ok(client.client().fetch_cluster_id(timeout)))
                .await?;
            found.ok_or_else(|| error(ErrorKind::Unavailable, "the cluster does not tell its name"))
        };
        self.cluster.get_or_try_init(ask).await.map(String::as_str)
    }

    /// Asks a broker something, on a thread where it may block.
    pub(crate) async fn ask<T, F>(self: &Arc<Self>, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&MetadataConsumer, &Config) -> Result<T> + Send + 'static,
    {
        let connection = Arc::clone(self);
        // On a thread that nobody has to wait for: a program that is told to end does not wait for an answer.
        let (sender, answer) = oneshot::channel();
        let ask = move || {
            let answer = connection
                .asking()
                .and_then(|client| question(&client, &connection.config));
            let _ = sender.send(answer);
        };
        thread::Builder::new()
            .name("pf-kafka-question".to_owned())
            .spawn(ask)
            .map_err(|source| {
                error(ErrorKind::Other, "no thread can be started").because(source)
            })?;
        answer.await.map_err(gone)?
    }

    fn asking(&self) -> Result<Arc<MetadataConsumer>> {
        if let Some(client) = self.asking.get() {
            return Ok(Arc::clone(client));
        }
        let settings = settings::metadata(&self.config, Isolation::Committed);
        let client: Arc<MetadataConsumer> =
            Arc::new(client::create(&settings, ClientErrors::default())?);
        Ok(Arc::clone(self.asking.get_or_init(|| client)))
    }

    /// Notes what the user should know of.
    pub(crate) fn warn(&self, warnings: impl Iterator<Item = String>) {
        let mut noted = self.warnings.lock();
        for warning in warnings {
            if !noted.contains(&warning) {
                noted.push(warning);
            }
        }
    }

    /// Takes what was noted.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock())
    }

    /// Makes sure that a broker answers.
    pub(crate) async fn preflight(self: &Arc<Self>) -> Result<()> {
        self.all_topics().await.map(drop)
    }

    /// Returns the topics of the cluster and how many partitions each has.
    pub(crate) async fn all_topics(self: &Arc<Self>) -> Result<Vec<(String, i32)>> {
        self.ask(|client, config| {
            let found = client::metadata(client, client.context(), config, None)?;
            let topics = found.topics().iter();
            let topics = topics.filter(|topic| topic.error().is_none());
            Ok(topics
                .map(|topic| (topic.name().to_owned(), count(topic.partitions().len())))
                .collect())
        })
        .await
    }

    /// Returns the users' topics that match a pattern, with Kafka's name and the number of partitions of each.
    pub(crate) async fn matching(
        self: &Arc<Self>,
        patterns: &[Pattern],
    ) -> Result<Vec<(Topic, String, i32)>> {
        let all = self.all_topics().await?;
        let mut found = Vec::new();
        for (name, partitions) in all {
            if let Some(topic) = self.names().topic(&name)
                && patterns.iter().any(|pattern| pattern.matches(&topic))
            {
                found.push((topic, name, partitions));
            }
        }
        found.sort();
        Ok(found)
    }

    /// Asks how many partitions a topic has now; none means that there is no such topic.
    pub(crate) async fn count_partitions(self: &Arc<Self>, name: &str) -> Result<Option<i32>> {
        let asked = name.to_owned();
        self.ask(move |client, config| {
            let found = client::metadata(client, client.context(), config, Some(&asked))?;
            partitions_in(&found, &asked)
        })
        .await
    }

    /// Returns how many partitions a topic has; none means that there is no such topic.
    pub(crate) async fn partitions(self: &Arc<Self>, name: &str) -> Result<Option<i32>> {
        if let Some(known) = self.known(name) {
            return Ok(Some(known));
        }
        let found = self.count_partitions(name).await?;
        if let Some(found) = found {
            self.learn(name, found);
        }
        Ok(found)
    }

    /// Returns how many partitions a topic is known to have.
    pub(crate) fn known(&self, name: &str) -> Option<i32> {
        let known = self.partitions.lock();
        known.get(name).copied()
    }

    /// Keeps in mind how many partitions a topic has.
    pub(crate) fn learn(&self, name: &str, partitions: i32) {
        let mut known = self.partitions.lock();
        known.insert(name.to_owned(), partitions);
    }

    /// Returns the settings of topics; of one that does not exist, none.
    pub(crate) async fn settings(&self, topics: &[String]) -> Result<Vec<Option<Settings>>> {
        admin::settings(self.admin().await?, &self.config, topics).await
    }

    /// Returns the bounds of partitions, as a reader of committed records sees them.
    pub(crate) async fn bounds(
        self: &Arc<Self>,
        partitions: Vec<(String, i32)>,
    ) -> Result<Vec<Watermarks>> {
        self.ask(move |client, config| {
            partitions
                .iter()
                .map(|(topic, partition)| {
                    watermarks(
                        client,
                        config,
                        &TopicPartition::new(topic.as_str(), *partition),
                    )
                })
                .collect()
        })
        .await
    }

    /// Returns the offset behind the last record of a partition, also one of a transaction that is open. Blocks.
    pub(crate) fn high(&self, name: &str, partition: i32) -> Result<i64> {
        Ok(self.whole(name, partition)?.high)
    }

    /// Returns the bounds of a partition with the records of transactions that are open. Blocks.
    pub(crate) fn whole(&self, name: &str, partition: i32) -> Result<Watermarks> {
        let client = if let Some(client) = self.asking_all.get() {
            client
        } else {
            let settings = settings::metadata(&self.config, Isolation::Uncommitted);
            let client = client::create(&settings, ClientErrors::default())?;
            self.asking_all.get_or_init(|| client)
        };
        watermarks(client, &self.config, &TopicPartition::new(name, partition))
    }

    /// Returns the first offset of each partition whose record is not older; none means that there is none.
    pub(crate) async fn at_time(
        self: &Arc<Self>,
        partitions: Vec<(String, i32)>,
        time: SystemTime,
    ) -> Result<Vec<Option<i64>>> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        self.ask(move |client, config| {
            let mut asked = TopicPartitionList::new();
            for (topic, partition) in &partitions {
                let offset = Offset::Offset(record::millis(time));
                asked
                    .add_partition_offset(topic, *partition, offset)
                    .map_err(|failed| error::from_kafka(failed, "asking for offsets"))?;
            }
            let found = client
                .offsets_for_times(asked, config.timeout)
                .map_err(|failed| error::from_kafka(failed, "asking for offsets"))?;
            let offset = |(topic, partition): &(String, i32)| {
                let element = found.find_partition(topic, *partition)?;
                match element.offset() {
                    Offset::Offset(offset) => Some(offset),
                    _ => None,
                }
            };
            Ok(partitions.iter().map(offset).collect())
        })
        .await
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        client::close_in_background(&self.config, self.admin.take());
    }
}

/// Returns how many partitions metadata tells that a topic has; none means that there is no such topic.
pub(crate) fn partitions_in(
    found: &rdkafka::metadata::Metadata,
    name: &str,
) -> Result<Option<i32>> {
    let Some(topic) = found.topics().iter().find(|topic| topic.name() == name) else {
        return Ok(None);
    };
    match topic.error().map(Code::from) {
        None => Ok(Some(count(topic.partitions().len()))),
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic) => Ok(None),
        Some(code) => Err(error::from_code(code, &format!("asking for `{name}`"))),
    }
}

/// Asks for the bounds of a partition; one that was just made has to choose its leader first. Blocks.
pub(crate) fn watermarks<C: rdkafka::consumer::ConsumerContext>(
    client: &BaseConsumer<C>,
    config: &Config,
    at: &TopicPartition,
) -> Result<Watermarks> {
    let end = Instant::now() + config.timeout;
    loop {
        let failed = match client.fetch_watermarks(&at.topic, at.partition, config.timeout) {
            Ok((low, high)) => return Ok(Watermarks { low, high }),
            Err(failed) => failed,
        };
        // A partition has no leader for a moment after its topic was made or a broker went.
        let may_pass = matches!(
            failed.rdkafka_error_code(),
            Some(Code::UnknownPartition | Code::LeaderNotAvailable | Code::NotLeaderForPartition)
        );
        if !may_pass || Instant::now() > end {
            return Err(error::from_kafka(failed, "reading offsets"));
        }
        std::thread::park_timeout(LOOK);
    }
}

/// Runs something that blocks where that does no harm.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(failed) => Err(gone(failed)),
    }
}

fn gone(failed: impl std::error::Error + Send + Sync + 'static) -> TransportError {
    error(ErrorKind::Other, "a task of ours went down").because(failed)
}

fn count(partitions: usize) -> i32 {
    i32::try_from(partitions).unwrap_or(i32::MAX)
}
