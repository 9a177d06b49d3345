//! Publishing: a batch is one piece of work, stored or refused as a whole.

use tokio::sync::oneshot;

use crate::transport::{ErrorKind, Outgoing, Receipt, Result};

use super::{
    codec::timestamp as clock,
    connection::log::{self, Appender},
    connection::session::Session,
    connection::write::transaction::{Step, Work},
    connection::write::writer::Writer,
    delay as schedules,
    error::{Outcome, closed, refusal},
};

/// The most that SQLite puts in one value, less room for key and headers.
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
        Err(error) => (0..count).map(|_| Err(error.clone())).collect(),
    }
}

struct Publish {
    batch: Vec<Outgoing>,
    receipts: Vec<Result<Receipt>>,
    reply: oneshot::Sender<Result<Vec<Result<Receipt>>>>,
}

impl Work for Publish {
    fn step(&self) -> Step {
        Step::Publish
    }

    fn run(&mut self, session: &mut Session) -> Outcome<()> {
        let now = clock::now();
        schedules::fire(session, now)?;
        let mut log = Appender::new(session, now)?;
        let mut later = Vec::new();
        for outgoing in &self.batch {
            let due = outgoing.due.map(clock::nanos).filter(|due| *due > now);
            let length = outgoing.message.bytes().len();
            let receipt = if length > MAX_PAYLOAD {
                Err(too_large(length))
            } else if due == Some(i64::MAX) {
                Err(too_late())
            } else if let Some(due) = due {
                let id = schedules::new_id();
                later.push((id.clone(), due, &outgoing.message));
                Ok(Receipt {
                    position: None,
                    schedule: Some(id),
                })
            } else {
                let seq = log.push(&outgoing.message)?;
                Ok(Receipt {
                    position: Some(log::position(seq)),
                    schedule: None,
                })
            };
            self.receipts.push(receipt);
        }
        log.finish()?;
        schedules::store(session, &later)
    }

    fn end(self: Box<Self>, result: Result<()>) {
        // Who published may have gone; what is stored stays.
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
    let message = "no time after 2262-04-11 can be kept";
    refusal(ErrorKind::Unsupported, message).hint("publish it for an earlier time")
}

fn too_large(length: usize) -> crate::transport::TransportError {
    refusal(
        ErrorKind::TooLarge,
        format!("a payload of {length} bytes is larger than SQLite takes"),
    )
    .hint(format!("the limit is {MAX_PAYLOAD} bytes"))
}
