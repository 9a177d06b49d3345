//! rdkafka used the fastest way that loses nothing, and nothing around it.

use std::{
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, ClientContext, Message as _, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, CommitMode, Consumer as _},
    error::{KafkaError, RDKafkaErrorCode as Code},
    message::{BorrowedMessage, DeliveryResult, Header, Headers as _, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, NoCustomPartitioner, Producer as _, ProducerContext},
};

use super::Fate;
use crate::events;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(20);
/// Records between two looks at what was confirmed.
const TURN: usize = 256;
/// How often a position is committed.
const COMMIT: Duration = Duration::from_secs(1);
/// Letters in a transaction, and events that are fired in one, as the product takes them.
const LETTERS: usize = 1000;
const FIRED: usize = 500;
/// What the product writes of a message that waits, and of a letter, is about as long.
const WAITING: usize = 200;
const STORY: usize = 550;
const ID: usize = 26;

/// Counts what is confirmed, and ends the benchmark at what is not.
#[derive(Default)]
struct Confirmed(AtomicUsize);

impl ClientContext for Confirmed {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}
    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext<NoCustomPartitioner> for Confirmed {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok());
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Producer = BaseProducer<Confirmed>;

/// A broker.
#[derive(Clone)]
pub struct Raw {
    server: String,
}

