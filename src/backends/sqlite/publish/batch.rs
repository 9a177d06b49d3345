//! A batch of messages, in one transaction.

use tokio::sync::oneshot;

use super::duplicates::Duplicates;
use crate::{
    backends::sqlite::{
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
        error::{SCHEME, StoreResult, closed, store_error},
    },
    event::{DedupKey, Message},
    transport::{ErrorKind, Outgoing, Receipt, Result, ScheduleId},
};

/// SQLite's limit for one value, less room for key and headers.
pub(in crate::backends::sqlite) const MAX_PAYLOAD: usize = 999_000_000;

/// Stores a batch and returns one result per message. With `dedup` no duplicate of an event is stored, whatever the batch
/// asks for.
pub(in crate::backends::sqlite) async fn publish(
    writer: &Writer,
    batch: Vec<Outgoing>,
    dedup: bool,
) -> Vec<Result<Receipt>> {
    let count = batch.len();
    let (reply, stored) = oneshot::channel();
    writer.submit(Box::new(Publish {
        keys: keys(&batch, dedup),
        batch,
        receipts: Vec::with_capacity(count),
        reply,
    }));
    match stored.await.unwrap_or_else(|_| Err(closed())) {
        Ok(receipts) => receipts,
        Err(error) => error.for_each(count),
    }
}

/// Returns the key of each message by which a duplicate is recognised; nothing if no message needs one.
fn keys(batch: &[Outgoing], always: bool) -> Vec<Result<Option<DedupKey>>> {
    if !always && !batch.iter().any(|outgoing| outgoing.dedup) {
        return Vec::new();
    }
    let keys = batch.iter();
    keys.map(|outgoing| outgoing.dedup_key(SCHEME, always))
        .collect()
}

struct Publish {
    batch: Vec<Outgoing>,
    keys: Vec<Result<Option<DedupKey>>>,
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
        let needs_keys = !self.keys.is_empty();
        let duplicates = needs_keys.then(|| Duplicates::open(session, now));
        let duplicates = duplicates.transpose()?;
        let mut batch = Batch {
            log: Appender::new(session, now)?,
            later: Vec::new(),
            now,
        };
        for (index, outgoing) in self.batch.iter().enumerate() {
            let receipt = match (&duplicates, self.keys.get(index)) {
                (Some(duplicates), Some(key)) => batch.store_once(outgoing, key, duplicates)?,
                _ => batch.store(outgoing)?.map(Receipt::from),
            };
            self.receipts.push(receipt);
        }
        let Batch { log, later, .. } = batch;
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

/// Where a message is stored.
enum Place {
    /// In the log, at this position.
    Log(i64),
    /// Among the schedules.
    Schedule(ScheduleId),
}

impl From<Place> for Receipt {
    fn from(place: Place) -> Self {
        let (position, schedule) = match place {
            Place::Log(seq) => (Some(row::position(seq)), None),
            Place::Schedule(id) => (None, Some(id)),
        };
        Self {
            position,
            schedule,
            duplicate: false,
        }
    }
}

/// A batch that is being stored.
struct Batch<'b, 's> {
    log: Appender<'s>,
    /// Delayed messages, which are stored after the others.
    later: Vec<(ScheduleId, i64, &'b Message)>,
    now: i64,
}

impl<'b> Batch<'b, '_> {
    fn store(&mut self, outgoing: &'b Outgoing) -> StoreResult<Result<Place>> {
        let due = outgoing.due.map(timestamp::nanos);
        let length = outgoing.message.bytes().len();
        if length > MAX_PAYLOAD {
            return Ok(Err(too_large(length)));
        }
        Ok(match due.filter(|due| *due > self.now) {
            Some(i64::MAX) => Err(too_late()),
            Some(due) => {
                let id = delay::new_id();
                self.later.push((id.clone(), due, &outgoing.message));
                Ok(Place::Schedule(id))
            }
            None => Ok(Place::Log(self.log.push(&outgoing.message)?)),
        })
    }

    /// Stores a message unless it is a duplicate.
    fn store_once(
        &mut self,
        outgoing: &'b Outgoing,
        key: &Result<Option<DedupKey>>,
        duplicates: &Duplicates,
    ) -> StoreResult<Result<Receipt>> {
        let key = match key {
            Ok(Some(key)) => key,
            Ok(None) => return Ok(self.store(outgoing)?.map(Receipt::from)),
            Err(refused) => return Ok(Err(refused.clone())),
        };
        if let Some(duplicate) = duplicates.find(self.log.session(), key)? {
            return Ok(Ok(duplicate));
        }
        let stored = self.store(outgoing)?;
        if let Ok(place) = &stored {
            let seq = match place {
                Place::Log(seq) => Some(*seq),
                Place::Schedule(_) => None,
            };
            duplicates.note(self.log.session(), key, seq)?;
        }
        Ok(stored.map(Receipt::from))
    }
}

/// Stores messages at once, in the transaction of the caller.
pub(super) fn append_all(session: &mut Session, batch: &[Outgoing]) -> StoreResult<()> {
    let now = timestamp::now();
    delay::fire(session, now)?;
    let mut log = Appender::new(session, now)?;
    for outgoing in batch {
        log.push(&outgoing.message)?;
    }
    log.finish()
}

/// Returns the first message that is too large, and the error.
pub(super) fn first_too_large(
    batch: &[Outgoing],
) -> Option<(usize, crate::transport::TransportError)> {
    let mut lengths = batch.iter().map(|outgoing| outgoing.message.bytes().len());
    let number = lengths.position(|length| length > MAX_PAYLOAD)?;
    Some((number, too_large(batch[number].message.bytes().len())))
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
