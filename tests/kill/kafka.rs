//! Topics of a real broker, read with a client of its own.

use std::{
    collections::{HashMap, HashSet},
    time::{SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use serde_json::{Value, json};
use test_support::kafka::{
    Broker, Raw,
    records::{Record, Stored},
    settled::unsettled,
};

use crate::judge::{self, Holdings, InHand, Judge, Moved};

/// A member of which nothing is heard is missed soon, and so is the end of a transaction. Only the broker may be slow to
/// answer: it shares the machine with many processes.
const IMPATIENCE: &str = "session.timeout.ms=3000&heartbeat.interval.ms=300&transaction.timeout.ms=3000\
                          &message.timeout.ms=3000&connect-timeout=30s";

/// Topics of a broker that other tests use too.
pub struct Kafka {
    url: String,
    raw: Raw,
    /// Before the names of all topics, and a part of the group's.
    name: String,
}

impl Kafka {
    /// Makes the topics of orders and responses.
    pub fn new(broker: &Broker, name: &str) -> Self {
        let kafka = Self::known(broker, name);
        for topic in ["order.created", "payment.done", "reminder.due"] {
            kafka.raw.make(&kafka.topic(topic), 2, &[]);
        }
        kafka
    }

    /// Returns topics that are there.
    pub fn known(broker: &Broker, name: &str) -> Self {
        Self {
            url: broker.url(&format!("partitions=2&prefix={name}.&{IMPATIENCE}")),
            raw: Raw::new(broker.address()),
            name: name.to_owned(),
        }
    }

    fn topic(&self, topic: &str) -> String {
        format!("{}.{topic}", self.name)
    }

    /// Makes one more topic.
    pub fn make(&self, topic: &str) {
        self.raw.make(&self.topic(topic), 2, &[]);
    }

    fn unsettled(&self) -> Vec<Stored> {
        unsettled(&self.raw, &self.group(), &self.topic("order.created"))
    }

    /// Returns the topic of the group's retries of orders, if it is there.
    fn retries(&self) -> Option<String> {
        self.retries_of("order.created")
    }

    fn retries_of(&self, topic: &str) -> Option<String> {
        let start = self.topic(&format!("pf.{}.{topic}.", self.group()));
        self.raw.retries(&start)
    }

    /// Returns the topic in which earlier versions kept retries of all topics.
    fn legacy(&self) -> String {
        self.topic(&format!("pf.{}.delay", self.group()))
    }

    /// Creates the topic of an earlier version.
    pub fn make_legacy(&self) {
        let compacted = [("cleanup.policy", "compact")];
        self.raw.make(&self.legacy(), 2, &compacted);
    }

    /// Stores retries that are due as an earlier version did.
    pub fn put_off_as_earlier(&self, topic: &str, ids: &[String]) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = u64::try_from(now.as_millis()).unwrap();
        let retry = |(number, id): (usize, &String)| {
            let position = format!("{topic}/0/{id}");
            let story = json!({
                "due": now, "topic": topic, "position": position, "stored": now, "failed": 1, "first_failed": now,
            });
            let event = json!({
                "specversion": "1.0", "id": id, "source": "/test", "type": topic, "data": {},
            });
            Record {
                partition: Some(i32::try_from(number % 2).unwrap()),
                key: Some(position.into_bytes()),
                headers: vec![(
                    "pf-waiting".to_owned(),
                    Some(story.to_string().into_bytes()),
                )],
                payload: Some(event.to_string().into_bytes()),
            }
        };
        let records: Vec<Record> = ids.iter().enumerate().map(retry).collect();
        self.raw.write(&self.legacy(), &records);
    }

    /// Counts what waits where an earlier version kept it.
    pub fn left_as_earlier(&self) -> usize {
        self.raw.latest(&self.legacy()).len()
    }

    /// Returns the ids of retries that were stored for a topic, as often as they were.
    pub fn moved(&self, topic: &str) -> Vec<String> {
        let retries = self.retries_of(topic);
        let records = retries.map_or_else(Vec::new, |retries| self.raw.topic(&retries));
        let values = records.iter().filter(|record| record.payload.is_some());
        values.map(Stored::id).collect()
    }

    fn put_off(&self) -> Vec<Stored> {
        let retries = self.retries();
        retries.map_or_else(Vec::new, |retries| self.raw.latest(&retries))
    }

    fn scheduled(&self) -> Vec<Stored> {
        self.raw.latest(&self.topic("pf.delay"))
    }

    fn state(&self) -> String {
        self.topic("pf.state")
    }

    /// Returns the dead letters that no receipt names, by id.
    fn unresolved(&self) -> HashMap<String, String> {
        let resolved = self.resolved();
        let letters = self.raw.topic(&self.topic("order.created.dlq")).into_iter();
        let letters = letters.map(|letter| {
            (
                letter.header("pf-letter-id").unwrap().to_owned(),
                letter.id(),
            )
        });
        letters.filter(|(id, _)| !resolved.contains(id)).collect()
    }

    /// Returns the ids of the letters of which a receipt says that they were dealt with.
    fn resolved(&self) -> HashSet<String> {
        let state = self.raw.topic(&self.state()).into_iter();
        let receipts = state.filter(|record| record.key().starts_with("done/"));
        let receipts: Vec<Value> = receipts.filter_map(|record| value(&record)).collect();
        let dealt = receipts
            .iter()
            .flat_map(|receipt| list(&receipt["letters"]));
        let ids = dealt.flat_map(|dealt| list(&dealt["ids"]));
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    }
}

fn value(record: &Stored) -> Option<Value> {
    Some(serde_json::from_slice(record.payload.as_ref()?).unwrap())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn ids(records: &[Stored]) -> Vec<String> {
    records.iter().map(Stored::id).collect()
}

/// Returns what is known of a record that waits.
fn waiting(record: &Stored) -> Value {
    serde_json::from_str(record.header("pf-waiting").unwrap()).unwrap()
}

impl Judge for Kafka {
    fn url(&self) -> String {
        self.url.clone()
    }

    /// Stores on one broker share its groups.
    fn group(&self) -> String {
        format!("payments-{}", self.name)
    }

    /// A replayed letter stands among the retries of its group until it is handled; what is tried once more then
    /// has failed.
    fn read(&self) -> Holdings {
        let responses = self.raw.topic(&self.topic("payment.done"));
        let retries = self.retries();
        let retries = retries.map_or_else(Vec::new, |retries| self.raw.topic(&retries));
        let retries = retries.into_iter();
        let replays =
            retries.filter(|record| record.payload.is_some() && waiting(record)["failed"] == 0);
        Holdings {
            stored: ids(&self.raw.topic(&self.topic("order.created"))),
            replays: replays
                .map(|replay| (replay.id(), replay.key().to_owned()))
                .collect(),
            dead: self.unresolved().into_values().collect(),
            responses: responses
                .into_iter()
                .filter_map(|one| one.payload)
                .collect(),
        }
    }

    fn moved(&self, topic: &str) -> Vec<Moved> {
        let beside = self.retries_of(topic).into_iter();
        let topics = beside.chain([self.topic(topic)]);
        let records = topics.flat_map(|topic| self.raw.topic(&topic));
        let moved = records.filter_map(|record| {
            let letter = record.payload.is_some().then(|| record.replay_of())??;
            Some(Moved {
                letter,
                payload: record.payload?,
            })
        });
        moved.collect()
    }

    fn replayed(&self, topic: &str) -> Vec<(String, judge::Record)> {
        let records = self.raw.topic(&self.topic(topic)).into_iter();
        let record = |record: Stored| {
            let letter = record.replay_of().unwrap();
            let headers = record.headers.into_iter();
            let headers = headers.filter(|(name, _)| name != "pf-replay");
            let record = judge::Record {
                key: record.key.map(Bytes::from),
                headers: headers
                    .map(|(name, value)| (name, value.map(Bytes::from)))
                    .collect(),
                payload: record.payload.map(Bytes::from),
            };
            (letter, record)
        };
        records.map(record).collect()
    }

    fn letters(&self) -> Vec<String> {
        self.unresolved().into_keys().collect()
    }

    /// The broker does not know what was handed out: everything that the group has not settled may have been.
    fn in_hand(&self) -> InHand {
        let mut out = self.unsettled();
        out.extend(self.put_off());
        InHand {
            ids: ids(&out),
            count: out.len() as u64,
        }
    }

    fn to_come(&self) -> u64 {
        (self.unsettled().len() + self.put_off().len() + self.scheduled().len()) as u64
    }

    fn not_due(&self) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let is_later =
            |record: &Stored| waiting(record)["due"].as_u64() > u64::try_from(now.as_millis()).ok();
        self.scheduled()
            .iter()
            .filter(|record| is_later(record))
            .count() as u64
    }

    /// The lease on a job is given back.
    fn after_a_kill(&self) {
        let state = self.raw.latest(&self.state());
        let Some(lease) = state.iter().find(|record| record.key() == "lease") else {
            return;
        };
        let lease = value(lease).unwrap();
        let given_back = json!({"job": lease["job"], "holder": null, "token": lease["token"]});
        let record = Record {
            partition: Some(0),
            key: Some(b"lease".to_vec()),
            payload: Some(given_back.to_string().into_bytes()),
            ..Record::default()
        };
        self.raw.write(&self.state(), &[record]);
    }

    /// The chunks of a plan tell how many letters it has, its receipts how many of them were dealt with.
    fn progress(&self) -> (u64, u64) {
        let state = self.raw.latest(&self.state());
        let job = state
            .iter()
            .find_map(|record| record.key().strip_prefix("job/"));
        let Some(job) = job else {
            return (0, 0);
        };
        let (mut planned, mut done) = (0, 0);
        for record in &state {
            let mut parts = record.key().split('/');
            match (parts.next(), parts.next() == Some(job)) {
                (Some("chunk"), true) => planned += parts.nth(1).unwrap().parse::<u64>().unwrap(),
                (Some("done"), true) => {
                    done = done.max(value(record).unwrap()["through"].as_u64().unwrap());
                }
                _ => {}
            }
        }
        (done, planned.saturating_sub(done))
    }
}