/// Where a group works.
pub struct Shop<'a> {
    pub group: &'a str,
    pub topic: &'a str,
    pub letters: &'a str,
    pub retries: &'a str,
    pub fates: fn(u64, bool) -> Fate,
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
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
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

    /// Counts the offsets of a topic.
    pub fn count(&self, topic: &str) -> usize {
        let bounds = bounds_of(&self.reader("read_uncommitted"), topic);
        let count: i64 = bounds.iter().map(|(_, low, high)| high - low).sum();
        usize::try_from(count).unwrap()
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

    fn stream(&self) -> Producer {
        let config = self.config(&[
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("linger.ms", "5"),
            ("queue.buffering.max.messages", "20000"),
            ("partitioner", "murmur2_random"),
        ]);
        config.create_with_context(Confirmed::default()).unwrap()
    }

    /// Stores events.
    pub fn publish(&self, topic: &str, payloads: &[Vec<u8>]) {
        let producer = self.stream();
        for (number, payload) in payloads.iter().enumerate() {
            let record = BaseRecord::<(), _>::to(topic).headers(structured(0));
            send(&producer, record.payload(payload));
            if number % TURN == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        drain(&producer);
        let confirmed = Producer::context(&producer).0.load(Ordering::Relaxed);
        assert_eq!(confirmed, payloads.len());
    }

    /// Stores one event the shortest way.
    pub fn publish_once(&self, topic: &str, payload: &str) {
        let config = self.config(&[
            ("acks", "all"),
            ("enable.idempotence", "false"),
            ("max.in.flight", "1"),
            ("linger.ms", "0"),
            ("allow.auto.create.topics", "false"),
        ]);
        let producer = config.create_with_context(Confirmed::default()).unwrap();
        let record = BaseRecord::<(), _>::to(topic).headers(structured(0));
        send(&producer, record.payload(payload));
        drain(&producer);
    }

    /// Consumes so many messages. What is to be tried again, and letters, are confirmed before the position moves.
    pub fn consume(&self, shop: &Shop<'_>, events: usize) {
        let config = self.config(&[
            ("group.id", shop.group),
            ("enable.auto.commit", "false"),
            ("auto.offset.reset", "earliest"),
            ("fetch.queue.backoff.ms", "5"),
            ("heartbeat.interval.ms", "500"),
            ("session.timeout.ms", "6000"),
            ("partition.assignment.strategy", "cooperative-sticky"),
        ]);
        let consumer: BaseConsumer = config.create().unwrap();
        consumer.subscribe(&[shop.topic, shop.retries]).unwrap();
        let producer = self.stream();
        let mut settled = 0;
        let mut commit_at = Instant::now() + COMMIT;
        while settled < events {
            let Some(polled) = consumer.poll(Duration::from_millis(1)) else {
                producer.poll(Duration::ZERO);
                continue;
            };
            settled += usize::from(handle(&producer, shop, &polled.unwrap()));
            if Instant::now() > commit_at {
                drain(&producer);
                consumer.commit_consumer_state(CommitMode::Async).unwrap();
                commit_at = Instant::now() + COMMIT;
            }
        }
        drain(&producer);
        consumer.commit_consumer_state(CommitMode::Sync).unwrap();
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
        let committed = consumer.committed_offsets(asked, PATIENCE).unwrap();
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

    /// Reads what a topic holds now.
    pub fn scan(&self, topic: &str, mut take: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer = self.reader("read_committed");
        let mut spans = bounds_of(&consumer, topic);
        spans.retain(|(_, low, high)| low < high);
        assign(&consumer, topic, &spans);
        let mut left: Vec<Option<i64>> = vec![None; 6];
        for (partition, _, high) in spans {
            left[usize::try_from(partition).unwrap()] = Some(high);
        }
        while left.iter().any(Option::is_some) {
            if let Some(polled) = consumer.poll(LOOK) {
                let message = polled.unwrap();
                let high = &mut left[usize::try_from(message.partition()).unwrap()];
                if high.is_some_and(|high| message.offset() < high) {
                    take(&message);
                    high.take_if(|high| message.offset() + 1 >= *high);
                }
                continue;
            }
            for at in consumer.position().unwrap().elements() {
                let high = &mut left[usize::try_from(at.partition()).unwrap()];
                high.take_if(|high| matches!(at.offset(), Offset::Offset(next) if next >= *high));
            }
        }
    }

    /// Shows so many messages of a topic as they come.
    pub fn follow(&self, topic: &str, count: usize, mut take: impl FnMut(&BorrowedMessage<'_>)) {
        let consumer = self.reader("read_committed");
        let spans: Vec<_> = (0..6).map(|partition| (partition, 0, 0)).collect();
        assign(&consumer, topic, &spans);
        let (mut seen, mut heard) = (0, Instant::now());
        while seen < count {
            if let Some(polled) = consumer.poll(LOOK) {
                take(&polled.unwrap());
                (seen, heard) = (seen + 1, Instant::now());
            }
            assert!(heard.elapsed() < PATIENCE, "{seen} of {count} came");
        }
    }

    /// Writes what a topic holds to stdout, a line each.
    pub fn tail(&self, topic: &str) {
        let mut output = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
        self.scan(topic, |message| {
            output.write_all(message.payload().unwrap()).unwrap();
            output.write_all(b"\n").unwrap();
        });
        output.flush().unwrap();
    }

    /// Reads what a topic holds with all headers, and counts it.
    pub fn count_records(&self, topic: &str) -> usize {
        let mut count = 0;
        self.scan(topic, |message| {
            std::hint::black_box(header_bytes(message));
            count += 1;
        });
        count
    }

    fn transactional(&self, id: &str) -> Producer {
        let config = self.config(&[
            ("transactional.id", id),
            ("linger.ms", "0"),
            ("retry.backoff.ms", "1"),
            ("queue.buffering.max.messages", "20000"),
            ("partitioner", "murmur2_random"),
        ]);
        let producer: Producer = config.create_with_context(Confirmed::default()).unwrap();
        producer.init_transactions(PATIENCE).unwrap();
        producer
    }

    /// Lets letters wait again, with a receipt for each batch, in one transaction each.
    pub fn replay(&self, letters: &str, retries: &str, state: &str) -> usize {
        let producer = self.transactional(&format!("{state}-owner"));
        let mut count = 0;
        self.scan(letters, |message| {
            if count % LETTERS == 0 {
                producer.begin_transaction().unwrap();
            }
            let key = format!("replay/{count}");
            let record = BaseRecord::to(retries)
                .key(&key)
                .headers(structured(WAITING));
            send(&producer, record.payload(message.payload().unwrap()));
            count += 1;
            if count % LETTERS == 0 {
                receipt(&producer, state, count);
            }
        });
        if count % LETTERS > 0 {
            receipt(&producer, state, count);
        }
        count
    }

    /// Stores events that are due.
    pub fn enqueue(&self, delays: &str, payloads: &[Vec<u8>]) {
        let producer = self.stream();
        for (number, payload) in payloads.iter().enumerate() {
            let key = format!("{number:026}");
            let record = BaseRecord::to(delays)
                .key(&key)
                .headers(structured(WAITING));
            send(&producer, record.payload(payload));
            if number % TURN == 0 {
                producer.poll(Duration::ZERO);
            }
        }
        drain(&producer);
    }

    /// Publishes all that waits: events, the ends of what waited and the position, in one transaction each time.
    pub fn fire(&self, delays: &str, target: &str) {
        let bounds = bounds_of(&self.reader("read_uncommitted"), delays);
        thread::scope(|scope| {
            for (partition, low, high) in bounds {
                if low < high {
                    scope.spawn(move || self.fire_partition((delays, partition), high, target));
                }
            }
        });
    }

    fn fire_partition(&self, (delays, partition): (&str, i32), high: i64, target: &str) {
        let producer = self.transactional(&format!("{delays}-{partition}"));
        let consumer = self.reader("read_committed");
        assign(&consumer, delays, &[(partition, 0, high)]);
        let (mut open, mut next) = (0, 0);
        while next < high {
            let Some(polled) = consumer.poll(LOOK) else {
                continue;
            };
            let message = polled.unwrap();
            if open == 0 {
                producer.begin_transaction().unwrap();
            }
            let payload = message.payload().unwrap();
            let event = BaseRecord::<(), _>::to(target).headers(structured(0));
            send(&producer, event.payload(payload));
            let end = BaseRecord::<_, ()>::to(delays).partition(partition);
            send(&producer, end.key(message.key().unwrap()));
            (open, next) = (open + 1, message.offset() + 1);
            if open == FIRED || next == high {
                let mut moved = TopicPartitionList::new();
                let at = Offset::Offset(next);
                moved.add_partition_offset(delays, partition, at).unwrap();
                let group = consumer.group_metadata().unwrap();
                let sent = producer.send_offsets_to_transaction(&moved, &group, PATIENCE);
                sent.unwrap();
                drain(&producer);
                producer.commit_transaction(PATIENCE).unwrap();
                open = 0;
            }
        }
    }
}

fn receipt(producer: &Producer, state: &str, count: usize) {
    let key = format!("letter/{count}");
    let payload = vec![b'x'; LETTERS * 16];
    send(producer, BaseRecord::to(state).key(&key).payload(&payload));
    drain(producer);
    producer.commit_transaction(PATIENCE).unwrap();
}

/// Does what is to be done about a message; reports whether that was the last of it.
fn handle(producer: &Producer, shop: &Shop<'_>, message: &BorrowedMessage<'_>) -> bool {
    std::hint::black_box(header_bytes(message));
    let Some(payload) = message.payload() else {
        return false;
    };
    let again = message.topic() == shop.retries;
    match (shop.fates)(events::number(payload), again) {
        Fate::Ack if again => {
            let end = BaseRecord::<_, ()>::to(shop.retries).partition(message.partition());
            send(producer, end.key(message.key().unwrap()));
            true
        }
        Fate::Ack => true,
        Fate::Retry => {
            let key = format!(
                "{}/{}/{}",
                shop.topic,
                message.partition(),
                message.offset()
            );
            let record = BaseRecord::to(shop.retries).key(&key);
            send(
                producer,
                record.headers(structured(WAITING)).payload(payload),
            );
            producer.poll(Duration::ZERO);
            false
        }
        Fate::Dead => {
            let letter = BaseRecord::<(), _>::to(shop.letters).partition(message.partition());
            send(producer, letter.headers(structured(STORY)).payload(payload));
            producer.poll(Duration::ZERO);
            true
        }
    }
}

fn header_bytes(message: &BorrowedMessage<'_>) -> usize {
    let headers = message.headers().into_iter().flat_map(|all| all.iter());
    headers
        .map(|header| header.value.map_or(0, <[u8]>::len))
        .sum()
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

/// Sends a record; a full queue holds the caller back.
fn send<K: rdkafka::message::ToBytes + ?Sized, P: rdkafka::message::ToBytes + ?Sized>(
    producer: &Producer,
    record: BaseRecord<'_, K, P>,
) {
    let mut record = Some(record);
    while let Some(next) = record.take() {
        match producer.send(next) {
            Ok(()) => {}
            Err((KafkaError::MessageProduction(Code::QueueFull), refused)) => {
                producer.poll(Duration::from_millis(1));
                record = Some(refused);
            }
            Err((failed, _)) => panic!("{failed}"),
        }
    }
}

fn drain(producer: &Producer) {
    while producer.in_flight_count() > 0 {
        producer.poll(Duration::from_micros(200));
    }
}

/// Returns the headers of an event, with what is known of it where that has a length.
fn structured(story: usize) -> OwnedHeaders {
    let headers = OwnedHeaders::new_with_capacity(3).insert(Header {
        key: "content-type",
        value: Some("application/cloudevents+json"),
    });
    if story == 0 {
        return headers;
    }
    let story = vec![b'x'; story];
    let headers = headers.insert(Header {
        key: "pf-story",
        value: Some(&story),
    });
    headers.insert(Header {
        key: "pf-id",
        value: Some(&story[..ID]),
    })
}

/// Returns the partitions that have a leader, from and to.
fn bounds_of(client: &BaseConsumer, topic: &str) -> Vec<(i32, i64, i64)> {
    let metadata = client.fetch_metadata(Some(topic), PATIENCE).unwrap();
    let partitions = metadata.topics()[0].partitions().iter();
    let ready = partitions.filter(|partition| partition.leader() >= 0);
    let bounds = ready.map(|partition| {
        let id = partition.id();
        let (low, high) = client.fetch_watermarks(topic, id, PATIENCE).unwrap();
        (id, low, high)
    });
    bounds.collect()
}
