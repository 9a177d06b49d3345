//! A client that knows nothing of the library: that of the crate `pulsar`, which batches as Java's and Python's do.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{StreamExt as _, stream::FuturesOrdered};
use pulsar::{
    Consumer, ConsumerOptions, Pulsar, SubType, TokioExecutor,
    consumer::InitialPosition,
    producer::{Message, ProducerOptions},
    reader::Reader,
};

/// A client of one broker, for one namespace.
pub(crate) struct Raw {
    client: Pulsar<TokioExecutor>,
    namespace: String,
}

impl Raw {
    pub(crate) async fn new(address: &str, namespace: &str) -> Self {
        let client = Pulsar::builder(format!("pulsar://{address}"), TokioExecutor);
        Self {
            client: client.build().await.unwrap(),
            namespace: namespace.to_owned(),
        }
    }

    /// Returns Pulsar's name of a topic.
    pub(crate) fn name(&self, topic: &str) -> String {
        format!("persistent://{}/{topic}", self.namespace)
    }

    /// Stores texts as one batch, the entry of a topic that no message of another is in.
    pub(crate) async fn batch(&self, topic: &str, texts: &[String]) {
        self.batch_with(topic, texts, &[]).await;
    }

    /// The same, each with these properties.
    pub(crate) async fn batch_with(
        &self,
        topic: &str,
        texts: &[String],
        properties: &[(&str, &str)],
    ) {
        let options = ProducerOptions {
            batch_size: Some(u32::try_from(texts.len()).unwrap()),
            batch_timeout: Some(Duration::from_secs(10)),
            ..ProducerOptions::default()
        };
        let producer = self.client.producer().with_topic(self.name(topic));
        let mut producer = producer.with_options(options).build().await.unwrap();
        let mut sent = Vec::new();
        for text in texts {
            let message = Message {
                payload: text.clone().into_bytes(),
                partition_key: Some(text.clone()),
                properties: properties
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                ..Message::default()
            };
            sent.push(producer.send_non_blocking(message).await.unwrap());
        }
        let mut entries = std::collections::HashSet::new();
        for one in sent {
            let id = one.await.unwrap().message_id.unwrap();
            entries.insert((id.ledger_id, id.entry_id));
        }
        assert_eq!(entries.len(), 1, "one batch");
        producer.close().await.unwrap();
    }

    /// Stores events of these ids one by one, each to be delivered after a delay, if it has one.
    pub(crate) async fn delayed(&self, topic: &str, events: &[(String, Option<Duration>)]) {
        let producer = self.client.producer().with_topic(self.name(topic));
        let options = ProducerOptions {
            block_queue_if_full: true,
            ..ProducerOptions::default()
        };
        let mut producer = producer.with_options(options).build().await.unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let mut sent = FuturesOrdered::new();
        for (id, delay) in events {
            let event = format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"{topic}","data":{{}}}}"#
            );
            let due = delay.map(|delay| i64::try_from((now + delay).as_millis()).unwrap());
            let message = Message {
                payload: event.into_bytes(),
                deliver_at_time: due,
                ..Message::default()
            };
            sent.push_back(producer.send_non_blocking(message).await.unwrap());
            if sent.len() >= 200 {
                sent.next().await.unwrap().unwrap();
            }
        }
        while let Some(receipt) = sent.next().await {
            receipt.unwrap();
        }
        producer.close().await.unwrap();
    }

    /// Subscribes, and holds the subscription until it is dropped.
    pub(crate) async fn hold(
        &self,
        topic: &str,
        subscription: &str,
        sub_type: SubType,
    ) -> Consumer<Vec<u8>, TokioExecutor> {
        let consumer = self.client.consumer();
        let consumer = consumer
            .with_topic(self.name(topic))
            .with_subscription(subscription)
            .with_consumer_name("the-holder")
            .with_subscription_type(sub_type)
            .with_options(ConsumerOptions {
                initial_position: InitialPosition::Earliest,
                ..ConsumerOptions::default()
            });
        consumer.build().await.unwrap()
    }

    /// Reads all payloads of a topic without partitions.
    pub(crate) async fn read(&self, topic: &str) -> Vec<Vec<u8>> {
        let messages = self.read_with_properties(topic).await.into_iter();
        messages.map(|(payload, _)| payload).collect()
    }

    /// Reads all payloads of a topic without partitions, each with its properties.
    pub(crate) async fn read_with_properties(
        &self,
        topic: &str,
    ) -> Vec<(Vec<u8>, HashMap<String, String>)> {
        let reader = self.client.reader().with_topic(self.name(topic));
        let reader = reader.with_batch_size(1000).with_options(ConsumerOptions {
            initial_position: InitialPosition::Earliest,
            ..ConsumerOptions::default()
        });
        let mut reader: Reader<Vec<u8>, TokioExecutor> = reader.into_reader().await.unwrap();
        let end = reader.get_last_message_id().await.unwrap();
        let mut all = Vec::new();
        if end.entry_id == u64::MAX {
            return all;
        }
        loop {
            let message = reader.next().await.unwrap().unwrap();
            let properties = message.metadata().properties.iter();
            let properties = properties.map(|one| (one.key.clone(), one.value.clone()));
            all.push((message.payload.data.clone(), properties.collect()));
            let id = message.message_id().clone();
            let last_of_batch = id.batch_size.unwrap_or(1) <= id.batch_index.unwrap_or(0) + 1;
            if (id.ledger_id, id.entry_id) >= (end.ledger_id, end.entry_id) && last_of_batch {
                return all;
            }
        }
    }
}
