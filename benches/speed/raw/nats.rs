//! async-nats used the fastest way that loses nothing, and nothing around it.

use std::{io::Write as _, time::Duration};

use async_nats::{
    Client, HeaderMap, Request,
    jetstream::{
        AckKind, Context, Message,
        consumer::{AckPolicy, PullConsumer, pull},
        context::ContextBuilder,
        message::PublishMessage,
        stream::{self, DiscardPolicy, Stream},
    },
};
use bytes::Bytes;
use futures_util::{
    StreamExt as _, TryStreamExt as _, future::BoxFuture, stream::FuturesUnordered,
};
use serde_json::json;

use super::Fate;

/// Publishes that wait for their confirmation.
const WINDOW: usize = 1024;
/// Messages that are being retried or buried, as the product works on them.
const AT_ONCE: usize = 256;
/// Messages asked for at once where none is acknowledged.
const SCAN: usize = 5000;
/// Events in an atomic batch, each with its receipt.
const PAIRS: usize = 500;
/// What the product writes of a failed run, and of a letter, is about as long.
const RUN: usize = 250;
const STORY: usize = 550;
const LINEAGE: usize = 115;

/// A message: subject, headers, payload.
pub type Parcel = (String, HeaderMap, Bytes);

/// A connection.
#[derive(Clone)]
pub struct Raw {
    client: Client,
    js: Context,
}

impl Raw {
    pub async fn connect(server: &str) -> Self {
        let options = async_nats::ConnectOptions::new().subscription_capacity(1 << 16);
        let client = options.connect(server).await.unwrap();
        let js = ContextBuilder::new()
            .max_ack_inflight(1 << 20)
            .build(client.clone());
        Self { client, js }
    }

