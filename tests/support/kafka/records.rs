//! Records as they are stored, and producers that write them.

use std::time::Duration;

use rdkafka::{
    Message as _,
    error::{KafkaError, RDKafkaErrorCode},
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _},
};
use serde_json::Value;

use super::raw::TIMEOUT;

/// Headers as they are stored: in order, names repeated, values that are not there told from empty ones.
pub type Headers = Vec<(String, Option<Vec<u8>>)>;

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub partition: i32,
    pub offset: i64,
    pub time: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub headers: Headers,
    pub payload: Option<Vec<u8>>,
}

/// A record to be written.
#[derive(Debug, Clone, Default)]
pub struct Record {
    pub partition: Option<i32>,
    pub key: Option<Vec<u8>>,
    pub headers: Headers,
    pub payload: Option<Vec<u8>>,
}

/// A transaction that is open.
pub struct Open(pub(super) BaseProducer);

impl Open {
    /// Ends it.
    pub fn end(self, is_committed: bool) {
        let end = if is_committed {
            self.0.commit_transaction(TIMEOUT)
        } else {
            self.0.abort_transaction(TIMEOUT)
        };
        end.unwrap();
    }
}

/// Writes records, as [`Raw::write`] does.
pub struct Writer(pub(super) BaseProducer);

impl Writer {
    pub fn write(&self, topic: &str, records: &[Record]) {
        send(&self.0, topic, records);
    }
}

pub(super) fn send(producer: &BaseProducer, topic: &str, records: &[Record]) {
    for record in records {
        let mut next = record.write(topic);
        while let Err((failed, back)) = producer.send(next) {
            let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
            assert_eq!(failed, full);
            producer.poll(Duration::from_millis(1));
            next = back;
        }
    }
    producer.flush(TIMEOUT).unwrap();
}

impl Record {
    fn write<'a>(&'a self, topic: &'a str) -> BaseRecord<'a, [u8], [u8]> {
        let mut headers = OwnedHeaders::new();
        for (key, value) in &self.headers {
            let value = value.as_ref();
            headers = headers.insert(Header { key, value });
        }
        BaseRecord {
            partition: self.partition,
            key: self.key.as_deref(),
            payload: self.payload.as_deref(),
            ..BaseRecord::to(topic).headers(headers)
        }
    }
}

impl Stored {
    pub(super) fn read(message: &BorrowedMessage<'_>) -> Self {
        let headers = message
            .headers()
            .into_iter()
            .flat_map(|headers| headers.iter());
        let header =
            |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
        Self {
            partition: message.partition(),
            offset: message.offset(),
            time: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            headers: headers.map(header).collect(),
            payload: message.payload().map(<[u8]>::to_vec),
        }
    }

    /// Returns the first header of a name, as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let value = self
            .headers
            .iter()
            .find(|(key, _)| key == name)?
            .1
            .as_ref()?;
        std::str::from_utf8(value).ok()
    }

    /// Returns the key as text.
    pub fn key(&self) -> &str {
        std::str::from_utf8(self.key.as_deref().unwrap_or_default()).unwrap()
    }

    /// Returns the id of the event.
    pub fn id(&self) -> String {
        let event: Value = serde_json::from_slice(self.payload.as_ref().unwrap()).unwrap();
        event["id"].as_str().unwrap().to_owned()
    }

    /// Returns the letter that a replayed record was.
    pub fn replay_of(&self) -> Option<String> {
        let lineage: Value = match self.header("pf-waiting") {
            Some(waiting) => serde_json::from_str::<Value>(waiting).unwrap()["lineage"].clone(),
            None => serde_json::from_str(self.header("pf-replay")?).unwrap(),
        };
        lineage["replay_of"].as_str().map(str::to_owned)
    }
}
