//! The targets of relays, read with clients of their own.

use std::collections::BTreeMap;

use serde_json::Value;
use test_support::{kafka, nats};

/// A target with a topic `orders`.
pub struct Target {
    pub url: String,
    store: Store,
}

enum Store {
    Sqlite(tempfile::TempDir),
    Kafka(kafka::Raw, String),
    Nats(nats::Raw),
}

impl Target {
    /// Names a store in a new file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target.db");
        Self {
            url: format!("sqlite:{}", path.display()),
            store: Store::Sqlite(folder),
        }
    }

    /// Makes a topic of several partitions.
    pub fn kafka(broker: &kafka::Broker, name: &str) -> Self {
        let raw = kafka::Raw::new(broker.address());
        let topic = format!("{name}.orders");
        raw.make(&topic, 3, &[]);
        let settings = "transaction.timeout.ms=5000&message.timeout.ms=4000";
        Self {
            url: broker.url(&format!("prefix={name}.&{settings}")),
            store: Store::Kafka(raw, topic),
        }
    }

    /// Makes a stream that allows atomic batches.
    pub fn nats(broker: &nats::Broker, name: &str) -> Self {
        let raw = nats::Raw::new(&broker.url(""), name);
        raw.make(raw.prepared());
        Self {
            url: broker.url(name),
            store: Store::Nats(raw),
        }
    }

    /// Reads all events, in the order of each key.
    pub fn events(&self) -> Vec<Value> {
        let parsed = |payload: &[u8]| serde_json::from_slice(payload).unwrap();
        match &self.store {
            Store::Sqlite(folder) => {
                let path = folder.path().join("target.db");
                let raw = rusqlite::Connection::open(path).unwrap();
                let mut select = raw
                    .prepare("SELECT payload FROM messages ORDER BY seq")
                    .unwrap();
                let rows = select
                    .query_map([], |row| row.get::<_, Vec<u8>>(0))
                    .unwrap();
                rows.map(|payload| parsed(&payload.unwrap())).collect()
            }
            Store::Kafka(raw, topic) => {
                let records = raw.topic(topic);
                records
                    .iter()
                    .map(|record| parsed(record.payload.as_deref().unwrap()))
                    .collect()
            }
            Store::Nats(raw) => raw
                .topic("orders")
                .iter()
                .map(|stored| parsed(&stored.payload))
                .collect(),
        }
    }

    /// Compares what is stored with what was committed.
    pub fn judge(&self, committed: &[String]) {
        let events = self.events();
        let (mut seen, mut last) = (BTreeMap::new(), BTreeMap::new());
        let mut disordered = 0;
        for event in &events {
            let (id, key) = (
                event["id"].as_str().unwrap(),
                event["subject"].as_str().unwrap(),
            );
            *seen.entry(id.to_owned()).or_insert(0) += 1;
            let number = event["data"]["n"].as_u64().unwrap();
            let before = last.entry(key.to_owned()).or_insert(0);
            disordered += usize::from(number < *before);
            *before = number.max(*before);
        }
        let missing = committed
            .iter()
            .filter(|id| !seen.contains_key(*id))
            .count();
        let doubled: usize = seen.values().map(|times| times - 1).sum();
        let found = (missing, doubled, disordered, seen.len());
        assert_eq!(
            found,
            (0, 0, 0, committed.len()),
            "lost, doubled, disordered, stored in {}",
            self.url
        );
    }
}
