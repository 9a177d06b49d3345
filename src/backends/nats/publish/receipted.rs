//! Batches with receipts: an atomic batch of the events and the receipt, where the stream allows it.

use std::sync::Arc;

use async_nats::HeaderMap;
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::atomic_batch;
use crate::{
    backends::nats::{
        codec::headers,
        connection::{
            confirmed_publish::RawMessage,
            handle::Connection,
            kv::{self, Key, Versioned},
            stream::info,
        },
        error::{self, SCHEME, WRONG_LAST_SEQUENCE, error},
    },
    transport::{
        BatchError, ErrorKind, Outgoing, Receipted, ReceiptedPublisher, Result, TransportError,
    },
};

/// Publishes batches under a name.
#[derive(Debug)]
struct NatsBatches {
    connection: Arc<Connection>,
    name: String,
    key: Key,
    fence: u64,
    receipt: Option<Bytes>,
    /// The revision that the next batch replaces.
    revision: u64,
}

/// What is stored under a name. Records of two processes differ, so that each recognises its own.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    fence: u64,
    writer: String,
    receipt: Option<String>,
}

/// Takes over the batches of a name; none if the stream allows no atomic batches.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    name: &str,
    fence: u64,
) -> Result<Receipted> {
    let info = info::find(connection, &connection.names.stream).await?;
    let internal = connection.names.internal_wildcard();
    if info.is_none_or(|info| info.atomic_replay_obstacle(&internal).is_some()) {
        return Ok(None);
    }
    let key = Key {
        stream: connection.names.stream.clone(),
        subject: connection.names.receipt_subject(name),
    };
    loop {
        let last: Option<Versioned<Record>> = kv::get(connection, &key).await?;
        let revision = last.as_ref().map_or(0, |last| last.revision);
        let last = last.map(|last| last.value);
        if last.as_ref().is_some_and(|last| last.fence > fence) {
            return Err(fenced(name));
        }
        let receipt = last.and_then(|last| last.receipt);
        let record = Record {
            fence,
            writer: connection.id(),
            receipt,
        };
        let revision = match kv::set(connection, &key, &record, revision).await {
            Ok(revision) => revision,
            // The last batch of the publisher before arrived after all.
            Err(refused) if refused.has_code(WRONG_LAST_SEQUENCE) => continue,
            Err(failed) => return Err(failed.into()),
        };
        let receipt = record.receipt.map(|text| STANDARD.decode(text)).transpose();
        let receipt = receipt.map_err(|source| {
            error(ErrorKind::Corrupt, "the receipt is not base64").because(source)
        })?;
        return Ok(Some(Box::new(NatsBatches {
            connection: Arc::clone(connection),
            name: name.to_owned(),
            key,
            fence,
            receipt: receipt.map(Bytes::from),
            revision,
        })));
    }
}

fn fenced(name: &str) -> TransportError {
    error(
        ErrorKind::Held,
        format!("another process publishes as `{name}`"),
    )
}

/// Encodes an event of a batch.
fn encode(connection: &Connection, outgoing: &Outgoing) -> Result<RawMessage> {
    let message = &outgoing.message;
    let subject = connection.names.subject(&message.topic)?;
    let mut map: HeaderMap = headers::write(message)?;
    map.insert(headers::EXPECTED_STREAM, connection.names.stream.as_str());
    let payload = message.payload.clone().unwrap_or_default();
    // The headers of a batch are added later.
    if headers::size(&map) + payload.len() + 256 > connection.client.max_payload() {
        return Err(error::too_large());
    }
    Ok(RawMessage {
        subject,
        headers: map,
        payload,
    })
}

#[async_trait]
impl ReceiptedPublisher for NatsBatches {
    fn receipt(&self) -> Option<&Bytes> {
        self.receipt.as_ref()
    }

    /// The server takes 1,000 messages, of which one is the receipt.
    fn limit(&self) -> usize {
        999
    }

    async fn publish(&mut self, batch: Vec<Outgoing>, receipt: Bytes) -> Result<(), BatchError> {
        BatchError::refuse_delays(SCHEME, &batch)?;
        let mut events = Vec::with_capacity(batch.len());
        for (number, outgoing) in batch.iter().enumerate() {
            let encoded = encode(&self.connection, outgoing);
            events.push(encoded.map_err(|error| BatchError {
                message: Some(number),
                error,
            })?);
        }
        let record = Record {
            fence: self.fence,
            writer: self.connection.id(),
            receipt: Some(STANDARD.encode(&receipt)),
        };
        let payload = Bytes::from(headers::json(&record)?);
        let place = (&self.key, &payload);
        match atomic_batch::commit(&self.connection, &events, place, self.revision).await {
            Ok(revision) => {
                self.revision = revision;
                Ok(())
            }
            Err(refused) if refused.has_code(WRONG_LAST_SEQUENCE) => Err(fenced(&self.name).into()),
            Err(failed) => Err(TransportError::from(failed).into()),
        }
    }
}
