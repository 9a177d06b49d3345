//! A namespace of a real broker, read with the client of the crate `pulsar` and the admin API.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use futures_util::StreamExt as _;
use pulsar::{
    ConsumerOptions, Pulsar as Client, TokioExecutor, consumer::InitialPosition,
    message::proto::MessageMetadata, reader::Reader,
};
use serde_json::Value;
use test_support::pulsar::Broker;
use tokio::runtime::Runtime;

use crate::judge::{Holdings, InHand, Judge, Moved, Record, id};

const ORDERS: &str = "order.created";
const RETRIES: &str = "order.created-payments-RETRY";
const LETTERS: &str = "order.created-payments-DLQ";
const RESPONSES: &str = "payment.done";

/// A namespace of a broker that other tests use too.
#[derive(Clone)]
pub struct Pulsar {
    broker: &'static Broker,
    namespace: String,
    runtime: Arc<Runtime>,
}

/// A message as the broker has it.
struct Raw {
    entry: (u64, u64),
    metadata: MessageMetadata,
    payload: Vec<u8>,
    properties: BTreeMap<String, String>,
    deliver_at: i64,
}

impl Pulsar {
    /// Creates a namespace with the topics of the tests. What is acknowledged stays, for the judge.
    pub fn new(broker: &'static Broker, recognises_duplicates: bool) -> Self {
        let namespace = broker.namespace();
        let admin = broker.admin();
        let retention = r#"{"retentionTimeInMinutes":-1,"retentionSizeInMB":-1}"#;
        admin.must(
            "POST",
            &format!("namespaces/{namespace}/retention"),
            retention,
        );
        if recognises_duplicates {
            let path = format!("namespaces/{namespace}/deduplication");
            admin.must("POST", &path, "true");
        }
        let namespace = Self {
            broker,
            namespace,
            runtime: Arc::new(Runtime::new().unwrap()),
        };
        for topic in [ORDERS, RESPONSES] {
            namespace.create(topic);
        }
        let orders = format!("persistent/{}/{ORDERS}", namespace.namespace);
        admin.must("PUT", &format!("{orders}/subscription/payments"), "");
        namespace
    }

    /// Creates a topic.
    pub fn create(&self, topic: &str) {
        let path = format!("persistent/{}/{topic}", self.namespace);
        self.broker.admin().must("PUT", &path, "");
    }

    fn topics(&self) -> Vec<String> {
        let path = format!("persistent/{}", self.namespace);
        let listed = self.broker.admin().must("GET", &path, "");
        let names: Vec<String> = serde_json::from_str(&listed).unwrap();
        let local = |name: &String| name.rsplit('/').next().map(str::to_owned);
        names.iter().filter_map(local).collect()
    }

    /// Reads all messages of a topic, if it exists.
    fn read_topic(&self, topic: &str) -> Vec<Raw> {
        if !self.topics().iter().any(|known| known == topic) {
            return Vec::new();
        }
        self.runtime.block_on(self.read_all(topic))
    }

    async fn read_all(&self, topic: &str) -> Vec<Raw> {
        let address = format!("pulsar://{}", self.broker.address());
        let client = Client::builder(address, TokioExecutor).build().await;
        let reader = client.unwrap().reader();
        let reader = reader
            .with_topic(format!("persistent://{}/{topic}", self.namespace))
            .with_batch_size(1000)
            .with_options(ConsumerOptions {
                initial_position: InitialPosition::Earliest,
                ..ConsumerOptions::default()
            });
        let mut reader: Reader<Vec<u8>, TokioExecutor> = reader.into_reader().await.unwrap();
        let end = reader.get_last_message_id().await.unwrap();
        let end = (end.ledger_id, end.entry_id);
        let mut all = Vec::new();
        while end.1 != u64::MAX && all.last().is_none_or(|last: &Raw| last.entry < end) {
            let message = reader.next().await.unwrap().unwrap();
            let (id, metadata) = (message.message_id().clone(), message.metadata().clone());
            let properties = metadata.properties.iter();
            all.push(Raw {
                entry: (id.ledger_id, id.entry_id),
                properties: properties
                    .map(|one| (one.key.clone(), one.value.clone()))
                    .collect(),
                deliver_at: metadata.deliver_at_time.unwrap_or(0),
                metadata,
                payload: message.payload.data.clone(),
            });
        }
        all
    }

