//! A client that knows nothing of ours: makes topics, writes records, and reads what topics and groups hold.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{
        AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
    },
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaResult,
    producer::{BaseProducer, Producer as _},
};
use tokio::runtime::Builder;

use super::records::{Open, Record, Stored, Writer, send};
use crate::wait::wait_while;

/// How long an answer may take.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);
/// How long a single answer may take before it is asked for again.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a poll waits when nothing comes.
const PAUSE: Duration = Duration::from_millis(20);

/// A broker, asked over a new connection each time, so that it may be killed meanwhile.
pub struct Raw {
    server: String,
}

/// What a group has committed of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub partition: i32,
    pub offset: i64,
    pub metadata: String,
}

/// From and to, by partition.
type Spans = BTreeMap<i32, (i64, i64)>;

/// Which records a reader sees.
#[derive(Clone, Copy)]
enum Isolation {
    Committed,
    Uncommitted,
}

impl Raw {
    /// Speaks to the broker of an address.
    pub fn new(server: impl Into<String>) -> Self {
        Self {
            server: server.into(),
        }
    }

    fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.server);
        config.set("reconnect.backoff.max.ms", "100");
        config
    }

    fn reader(&self, group: &str, isolation: Isolation) -> BaseConsumer {
        let isolation = match isolation {
            Isolation::Committed => "read_committed",
            Isolation::Uncommitted => "read_uncommitted",
        };
        let mut config = self.config();
        config.set("group.id", group);
        config.set("enable.auto.commit", "false");
        config.set("isolation.level", isolation);
        config.set("fetch.queue.backoff.ms", "5");
        config.set("fetch.wait.max.ms", "10");
        config.create().unwrap()
    }

    fn look(&self) -> BaseConsumer {
        self.reader("nobody", Isolation::Uncommitted)
    }

    fn admin<T>(
        &self,
        work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> T,
    ) -> T {
        let client = self.config().create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work(&client, &options))
    }

    /// Makes a topic with settings of its own, as in `("cleanup.policy", "compact")`.
    pub fn make(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let made = self.admin(async |client, options| client.create_topics(&[new], options).await);
        assert_eq!(made.unwrap(), [Ok(topic.to_owned())]);
        let partitions = usize::try_from(partitions).unwrap();
        wait_while(|| self.partitions(topic).len() < partitions);
    }

    /// Makes many topics of one partition.
    pub fn make_all(&self, topics: &[String]) {
        let new = |topic| NewTopic::new(topic, 1, TopicReplication::Fixed(1));
        let new: Vec<_> = topics.iter().map(|topic| new(topic)).collect();
        let made = self.admin(async |client, options| client.create_topics(&new, options).await);
        assert!(made.unwrap().iter().all(Result::is_ok));
        let all = |known: Vec<String>| topics.iter().all(|topic| known.contains(topic));
        wait_while(|| !all(self.topics()));
    }

    /// Gives a topic so many partitions.
    pub fn widen(&self, topic: &str, partitions: usize) {
        let new = NewPartitions::new(topic, partitions);
        let made =
            self.admin(async |client, options| client.create_partitions(&[new], options).await);
        assert_eq!(made.unwrap(), [Ok(topic.to_owned())]);
        wait_while(|| self.partitions(topic).len() < partitions);
    }

    /// Returns a setting of a topic.
    pub fn setting(&self, topic: &str, name: &str) -> String {
        let which = [ResourceSpecifier::Topic(topic)];
        let found =
            self.admin(async |client, options| client.describe_configs(&which, options).await);
        let settings = found.unwrap().remove(0).unwrap();
        settings
            .get(name)
            .unwrap()
            .value
            .clone()
            .unwrap_or_default()
    }

    /// Removes the records of a partition before an offset, as retention would.
    pub fn remove_before(&self, topic: &str, partition: i32, offset: i64) {
        let mut places = TopicPartitionList::new();
        let offset = Offset::Offset(offset);
        places
            .add_partition_offset(topic, partition, offset)
            .unwrap();
        self.admin(async |client, options| {
            let removed = client.delete_records(&places, options).await.unwrap();
            assert!(removed.elements().iter().all(|one| one.error().is_ok()));
        });
    }

    /// Removes a topic.
    pub fn remove(&self, topic: &str) {
        let removed =
            self.admin(async |client, options| client.delete_topics(&[topic], options).await);
        assert_eq!(removed.unwrap(), [Ok(topic.to_owned())]);
        wait_while(|| !self.partitions(topic).is_empty());
    }

    /// Returns the names of all topics, Kafka's own too.
    pub fn topics(&self) -> Vec<String> {
        let metadata = self.look().fetch_metadata(None, TIMEOUT).unwrap();
        let names = metadata.topics().iter();
        names.map(|topic| topic.name().to_owned()).collect()
    }

    /// Returns the name of the topic of retries that starts so, as in `pf.billing.order.`, if it is there.
    pub fn retries(&self, start: &str) -> Option<String> {
        let mut topics = self.topics().into_iter();
        topics.find(|name| name.starts_with(start) && name.strip_suffix(".delay").is_some())
    }

    /// Returns the partitions of a topic that have a leader; none if it does not exist.
    pub fn partitions(&self, topic: &str) -> Vec<i32> {
        let metadata = self.look().fetch_metadata(Some(topic), TIMEOUT).unwrap();
        let partitions = metadata
            .topics()
            .iter()
            .flat_map(rdkafka::metadata::MetadataTopic::partitions);
        let led = partitions.filter(|partition| partition.leader() >= 0);
        led.map(rdkafka::metadata::MetadataPartition::id).collect()
    }

    /// Returns the first offset and the one after the last that such a reader sees, by partition.
    fn bounds(&self, topic: &str, isolation: Isolation) -> Spans {
        let client = self.reader("nobody", isolation);
        let bounds = |partition| {
            let ends = || client.fetch_watermarks(topic, partition, ANSWER);
            (partition, patiently(ends))
        };
        self.partitions(topic).into_iter().map(bounds).collect()
    }

    /// Counts the offsets of a topic, those of transactions' marks too.
    pub fn count(&self, topic: &str) -> usize {
        let ends = self.bounds(topic, Isolation::Uncommitted);
        let count: i64 = ends.values().map(|(low, high)| high - low).sum();
        usize::try_from(count).unwrap()
    }

    /// Writes records, in order, and waits until all are stored: in one batch, if they fit in one.
    pub fn write(&self, topic: &str, records: &[Record]) {
        self.writer().write(topic, records);
    }

    /// Prepares to write, so that it takes no longer than it must.
    pub fn writer(&self) -> Writer {
        let mut config = self.config();
        config.set("enable.idempotence", "true");
        // A flush does not wait for it.
        config.set("linger.ms", "10000");
        Writer(config.create().unwrap())
    }

    /// Writes records in one transaction.
    pub fn write_together(&self, topic: &str, records: &[Record], is_committed: bool) {
        self.write_open(topic, records).end(is_committed);
    }

    /// Writes records in a transaction that stays open.
    pub fn write_open(&self, topic: &str, records: &[Record]) -> Open {
        let mut config = self.config();
        config.set("transactional.id", topic);
        config.set("retry.backoff.ms", "1");
        let producer: BaseProducer = config.create().unwrap();
        producer.init_transactions(TIMEOUT).unwrap();
        producer.begin_transaction().unwrap();
        send(&producer, topic, records);
        Open(producer)
    }

    /// Returns what a topic holds for readers of what is committed; waits for open transactions to end.
    pub fn topic(&self, topic: &str) -> Vec<Stored> {
        let all = self.bounds(topic, Isolation::Uncommitted);
        self.read(topic, Isolation::Committed, &all)
    }

    /// Returns what a group may see of a topic from these offsets on: nothing behind a transaction that is open.
    pub fn rest(&self, topic: &str, starts: &BTreeMap<i32, i64>) -> Vec<Stored> {
        let mut spans = self.bounds(topic, Isolation::Committed);
        for (partition, (low, _)) in &mut spans {
            *low = starts.get(partition).map_or(*low, |start| *start.max(low));
        }
        self.read(topic, Isolation::Committed, &spans)
    }

    /// Returns what a topic holds for readers who do not care whether it is committed.
    pub fn uncommitted(&self, topic: &str) -> Vec<Stored> {
        let all = self.bounds(topic, Isolation::Uncommitted);
        self.read(topic, Isolation::Uncommitted, &all)
    }

    /// Returns what a compacted topic stands for: the last record of each key, unless that is empty. As
    /// [`rest`](Self::rest), nothing behind a transaction that is open.
    pub fn latest(&self, topic: &str) -> Vec<Stored> {
        let mut latest = BTreeMap::new();
        for record in self.rest(topic, &BTreeMap::new()) {
            latest.insert((record.partition, record.key.clone()), record);
        }
        let mut latest: Vec<_> = latest.into_values().collect();
        latest.retain(|record| record.payload.is_some());
        latest
    }

    /// Reads spans of offsets; in the order of partitions and offsets.
    fn read(&self, topic: &str, isolation: Isolation, spans: &Spans) -> Vec<Stored> {
        let client = self.reader("nobody", isolation);
        let mut places = TopicPartitionList::new();
        for (&partition, &(low, _)) in spans {
            let start = Offset::Offset(low);
            places
                .add_partition_offset(topic, partition, start)
                .unwrap();
        }
        client.assign(&places).unwrap();
        let mut left = spans.clone();
        left.retain(|_, (low, high)| low < high);
        let mut found = Vec::new();
        let mut patience = Instant::now() + TIMEOUT;
        while !left.is_empty() {
            if let Some(Ok(message)) = client.poll(PAUSE) {
                found.push(Stored::read(&message));
                patience = Instant::now() + TIMEOUT;
                continue;
            }
            // Behind the last record there may be marks of transactions, of which only the position tells.
            let position = client.position().unwrap();
            left.retain(|&partition, &mut (_, high)| {
                let place = position.find_partition(topic, partition).unwrap();
                !matches!(place.offset(), Offset::Offset(offset) if offset >= high)
            });
            assert!(
                Instant::now() < patience,
                "{topic} has records that cannot be read: {left:?}"
            );
        }
        found.retain(|stored| stored.offset < spans[&stored.partition].1);
        found.sort_by_key(|stored| (stored.partition, stored.offset));
        found
    }

    /// Returns what a group has committed of a topic.
    pub fn commits(&self, group: &str, topic: &str) -> Vec<Commit> {
        let client = self.reader(group, Isolation::Uncommitted);
        let mut places = TopicPartitionList::new();
        for partition in self.partitions(topic) {
            places.add_partition(topic, partition);
        }
        let committed = patiently(|| client.committed_offsets(places.clone(), ANSWER));
        let mut commits = Vec::new();
        for place in committed.elements() {
            if let Offset::Offset(offset) = place.offset() {
                commits.push(Commit {
                    partition: place.partition(),
                    offset,
                    metadata: place.metadata().to_owned(),
                });
            }
        }
        commits
    }

    /// Counts the members of a group.
    pub fn members(&self, group: &str) -> usize {
        let client = self.look();
        let groups = patiently(|| client.fetch_group_list(Some(group), ANSWER));
        let groups = groups.groups().iter();
        groups.map(|group| group.members().len()).sum()
    }
}

/// Asks until there is an answer: a broker that has just started has some to load.
fn patiently<T>(ask: impl Fn() -> KafkaResult<T>) -> T {
    let end = Instant::now() + TIMEOUT;
    loop {
        match ask() {
            Ok(answer) => return answer,
            Err(failed) => assert!(Instant::now() < end, "{failed}"),
        }
    }
}
