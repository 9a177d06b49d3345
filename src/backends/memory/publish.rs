//! `Transport::publish`: stores messages at once, or schedules them.

use std::{sync::Arc, time::SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use ulid::Ulid;

use super::{
    error::SCHEME,
    store::{State, Store},
};
use crate::transport::{
    BatchError, ErrorKind, Outgoing, Receipt, ReceiptedPublisher, Result, Schedule, ScheduleId,
    TransportError,
};

/// Stores a batch in one step. With `dedup` no duplicate of an event is stored, whatever the batch asks for.
pub(super) fn publish(store: &Store, batch: Vec<Outgoing>, dedup: bool) -> Vec<Result<Receipt>> {
    store.change(|state, now| {
        let receipts = batch
            .into_iter()
            .map(|outgoing| publish_once(state, outgoing, now, dedup));
        receipts.collect()
    })
}

/// Stores a message unless it is a duplicate.
fn publish_once(
    state: &mut State,
    outgoing: Outgoing,
    now: SystemTime,
    dedup: bool,
) -> Result<Receipt> {
    let Some(key) = outgoing.dedup_key(SCHEME, dedup)? else {
        return Ok(publish_one(state, outgoing, now));
    };
    if let Some(position) = state.published.get(&key) {
        return Ok(Receipt {
            position: position.clone(),
            schedule: None,
            duplicate: true,
        });
    }
    let receipt = publish_one(state, outgoing, now);
    state.published.insert(key, receipt.position.clone());
    Ok(receipt)
}

fn publish_one(state: &mut State, outgoing: Outgoing, now: SystemTime) -> Receipt {
    match outgoing.due.filter(|due| *due > now) {
        None => Receipt {
            position: Some(state.append(outgoing.message, now, None)),
            schedule: None,
            duplicate: false,
        },
        Some(due) => {
            let id = ScheduleId(Ulid::generate().to_string());
            let schedule = Schedule {
                id: id.clone(),
                due,
                message: outgoing.message,
            };
            let number = state.number();
            state.schedules.insert((due, number), schedule);
            Receipt {
                position: None,
                schedule: Some(id),
                duplicate: false,
            }
        }
    }
}

/// Publishes batches with their receipts.
#[derive(Debug)]
struct MemoryBatches {
    store: Arc<Store>,
    name: String,
    fence: u64,
    receipt: Option<Bytes>,
}

/// Takes over the batches of a name.
pub(super) fn receipted(
    store: &Arc<Store>,
    name: &str,
    fence: u64,
) -> Result<Box<dyn ReceiptedPublisher>> {
    let receipt = store.change(|state, _| {
        let known = state.receipts.entry(name.to_owned()).or_default();
        if known.0 > fence {
            return Err(fenced(name));
        }
        known.0 = fence;
        Ok(known.1.clone())
    })?;
    Ok(Box::new(MemoryBatches {
        store: Arc::clone(store),
        name: name.to_owned(),
        fence,
        receipt,
    }))
}

fn fenced(name: &str) -> TransportError {
    let message = format!("another process publishes as `{name}`");
    TransportError::new(SCHEME, ErrorKind::Held, message)
}

#[async_trait]
impl ReceiptedPublisher for MemoryBatches {
    fn receipt(&self) -> Option<&Bytes> {
        self.receipt.as_ref()
    }

    async fn publish(&mut self, batch: Vec<Outgoing>, receipt: Bytes) -> Result<(), BatchError> {
        BatchError::refuse_delays(SCHEME, &batch)?;
        self.store.change(|state, now| {
            let known = state.receipts.entry(self.name.clone()).or_default();
            if known.0 != self.fence {
                return Err(fenced(&self.name).into());
            }
            known.1 = Some(receipt);
            for outgoing in batch {
                publish_one(state, outgoing, now);
            }
            Ok(())
        })
    }
}