    /// Returns the messages of a topic that the group has not acknowledged.
    fn unacknowledged(&self, topic: &str) -> Vec<Raw> {
        let mut messages = self.read_topic(topic);
        if messages.is_empty() {
            return messages;
        }
        let path = format!("persistent/{}/{topic}/internalStats", self.namespace);
        let stats = self.broker.admin().must("GET", &path, "");
        let stats: Value = serde_json::from_str(&stats).unwrap();
        let cursor = &stats["cursors"]["payments"];
        let Some(settled) = cursor["markDeletePosition"].as_str().and_then(position) else {
            return messages;
        };
        let ranges = cursor["individuallyDeletedMessages"].as_str().unwrap_or("");
        let ranges: Vec<_> = ranges
            .split(['(', ']'])
            .filter_map(|range| range.split_once(".."))
            .filter_map(|(before, last)| Some((position(before)?, position(last)?)))
            .collect();
        messages.retain(|one| {
            let is_within =
                |(before, last): &((i64, i64), (i64, i64))| one.at() > *before && one.at() <= *last;
            one.at() > settled && !ranges.iter().any(is_within)
        });
        messages
    }

    fn all_unacknowledged(&self) -> Vec<Raw> {
        let mut all = self.unacknowledged(ORDERS);
        all.extend(self.unacknowledged(RETRIES));
        all
    }

    /// Returns the letters that no job has resolved.
    fn open_letters(&self) -> Vec<Raw> {
        let resolved: HashSet<u64> = self
            .journal()
            .iter()
            .filter_map(|record| record["resolved"].as_array())
            .flatten()
            .filter_map(Value::as_u64)
            .collect();
        let mut letters = self.read_topic(LETTERS);
        letters.retain(|letter| !resolved.contains(&number(&letter.properties["pf-letter-id"])));
        letters
    }

    /// Reads the journal of dead-letter jobs.
    fn journal(&self) -> Vec<Value> {
        self.records("pf.jobs")
    }

    fn records(&self, topic: &str) -> Vec<Value> {
        let records = self.read_topic(topic).into_iter();
        records
            .map(|one| serde_json::from_slice(&one.payload).unwrap())
            .collect()
    }
}

impl Raw {
    /// Returns the letter that it replays; a retry of that is no replay.
    fn replay_of(&self) -> Option<String> {
        let lineage: Value = serde_json::from_str(self.properties.get("pf-replay")?).unwrap();
        let is_retry = self.properties.contains_key("pf-retry");
        (!is_retry).then(|| lineage["replay_of"].as_str().unwrap().to_owned())
    }

    /// Reads the message as its publisher wrote it. `pf-values` says which headers are null or not text.
    fn record(&self) -> Record {
        let decode = |text: &str| Bytes::from(BASE64.decode(text).unwrap());
        let values = self.properties.get("pf-values").map_or("", String::as_str);
        let how: BTreeMap<usize, &str> = values
            .split(' ')
            .filter_map(|value| value.split_once('='))
            .map(|(number, how)| (number.parse().unwrap(), how))
            .collect();
        let headers = self.metadata.properties.iter();
        let headers = headers.filter(|one| !["pf-values", "pf-replay"].contains(&&*one.key));
        let value = |number, text: &str| match how.get(&number) {
            Some(&"null") => None,
            Some(_) => Some(decode(text)),
            None => Some(Bytes::from(text.to_owned())),
        };
        let key = self.metadata.partition_key.as_ref();
        Record {
            key: key.map(|key| {
                let is_encoded = self.metadata.partition_key_b64_encoded();
                if is_encoded {
                    decode(key)
                } else {
                    Bytes::from(key.clone())
                }
            }),
            headers: headers
                .enumerate()
                .map(|(number, one)| (one.key.clone(), value(number, &one.value)))
                .collect(),
            payload: (!self.metadata.null_value()).then(|| self.payload.clone().into()),
        }
    }

