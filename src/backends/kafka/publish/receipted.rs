//! Batches with receipts: a transaction of the messages and a record of `pf.state`.
//!
//! The transactional id is that of the name, so that the broker itself fences former publishers. A publisher with a lower
//! number that comes late could fence a newer one, so the number is stored with the receipt too.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::publisher::Publisher;
use crate::{
    backends::kafka::{
        codec::record::OutgoingRecord,
        connection::{
            client::settings::Isolation,
            handle::{self, Connection},
            transaction::TransactionalProducer,
        },
        dead_letter::state_topic,
        error::{SCHEME, error},
        read::partition_reader::PartitionReader,
    },
    transport::{BatchError, ErrorKind, Outgoing, ReceiptedPublisher, Result},
};

/// Publishes batches under a name.
#[derive(Debug)]
struct KafkaBatches {
    connection: Arc<Connection>,
    publisher: Arc<Publisher>,
    producer: Arc<TransactionalProducer>,
    name: String,
    fence: u64,
    receipt: Option<Bytes>,
}

/// The fencing number and the receipt of a name.
#[derive(Debug, Default)]
struct Stored {
    fence: u64,
    receipt: Option<Bytes>,
}

/// Takes over the batches of a name.
pub(crate) async fn open(
    connection: &Arc<Connection>,
    publisher: &Arc<Publisher>,
    name: &str,
    fence: u64,
) -> Result<Box<dyn ReceiptedPublisher>> {
    state_topic::ensure_topic(connection).await?;
    let config = connection.config.clone();
    let id = connection.names().transactional_id(name);
    let producer = handle::blocking(move || TransactionalProducer::begin(&config, &id)).await?;
    // Read after the former publisher was fenced: its last transaction has ended, one way or the other.
    let stored = read(connection, name).await?;
    if stored.fence > fence {
        let message = format!("another process publishes as `{name}`");
        return Err(error(ErrorKind::Held, message));
    }
    let batches = KafkaBatches {
        connection: Arc::clone(connection),
        publisher: Arc::clone(publisher),
        producer: Arc::new(producer),
        name: name.to_owned(),
        fence,
        receipt: stored.receipt,
    };
    let claimed = batches.record(batches.receipt.as_ref());
    let producer = Arc::clone(&batches.producer);
    handle::blocking(move || Ok(producer.commit_visibly(vec![claimed])?)).await?;
    Ok(Box::new(batches))
}

fn key(name: &str) -> String {
    format!("receipt/{name}")
}

async fn read(connection: &Arc<Connection>, name: &str) -> Result<Stored> {
    let (topic, key) = (connection.names().state_topic(), key(name));
    let ranges = connection.topics.ranges(vec![(topic, 0)]).await?;
    let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
    let mut stored = Stored::default();
    while let Some(chunk) = reader.next().await? {
        for read in chunk {
            if read.key.as_deref() != Some(key.as_bytes()) {
                continue;
            }
            let Some(mut payload) = read.payload.filter(|payload| payload.len() >= 8) else {
                continue;
            };
            stored.fence = payload.get_u64();
            stored.receipt = Some(payload).filter(|receipt| !receipt.is_empty());
        }
    }
    Ok(stored)
}

impl KafkaBatches {
    /// Encodes the record of a receipt.
    fn record(&self, receipt: Option<&Bytes>) -> OutgoingRecord {
        let receipt = receipt.map_or(&[][..], |receipt| &receipt[..]);
        let mut payload = BytesMut::with_capacity(8 + receipt.len());
        payload.put_u64(self.fence);
        payload.put_slice(receipt);
        OutgoingRecord {
            payload: Some(payload.freeze()),
            ..state_topic::tombstone(&self.connection, key(&self.name))
        }
    }
}

#[async_trait]
impl ReceiptedPublisher for KafkaBatches {
    fn receipt(&self) -> Option<&Bytes> {
        self.receipt.as_ref()
    }

    async fn publish(&mut self, batch: Vec<Outgoing>, receipt: Bytes) -> Result<(), BatchError> {
        BatchError::refuse_delays(SCHEME, &batch)?;
        let mut records = self.publisher.records(&batch).await?;
        records.push(self.record(Some(&receipt)));
        let producer = Arc::clone(&self.producer);
        let committed = handle::blocking(move || Ok(producer.commit(records, None))).await?;
        committed.map(drop).map_err(|failed| BatchError {
            message: failed.record.filter(|number| *number < batch.len()),
            error: failed.error,
        })
    }
}
