//! `Transport::publish`: a batch is one write operation, stored or refused as a whole.

use tokio::sync::oneshot;

use super::{
    codec::{row, timestamp},
    connection::{
        log::Appender,
        session::Session,
        write::{
            transaction::{OpKind, WriteOp},
            writer::Writer,
        },
    },
    delay,
    error::{StoreResult, closed, store_error},
};
use crate::transport::{ErrorKind, Outgoing, Receipt, Result};

/// SQLite's limit for one value, less room for key and headers.
pub(super) const MAX_PAYLOAD: usize = 999_000_000;

/// Stores a batch and returns one result per message.
pub(super) async fn publish(writer: &Writer, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
    let count = batch.len();
    let (reply, stored) = oneshot::channel();
    writer.submit(Box::new(Publish {
        batch,
        receipts: Vec::with_capacity(count),
        reply,
    }));
    match stored.await.unwrap_or_else(|_| Err(closed())) {
        Ok(receipts) => receipts,
        Err(error) => error.for_each(count),
    }
}

struct Publish {
    batch: Vec<Outgoing>,
    receipts: Vec<Result<Receipt>>,
    reply: oneshot::Sender<Result<Vec<Result<Receipt>>>>,
}

impl WriteOp for Publish {
    fn kind(&self) -> OpKind {
        OpKind::Publish
    }

    fn run(&mut self, session: &mut Session) -> StoreResult<()> {
        let now = timestamp::now();
        delay::fire(session, now)?;
        let mut log = Appender::new(session, now)?;
        let mut later = Vec::new();
        for outgoing in &self.batch {
            let due = outgoing.due.map(timestamp::nanos).filter(|due| *due > now);
            let length = outgoing.message.bytes().len();
            let receipt = if length > MAX_PAYLOAD {
                Err(too_large(length))
            } else if due == Some(i64::MAX) {
                Err(too_late())
            } else if let Some(due) = due {
                let id = delay::new_id();
                later.push((id.clone(), due, &outgoing.message));
                Ok(Receipt {
                    position: None,
                    schedule: Some(id),
                })
            } else {
                let seq = log.push(&outgoing.message)?;
                Ok(Receipt {
                    position: Some(row::position(seq)),
                    schedule: None,
                })
            };
            self.receipts.push(receipt);
        }
        log.finish()?;
        delay::store(session, &later)
    }

    fn end(self: Box<Self>, result: Result<()>) {
        // The caller may have gone; what is stored stays.
        let Self {
            receipts, reply, ..
        } = *self;
        tracing::debug!(
            messages = receipts.len(),
            stored = result.is_ok(),
            "published"
        );
        let _ = reply.send(result.map(|()| receipts));
    }
}

fn too_late() -> crate::transport::TransportError {
    let message = "times after 2262-04-11 cannot be stored";
    store_error(ErrorKind::Unsupported, message).hint("publish it for an earlier time")
}

fn too_large(length: usize) -> crate::transport::TransportError {
    store_error(
        ErrorKind::TooLarge,
        format!("a payload of {length} bytes exceeds SQLite's limit"),
    )
    .hint(format!("the limit is {MAX_PAYLOAD} bytes"))
}
