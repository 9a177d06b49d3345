//! A stream of a real server, read with a client of its own.

use std::time::Duration;

use async_nats::jetstream::consumer::Info;
use bytes::Bytes;
use data_encoding::BASE64;
use test_support::nats::{Broker, Raw, raw::Stored};

use crate::judge::{Holdings, InHand, Judge, Moved, Record};

/// How long a delivery belongs to a consumer of which nothing is heard.
const ACK_WAIT: Duration = Duration::from_secs(3);

/// A stream of a server that other tests use too.
pub struct Nats {
    url: String,
    raw: Raw,
    is_prepared: bool,
}

impl Nats {
    /// Makes a stream as `--create` creates one.
    pub fn prepared(broker: &Broker, name: &str) -> Self {
        Self::make(broker, name, true)
    }

    /// Makes a stream as the Go library makes one: no schedules, no batches.
    pub fn plain(broker: &Broker, name: &str) -> Self {
        Self::make(broker, name, false)
    }

    /// Makes such a stream that recognises for less long what is sent again.
    pub fn forgetful(broker: &Broker, name: &str, window: Duration) -> Self {
        let stream = Self::plain(broker, name);
        let mut config = stream.raw.plain();
        config.duplicate_window = window;
        stream.raw.change(config);
        stream
    }

    /// Returns a client that knows nothing of ours.
    pub fn raw(&self) -> Raw {
        self.raw.clone()
    }

    fn make(broker: &Broker, name: &str, is_prepared: bool) -> Self {
        let raw = Raw::new(&broker.url(""), name);
        raw.make(if is_prepared {
            raw.prepared()
        } else {
            raw.plain()
        });
        raw.make_group("payments", "order.created", ACK_WAIT);
        Self {
            url: broker.url(name),
            raw,
            is_prepared,
        }
    }

    fn group(&self) -> Info {
        self.raw.group("payments").unwrap()
    }
}

fn ids(messages: &[Stored]) -> Vec<String> {
    messages.iter().map(Stored::id).collect()
}

/// Takes a message apart: key and nulls ride in headers of their own, and so does what is no text.
fn record(message: &Stored) -> Record {
    let bytes = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let decoded = |text: &str| Bytes::from(BASE64.decode(text.as_bytes()).unwrap());
    let mut record = Record {
        key: None,
        headers: Vec::new(),
        payload: Some(message.payload.clone().into()),
    };
    for (name, values) in message.headers.iter() {
        let name = name.to_string();
        for value in values.iter().map(async_nats::HeaderValue::as_str) {
            match name.as_str() {
                "pf-key" => record.key = Some(bytes(value)),
                "pf-key-base64" => record.key = Some(decoded(value)),
                "pf-payload" => record.payload = None,
                "pf-null" => record.headers.push((value.to_owned(), None)),
                "pf-header-base64" => {
                    let (name, value) = value.rsplit_once(':').unwrap();
                    let value = (value != "!").then(|| decoded(value));
                    record.headers.push((name.to_owned(), value));
                }
                own if own.starts_with("Nats-") || own == "pf-replay" => {}
                _ => record.headers.push((name.clone(), Some(bytes(value)))),
            }
        }
    }
    record
}

impl Judge for Nats {
    fn url(&self) -> String {
        self.url.clone()
    }

    fn read(&self) -> Holdings {
        let orders = self.raw.topic("order.created");
        let replay = |order: &Stored| Some((order.id(), order.replay_of()?));
        let replays = orders.iter().filter_map(replay).collect();
        let stored = orders.iter().filter(|order| order.replay_of().is_none());
        let responses = self.raw.topic("payment.done").into_iter();
        Holdings {
            stored: stored.map(Stored::id).collect(),
            replays,
            dead: ids(&self.raw.letters()),
            responses: responses.map(|response| response.payload).collect(),
        }
    }

    fn moved(&self, topic: &str) -> Vec<Moved> {
        let messages = self.raw.topic(topic).into_iter();
        let moved = messages.filter_map(|message| {
            Some(Moved {
                letter: message.replay_of()?,
                payload: message.payload,
            })
        });
        moved.collect()
    }

    fn replayed(&self, topic: &str) -> Vec<(String, Record)> {
        let messages = self.raw.topic(topic).into_iter();
        let records = messages.map(|message| (message.replay_of().unwrap(), record(&message)));
        records.collect()
    }

    fn letters(&self) -> Vec<String> {
        let letters = self.raw.letters().into_iter();
        letters.map(|letter| letter.letter_id()).collect()
    }

    /// The server tells how many deliveries are out, and between which numbers.
    fn in_hand(&self) -> InHand {
        let group = self.group();
        let settled = group.ack_floor.stream_sequence;
        let last = group.delivered.stream_sequence;
        let mut out = self.raw.topic("order.created");
        out.retain(|message| (settled + 1..=last).contains(&message.number));
        InHand {
            ids: ids(&out),
            count: group.num_ack_pending as u64,
        }
    }

    fn to_come(&self) -> u64 {
        let group = self.group();
        self.raw.scheduled() + group.num_pending + group.num_ack_pending as u64
    }

    fn not_due(&self) -> u64 {
        self.raw.scheduled()
    }

    /// The lease on a job runs out.
    fn after_a_kill(&self) {
        self.raw.end_lease();
    }

    /// The journal tells how far a job is, its plan how many letters it has.
    fn progress(&self) -> (u64, u64) {
        let name = &self.raw.name;
        let read = |stream: &str, subject: &str| -> Option<serde_json::Value> {
            serde_json::from_slice(&self.raw.last(stream, subject)?).ok()
        };
        let journal = read(name, &format!("_pf.in.{name}.journal"));
        let plan = read(
            &format!("{name}_PF"),
            &format!("_pf.side.{name}.job.*.plan"),
        );
        let (Some(journal), Some(plan)) = (journal, plan) else {
            return (0, 0);
        };
        let done = journal["resolved"].as_u64().unwrap();
        let chunks = plan["chunks"].as_array().unwrap();
        let planned: u64 = chunks.iter().filter_map(serde_json::Value::as_u64).sum();
        (done, planned.saturating_sub(done))
    }

    fn keeps_delays(&self) -> bool {
        self.is_prepared
    }
}
