//! rdkafka used the fastest way that loses nothing, and nothing around it.

mod consume;
mod publish;
mod read;
mod transactions;

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer as _},
    message::{BorrowedMessage, Headers as _, Message as _},
};

pub use consume::Shop;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);

/// A broker.
#[derive(Clone)]
pub struct Raw {
    server: String,
}

impl Raw {
    pub fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
        }
    }

    fn config(&self, settings: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.server);
        for (name, value) in settings {
            config.set(*name, *value);
        }
        config
    }

    fn admin<T>(
        &self,
        work: impl AsyncFnOnce(&AdminClient<DefaultClientContext>, &AdminOptions) -> T,
    ) -> T {
        let client = self.config(&[]).create().unwrap();
        let options = AdminOptions::new().operation_timeout(Some(TIMEOUT));
        crate::program::block_on(work(&client, &options))
    }

    /// Makes a topic of six partitions.
    pub fn make(&self, topic: &str, settings: &[(&str, &str)]) {
        let mut new = NewTopic::new(topic, 6, TopicReplication::Fixed(1));
        for (name, value) in settings {
            new = new.set(name, value);
        }
        let made = self.admin(async |client, options| client.create_topics(&[new], options).await);
        assert_eq!(made.unwrap(), [Ok(topic.to_owned())]);
        let client = self.reader("read_uncommitted");
        while bounds_of(&client, topic).len() < 6 {}
    }

    fn reader(&self, isolation: &str) -> BaseConsumer {
        let config = self.config(&[
            ("group.id", "raw"),
            ("enable.auto.commit", "false"),
            ("fetch.queue.backoff.ms", "5"),
            ("fetch.wait.max.ms", "10"),
            ("isolation.level", isolation),
        ]);
        config.create().unwrap()
    }

    /// Returns the only topic with such a name.
    pub fn topic(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        let client = self.reader("read_uncommitted");
        let metadata = client.fetch_metadata(None, TIMEOUT).unwrap();
        let names = metadata
            .topics()
            .iter()
            .map(rdkafka::metadata::MetadataTopic::name);
        let mut wanted = names.filter(|name| is_wanted(name));
        let name = wanted.next().unwrap().to_owned();
        assert_eq!(wanted.next(), None);
        name
    }

    /// Counts the offsets of a topic.
    pub fn count(&self, topic: &str) -> usize {
        let bounds = bounds_of(&self.reader("read_uncommitted"), topic);
        let count: i64 = bounds.iter().map(|(_, low, high)| high - low).sum();
        usize::try_from(count).unwrap()
    }

    /// Waits until readers of committed records see everything: a broker answers before it has marked the partitions.
    pub fn wait_until_seen(&self, topic: &str) {
        let all = bounds_of(&self.reader("read_uncommitted"), topic);
        let committed = self.reader("read_committed");
        while bounds_of(&committed, topic) != all {}
    }

    /// Deletes what a topic holds.
    pub fn empty(&self, topic: &str) {
        let mut ends = TopicPartitionList::new();
        for (partition, _, high) in bounds_of(&self.reader("read_uncommitted"), topic) {
            let end = Offset::Offset(high);
            ends.add_partition_offset(topic, partition, end).unwrap();
        }
        self.admin(async |client, options| {
            let done = client.delete_records(&ends, options).await.unwrap();
            assert!(done.elements().iter().all(|one| one.error().is_ok()));
        });
    }

    /// Returns how many offsets a group has not committed.
    pub fn lag(&self, group: &str, topic: &str) -> i64 {
        let config = self.config(&[("group.id", group), ("enable.auto.commit", "false")]);
        let consumer: BaseConsumer = config.create().unwrap();
        let mut asked = TopicPartitionList::new();
        let bounds = bounds_of(&consumer, topic);
        for (partition, ..) in &bounds {
            asked.add_partition(topic, *partition);
        }
        let committed = consumer.committed_offsets(asked, TIMEOUT).unwrap();
        let lag = bounds.iter().map(|(partition, low, high)| {
            match committed
                .find_partition(topic, *partition)
                .unwrap()
                .offset()
            {
                Offset::Offset(offset) => high - offset,
                _ => high - low,
            }
        });
        lag.sum()
    }
}

/// Returns the partitions that have a leader, from and to.
fn bounds_of(client: &BaseConsumer, topic: &str) -> Vec<(i32, i64, i64)> {
    let metadata = client.fetch_metadata(Some(topic), TIMEOUT).unwrap();
    let partitions = metadata.topics()[0].partitions().iter();
    let ready = partitions.filter(|partition| partition.leader() >= 0);
    let bounds = ready.map(|partition| {
        let id = partition.id();
        let (low, high) = bounds(client, topic, id);
        (id, low, high)
    });
    bounds.collect()
}

/// Asks until it is answered: a leader needs a moment after its topic was made.
fn bounds(client: &BaseConsumer, topic: &str, partition: i32) -> (i64, i64) {
    let end = Instant::now() + TIMEOUT;
    loop {
        match client.fetch_watermarks(topic, partition, TIMEOUT) {
            Ok(bounds) => return bounds,
            Err(failed) => assert!(Instant::now() < end, "{failed}"),
        }
    }
}

fn assign(consumer: &BaseConsumer, topic: &str, spans: &[(i32, i64, i64)]) {
    let mut places = TopicPartitionList::new();
    for (partition, low, _) in spans {
        let from = Offset::Offset(*low);
        places
            .add_partition_offset(topic, *partition, from)
            .unwrap();
    }
    consumer.assign(&places).unwrap();
}

fn header_bytes(message: &BorrowedMessage<'_>) -> usize {
    let headers = message.headers().into_iter().flat_map(|all| all.iter());
    headers
        .map(|header| header.value.map_or(0, <[u8]>::len))
        .sum()
}
