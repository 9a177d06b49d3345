//! The crate `pulsar` used the fastest way that loses nothing, and nothing around it.

use std::io::Write as _;

use futures_util::{StreamExt as _, stream::FuturesOrdered};
use pulsar::{
    Consumer, ConsumerOptions, Pulsar, SubType, TokioExecutor,
    consumer::InitialPosition,
    message::proto::MessageIdData,
    producer::{Message, ProducerOptions},
    reader::Reader,
};

/// Messages that wait for their receipts.
const WINDOW: usize = 200;
/// Messages on their way to a consumer that acknowledges each; fewer are slower by far, more are not faster.
const PREFETCH: u32 = 1000;
/// Messages on their way to a reader.
const SCAN: u32 = 5000;
/// What the product writes of a dead letter, and of a replay, is about as long.
const STORY: usize = 800;
const LINEAGE: usize = 115;

type Payloads = Consumer<Vec<u8>, TokioExecutor>;

/// A client of a broker.
pub struct Raw {
    client: Pulsar<TokioExecutor>,
}

impl Raw {
    pub async fn connect(address: &str) -> Self {
        let client = Pulsar::builder(format!("pulsar://{address}"), TokioExecutor);
        Self {
            client: client.build().await.unwrap(),
        }
    }

    /// Stores events, every receipt checked.
    pub async fn publish(&self, topic: &str, payloads: &[Vec<u8>]) {
        let messages = payloads.iter().map(|payload| message(payload.clone(), 0));
        self.store(topic, messages).await;
    }

    /// Stores events as dead letters, about as long as the product's.
    pub async fn bury(&self, topic: &str, payloads: &[Vec<u8>]) {
        let messages = payloads
            .iter()
            .map(|payload| message(payload.clone(), STORY));
        self.store(topic, messages).await;
    }

    async fn store(&self, topic: &str, messages: impl Iterator<Item = Message>) {
        let mut producer = self.producer(topic).await;
        let mut window = FuturesOrdered::new();
        for message in messages {
            window.push_back(producer.send_non_blocking(message).await.unwrap());
            if window.len() >= WINDOW {
                window.next().await.unwrap().unwrap();
            }
        }
        while let Some(receipt) = window.next().await {
            receipt.unwrap();
        }
        producer.close().await.unwrap();
    }

    async fn producer(&self, topic: &str) -> pulsar::Producer<TokioExecutor> {
        let options = ProducerOptions {
            block_queue_if_full: true,
            ..ProducerOptions::default()
        };
        let producer = self.client.producer().with_topic(topic);
        producer.with_options(options).build().await.unwrap()
    }

    async fn consumer(&self, topic: &str, group: &str, kind: SubType, prefetch: u32) -> Payloads {
        let consumer = self.client.consumer().with_topic(topic);
        let consumer = consumer
            .with_subscription(group)
            .with_subscription_type(kind)
            .with_batch_size(prefetch)
            .with_options(options(prefetch));
        consumer.build().await.unwrap()
    }

    /// Consumes so many messages in a group.
    pub async fn consume(&self, topic: &str, group: &str, events: usize) {
        let kind = SubType::KeyShared;
        let mut consumer = self.consumer(topic, group, kind, PREFETCH).await;
        for _ in 0..events {
            let message = consumer.next().await.unwrap().unwrap();
            std::hint::black_box(&message.payload.data);
            consumer.ack(&message).await.unwrap();
        }
        // What was acknowledged is on the broker only once it answers.
        consumer.check_connection().await.unwrap();
        consumer.close().await.unwrap();
    }

    /// Reads what a topic holds, and counts it.
    pub async fn count(&self, topic: &str) -> usize {
        let mut count = 0;
        self.scan(topic, |payload| {
            std::hint::black_box(payload);
            count += 1;
        })
        .await;
        count
    }

    /// Writes what a topic holds to stdout, a line each.
    pub async fn tail(&self, topic: &str) {
        let mut out = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
        self.scan(topic, |payload| {
            out.write_all(payload).unwrap();
            out.write_all(b"\n").unwrap();
        })
        .await;
        out.flush().unwrap();
    }

    async fn scan(&self, topic: &str, mut take: impl FnMut(&[u8])) {
        let reader = self.client.reader().with_topic(topic);
        let reader = reader.with_batch_size(SCAN).with_options(options(SCAN));
        let mut reader: Reader<Vec<u8>, TokioExecutor> = reader.into_reader().await.unwrap();
        let end = reader.get_last_message_id().await.unwrap();
        let mut is_read = end.entry_id == u64::MAX;
        while !is_read {
            let message = reader.next().await.unwrap().unwrap();
            take(&message.payload.data);
            is_read = place(message.message_id()) >= place(&end);
        }
    }

    /// Publishes dead letters again and acknowledges each after its receipt; returns how many there were.
    pub async fn replay(&self, letters: &str, target: &str) -> usize {
        let kind = SubType::Exclusive;
        let mut consumer = self.consumer(letters, "replay", kind, PREFETCH).await;
        let mut producer = self.producer(target).await;
        let ends = consumer.get_last_message_id().await.unwrap();
        let end = place(&ends[0]);
        let (mut window, mut count) = (FuturesOrdered::new(), 0);
        let mut is_last = false;
        while !is_last {
            let letter = consumer.next().await.unwrap().unwrap();
            let id = letter.message_id().clone();
            is_last = place(&id) >= end;
            let copy = message(letter.payload.data, LINEAGE);
            let sent = producer.send_non_blocking(copy).await;
            let sent = sent.unwrap();
            window.push_back(async move { sent.await.map(|_| id) });
            if window.len() >= WINDOW || is_last {
                let least = if is_last { 0 } else { WINDOW - 1 };
                while window.len() > least {
                    let id = window.next().await.unwrap().unwrap();
                    consumer.ack_with_id(letters, id).await.unwrap();
                    count += 1;
                }
            }
        }
        consumer.check_connection().await.unwrap();
        producer.close().await.unwrap();
        consumer.close().await.unwrap();
        count
    }
}

fn options(prefetch: u32) -> ConsumerOptions {
    ConsumerOptions {
        initial_position: InitialPosition::Earliest,
        receiver_queue_size: Some(prefetch),
        ..ConsumerOptions::default()
    }
}

fn place(id: &MessageIdData) -> (u64, u64) {
    (id.ledger_id, id.entry_id)
}

/// Encodes an event with its content type, and so many bytes of what the product writes beside it.
fn message(payload: Vec<u8>, beside: usize) -> Message {
    let mut message = Message {
        payload,
        ..Message::default()
    };
    let mut add = |name: &str, value: String| message.properties.insert(name.to_owned(), value);
    add("content-type", "application/cloudevents+json".to_owned());
    if beside > 0 {
        add("pf-story", "x".repeat(beside));
    }
    message
}