    fn at(&self) -> (i64, i64) {
        (self.entry.0.cast_signed(), self.entry.1.cast_signed())
    }
}

/// Reads `ledger:entry`.
fn position(text: &str) -> Option<(i64, i64)> {
    let (ledger, entry) = text.trim().split_once(':')?;
    Some((ledger.parse().ok()?, entry.parse().ok()?))
}

/// Returns a letter's id as the journal has it: five bits for each of its characters.
fn number(letter: &str) -> u64 {
    let bits = |byte: u8| match byte {
        b'a'..=b'z' => u64::from(byte - b'a'),
        _ => u64::from(byte - b'2') + 26,
    };
    letter.bytes().fold(0, |sum, byte| sum << 5 | bits(byte))
}

impl Judge for Pulsar {
    fn url(&self) -> String {
        self.broker.url(&self.namespace)
    }

    fn read(&self) -> Holdings {
        let dead: HashSet<String> = self
            .open_letters()
            .iter()
            .map(|one| id(&one.payload))
            .collect();
        let retries = self.read_topic(RETRIES);
        let replay = |one: &Raw| Some((id(&one.payload), one.replay_of()?));
        let orders = self.read_topic(ORDERS).into_iter();
        let responses = self.read_topic(RESPONSES).into_iter();
        Holdings {
            stored: orders.map(|one| id(&one.payload)).collect(),
            replays: retries.iter().filter_map(replay).collect(),
            dead: dead.into_iter().collect(),
            responses: responses.map(|one| one.payload).collect(),
        }
    }

    fn moved(&self, topic: &str) -> Vec<Moved> {
        let beside = (topic == ORDERS).then_some(RETRIES);
        let all = beside.into_iter().chain([topic]);
        let all = all.flat_map(|topic| self.read_topic(topic));
        let moved = all.filter_map(|one| {
            Some(Moved {
                letter: one.replay_of()?,
                payload: one.payload,
            })
        });
        moved.collect()
    }

    fn replayed(&self, topic: &str) -> Vec<(String, Record)> {
        let all = self.read_topic(topic).into_iter();
        let replayed = all.filter_map(|one| {
            let letter = one.replay_of()?;
            Some((letter, one.record()))
        });
        replayed.collect()
    }

    fn letters(&self) -> Vec<String> {
        let letters = self.open_letters().into_iter();
        letters
            .map(|one| one.properties["pf-letter-id"].clone())
            .collect()
    }

    fn in_hand(&self) -> InHand {
        let ids: Vec<_> = self
            .all_unacknowledged()
            .iter()
            .map(|one| id(&one.payload))
            .collect();
        InHand {
            count: ids.len() as u64,
            ids,
        }
    }

    fn to_come(&self) -> u64 {
        self.all_unacknowledged().len() as u64
    }

    fn not_due(&self) -> u64 {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_millis()).unwrap();
        let orders = self.read_topic(ORDERS);
        orders.iter().filter(|one| one.deliver_at > now).count() as u64
    }

    /// The broker notices by itself that the connection ended, and with it the lease.
    fn after_a_kill(&self) {}

    /// The journal tells how far the last job is, its plan how many letters it has.
    fn progress(&self) -> (u64, u64) {
        let journal = self.journal();
        let Some(step) = journal.iter().rfind(|record| record["record"] == "step") else {
            return (0, 0);
        };
        let done = step["progress"]["through"].as_u64().unwrap();
        let plan = self.records(&format!("pf.job.{}", step["job"].as_str().unwrap()));
        if plan.last().is_none_or(|last| last["record"] == "end") {
            return (0, 0);
        }
        let planned = plan.last().map_or(0, |chunk| {
            let letters = chunk["letters"].as_array().map_or(0, Vec::len);
            chunk["start"].as_u64().unwrap_or(0) + letters as u64
        });
        (done, planned.saturating_sub(done))
    }

    fn cancels_delays(&self) -> bool {
        false
    }
}