    /// Makes a stream for events, as `pf --create` does.
    pub async fn make_stream(&self, name: &str) {
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![format!("{name}.>"), format!("_pf.in.{name}.>")],
            allow_direct: true,
            allow_atomic_publish: true,
            allow_message_schedules: true,
            ..stream::Config::default()
        };
        self.js.create_stream(config).await.unwrap();
    }

    /// Makes a stream for letters or failed runs, as a consumer does.
    pub async fn make_place(&self, name: &str, per_subject: i64) {
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![format!("{name}.>")],
            discard: DiscardPolicy::New,
            max_messages_per_subject: per_subject,
            allow_direct: true,
            allow_message_ttl: per_subject > 0,
            ..stream::Config::default()
        };
        self.js.create_stream(config).await.unwrap();
    }

    async fn stream(&self, name: &str) -> Stream {
        self.js.get_stream(name).await.unwrap()
    }

    /// Counts the messages under a subject.
    pub async fn count(&self, name: &str, subject: &str) -> u64 {
        let stream = self.stream(name).await;
        let counts = stream.info_with_subjects(subject).await.unwrap();
        let counts: Vec<_> = counts.try_collect().await.unwrap();
        counts.into_iter().map(|(_, count)| count as u64).sum()
    }

    /// Counts the messages of a stream.
    pub async fn count_all(&self, name: &str) -> u64 {
        self.stream(name).await.cached_info().state.messages
    }

    /// Deletes what a stream holds.
    pub async fn empty(&self, name: &str) {
        self.stream(name).await.purge().await.unwrap();
    }

    /// Makes sure that a group has nothing left to do, and deletes it.
    pub async fn end_group(&self, name: &str, group: &str) {
        let stream = self.stream(name).await;
        let consumer: PullConsumer = stream.get_consumer(group).await.unwrap();
        let info = consumer.cached_info();
        assert_eq!((info.num_pending, info.num_ack_pending), (0, 0));
        stream.delete_consumer(group).await.unwrap();
    }

    /// Stores events, each under an id of its own.
    pub async fn publish(&self, subject: &str, payloads: &[Vec<u8>]) {
        let run = self.client.new_inbox();
        let parcels = payloads.iter().enumerate().map(|(number, payload)| {
            let mut headers = structured();
            headers.insert("Nats-Msg-Id", format!("{run}-{number}"));
            (subject.to_owned(), headers, Bytes::copy_from_slice(payload))
        });
        self.store(parcels).await;
    }

    /// Stores messages, every confirmation checked.
    pub async fn store(&self, parcels: impl Iterator<Item = Parcel>) {
        let mut window = FuturesUnordered::new();
        for (subject, headers, payload) in parcels {
            let message = PublishMessage::build().headers(headers).payload(payload);
            let sent = self.js.send_publish(subject, message).await.unwrap();
            window.push(sent.into_future());
            if window.len() >= WINDOW {
                window.next().await.unwrap().unwrap();
            }
        }
        while window.try_next().await.unwrap().is_some() {}
    }

    /// Joins a group.
    async fn join(&self, name: &str, group: &str, subject: &str) -> PullConsumer {
        let config = pull::Config {
            durable_name: Some(group.to_owned()),
            filter_subject: subject.to_owned(),
            ack_policy: AckPolicy::Explicit,
            max_deliver: -1,
            max_ack_pending: 200_000,
            ..pull::Config::default()
        };
        let stream = self.stream(name).await;
        stream.create_consumer(config).await.unwrap()
    }

    /// Consumes so many messages; a failed run is written down before its message is held back, a letter before its
    /// original is acknowledged.
    pub async fn consume(&self, shop: &Shop<'_>, batch: usize, events: u64) {
        let consumer = self.join(shop.name, shop.group, shop.subject).await;
        let mut messages = consumer
            .stream()
            .max_messages_per_batch(batch)
            .expires(Duration::from_secs(30))
            .heartbeat(Duration::from_secs(5))
            .messages()
            .await
            .unwrap();
        let mut window: FuturesUnordered<BoxFuture<'_, Option<Message>>> = FuturesUnordered::new();
        let (mut settled, mut last) = (0, None);
        while settled < events {
            let full = window.len() >= AT_ONCE;
            let message = tokio::select! {
                biased;
                Some(done) = window.next() => {
                    settled += u64::from(done.is_some());
                    last = done.or(last);
                    continue;
                }
                message = messages.next(), if !full => message.unwrap().unwrap(),
            };
            let info = message.info().unwrap();
            let (number, again) = (info.stream_sequence, info.delivered > 1);
            match (shop.fates)(number, again) {
                Fate::Ack if again => window.push(Box::pin(self.recall(shop, message, number))),
                Fate::Ack => {
                    settled += 1;
                    message.ack().await.unwrap();
                    last = Some(message);
                }
                Fate::Retry => window.push(Box::pin(self.hold_back(shop, message, number))),
                Fate::Dead => window.push(Box::pin(self.bury(shop, message, number))),
            }
        }
        drop(window);
        // The server takes acknowledgements in order, so the last one tells of all.
        last.unwrap().double_ack().await.unwrap();
    }

    /// Writes a failed run down and holds its message back.
    async fn hold_back(&self, shop: &Shop<'_>, message: Message, number: u64) -> Option<Message> {
        let mut headers = HeaderMap::new();
        headers.insert("Nats-TTL", "24h");
        let subject = format!("{}.{}.{number}", shop.runs, shop.group);
        let record = PublishMessage::build()
            .headers(headers)
            .payload(vec![b'x'; RUN].into());
        let sent = self.js.send_publish(subject, record).await.unwrap();
        sent.await.unwrap();
        message.ack_with(AckKind::Nak(None)).await.unwrap();
        None
    }

    /// Reads what was written down of a message that came again, and acknowledges it.
    async fn recall(&self, shop: &Shop<'_>, message: Message, number: u64) -> Option<Message> {
        let what = json!({"last_by_subj": format!("{}.{}.{number}", shop.runs, shop.group)});
        let place = format!("$JS.API.DIRECT.GET.{}", shop.runs);
        let found = self.client.request(place, what.to_string().into()).await;
        assert_eq!(found.unwrap().payload.len(), RUN);
        message.ack().await.unwrap();
        Some(message)
    }

    /// Stores a letter unless it is there, and acknowledges its original.
    async fn bury(&self, shop: &Shop<'_>, message: Message, number: u64) -> Option<Message> {
        let mut headers = own_headers(&message);
        headers.insert("pf-letter", "x".repeat(STORY));
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        headers.insert("Nats-Expected-Stream", shop.letters);
        let subject = format!("{}.{}.{number}", shop.letters, shop.group);
        let letter = PublishMessage::build()
            .headers(headers)
            .payload(message.payload.clone());
        let sent = self.js.send_publish(subject, letter).await.unwrap();
        sent.await.unwrap();
        message.ack().await.unwrap();
        Some(message)
    }

    /// Reads what a stream holds under a subject, in order.
    pub async fn scan(&self, name: &str, subject: &str, mut take: impl AsyncFnMut(Message)) {
        let config = pull::Config {
            ack_policy: AckPolicy::None,
            filter_subject: subject.to_owned(),
            memory_storage: true,
            ..pull::Config::default()
        };
        let stream = self.stream(name).await;
        let consumer = stream.create_consumer(config).await.unwrap();
        if consumer.cached_info().num_pending == 0 {
            return;
        }
        let messages = consumer.stream().max_messages_per_batch(SCAN);
        let mut messages = messages.messages().await.unwrap();
        loop {
            let message = messages.next().await.unwrap().unwrap();
            let last = message.info().unwrap().pending == 0;
            take(message).await;
            if last {
                return;
            }
        }
    }

    /// Writes what a stream holds under a subject to stdout, a line each.
    pub async fn tail(&self, name: &str, subject: &str) {
        let mut output = std::io::BufWriter::with_capacity(1 << 16, std::io::stdout().lock());
        self.scan(name, subject, async |message| {
            output.write_all(&message.payload).unwrap();
            output.write_all(b"\n").unwrap();
        })
        .await;
        output.flush().unwrap();
    }

    /// Reads what a stream holds with all headers, and returns how much it is, and when the first and the last were stored.
    pub async fn read_all(&self, name: &str) -> (usize, Duration, Duration) {
        let (mut count, mut first, mut last) = (0, Duration::MAX, Duration::ZERO);
        self.scan(name, ">", async |message| {
            std::hint::black_box(own_headers(&message));
            let stored = message.info().unwrap().published;
            let stored = Duration::from_nanos(stored.unix_timestamp_nanos().try_into().unwrap());
            (count, first, last) = (count + 1, first.min(stored), last.max(stored));
        })
        .await;
        (count, first, last)
    }

    /// Publishes every letter again exactly once: event and receipt in one batch, then the letters are deleted. `edit` changes
    /// events on the way.
    pub async fn replay(
        &self,
        name: &str,
        letters: &str,
        subject: &str,
        edit: Option<crate::events::Edit>,
    ) {
        let mut pairs = Vec::with_capacity(2 * PAIRS);
        let receipts = format!("_pf.in.{name}.receipt");
        let mut last = 0;
        self.scan(letters, &format!("{letters}.>"), async |message| {
            last = message.info().unwrap().stream_sequence;
            let mut guard = HeaderMap::new();
            guard.insert("Nats-Expected-Last-Subject-Sequence", "0");
            pairs.push((format!("{receipts}.{last}"), guard, Bytes::new()));
            let mut headers = structured();
            headers.insert("pf-replay", "x".repeat(LINEAGE));
            let payload = match edit {
                Some(edit) => edit(&message.payload).into(),
                None => message.payload.clone(),
            };
            pairs.push((subject.to_owned(), headers, payload));
            if pairs.len() == 2 * PAIRS {
                self.commit(std::mem::take(&mut pairs)).await;
            }
        })
        .await;
        if !pairs.is_empty() {
            self.commit(pairs).await;
        }
        let stream = self.stream(letters).await;
        stream.purge().sequence(last + 1).await.unwrap();
        let stream = self.stream(name).await;
        let receipts = format!("{receipts}.>");
        stream.purge().filter(receipts).await.unwrap();
    }

    /// Stores messages in one step.
    async fn commit(&self, parcels: Vec<Parcel>) {
        let id = self.client.new_inbox();
        let last = parcels.len();
        for (number, (subject, mut headers, payload)) in (1..).zip(parcels) {
            headers.insert("Nats-Batch-Id", id.as_str());
            headers.insert("Nats-Batch-Sequence", number.to_string());
            if number < last {
                let sent = self.client.publish_with_headers(subject, headers, payload);
                sent.await.unwrap();
            } else {
                headers.insert("Nats-Batch-Commit", "1");
                let request = Request::new().headers(headers).payload(payload);
                let answer = self.client.send_request(subject, request).await.unwrap();
                let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
                assert_eq!(answer["count"], last, "{answer}");
            }
        }
    }
}

/// Where a group works.
pub struct Shop<'a> {
    pub name: &'a str,
    pub group: &'a str,
    pub subject: &'a str,
    pub letters: &'a str,
    pub runs: &'a str,
    pub fates: fn(u64, bool) -> Fate,
}

fn structured() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/cloudevents+json");
    headers
}

/// Returns a message's headers without those that are commands to the server.
pub fn own_headers(message: &Message) -> HeaderMap {
    let mut own = HeaderMap::new();
    for (name, values) in message.headers.iter().flat_map(HeaderMap::iter) {
        if !AsRef::<str>::as_ref(name).starts_with("Nats-") {
            for value in values {
                own.append(name.clone(), value.clone());
            }
        }
    }
    own
}
