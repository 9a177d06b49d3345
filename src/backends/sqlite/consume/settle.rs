//! Applies verdicts: all settlements of a batch in one transaction. A row of `held` is deleted by position, member
//! and ticket; if it is gone, the lease was lost and the verdict has no effect.

use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use super::joint::Marking;
use crate::{
    backends::sqlite::{
        codec::{row::key_hash, timestamp},
        connection::{
            marks,
            session::Session,
            write::transaction::{OpKind, WriteOp},
        },
        dead_letter,
        error::{StoreResult, store_error},
    },
    event::HandlingKey,
    transport::{
        Attempts, DeadLetter, DeadLetterId, Delivery, ErrorKind, MarkChange, Result, Settlement,
        Ticket, TransportError, Verdict,
    },
};

/// The effect of a verdict.
#[derive(Debug)]
enum Effect {
    Ack,
    Requeue(Box<Requeue>),
    DeadLetter(Box<DeadLetter>),
}

/// A message to be redelivered.
#[derive(Debug)]
struct Requeue {
    due: i64,
    failed: bool,
    key_hash: Option<i64>,
    attempts: Attempts,
}

/// A settlement that is to be committed.
#[derive(Debug)]
pub(crate) struct SettleItem {
    seq: i64,
    ticket: Ticket,
    effect: Effect,
    mark: Option<MarkChange>,
}

impl SettleItem {
    /// Prepares the settlement of the message at `seq`.
    pub(crate) fn new(
        store: &str,
        group: &crate::event::Group,
        seq: i64,
        settlement: Settlement,
    ) -> Self {
        let mark = settlement.mark();
        let Settlement { delivery, verdict } = settlement;
        let ticket = delivery.ticket();
        let effect = match verdict {
            Verdict::Ack => Effect::Ack,
            Verdict::Return => Effect::requeue(delivery, 0, false),
            Verdict::Retry { after, .. } => {
                let due = timestamp::now().saturating_add(timestamp::nanos_of(after));
                Effect::requeue(delivery, due, true)
            }
            Verdict::DeadLetter { kind, failure } => {
                let letter = dead_letter::row::of(store, group, &delivery, kind, *failure);
                Effect::DeadLetter(Box::new(letter))
            }
        };
        Self {
            seq,
            ticket,
            effect,
            mark,
        }
    }

    /// Returns the dead letter that it makes.
    fn letter(&self) -> Option<&DeadLetterId> {
        match &self.effect {
            Effect::DeadLetter(letter) => Some(&letter.id),
            Effect::Ack | Effect::Requeue(_) => None,
        }
    }

    /// Logs the outcome.
    fn log_outcome(&self, ours: bool) {
        let position = self.seq;
        match &self.effect {
            _ if !ours => tracing::warn!(position, "the lease ended before the verdict"),
            Effect::Ack => tracing::trace!(position, "acknowledged"),
            Effect::Requeue(retry) if retry.failed => {
                let again_in = timestamp::time_until(retry.due);
                tracing::debug!(
                    position,
                    ?again_in,
                    failed = retry.attempts.failed + 1,
                    "failed"
                );
            }
            Effect::Requeue(_) => tracing::debug!(position, "returned"),
            Effect::DeadLetter(letter) => {
                let (id, kind) = (&letter.id, letter.record.kind);
                tracing::debug!(position, %id, %kind, "dead-lettered");
            }
        }
    }
}

impl Effect {
    fn requeue(delivery: Delivery, due: i64, failed: bool) -> Self {
        Self::Requeue(Box::new(Requeue {
            due,
            failed,
            key_hash: delivery.stored.message.key.as_deref().map(key_hash),
            attempts: delivery.attempts,
        }))
    }
}

/// A batch of settlements of one consumer.
#[derive(Debug)]
pub(crate) struct Settle {
    /// The number of the file that the messages are of.
    pub(crate) generation: u64,
    pub(crate) group: i64,
    pub(crate) consumer: i64,
    pub(crate) items: Vec<SettleItem>,
    /// The marks that are kept.
    pub(crate) marking: Option<Marking>,
    /// Events whose marks are added together.
    pub(crate) handled: Vec<HandlingKey>,
    /// Per item, whether its lease was still held.
    pub(crate) ours: Vec<bool>,
    pub(crate) reply: oneshot::Sender<Result<Vec<bool>>>,
}

impl WriteOp for Settle {
    fn kind(&self) -> OpKind {
        OpKind::Settle
    }

    fn run(&mut self, session: &mut Session) -> StoreResult<()> {
        session.require(self.generation)?;
        let sql =
            "DELETE FROM held WHERE group_id = ?1 AND seq = ?2 AND consumer = ?3 AND ticket = ?4";
        let mut delete = session.connection.prepare_cached(sql)?;
        let together = self.marks_together(&session.connection)?;
        for item in &self.items {
            let ticket = item.ticket.0.cast_signed();
            let ours = delete.execute([self.group, item.seq, self.consumer, ticket])? > 0;
            self.ours.push(ours);
            match item.mark {
                _ if !ours => continue,
                Some(MarkChange::Done(key)) if together => self.handled.push(key),
                Some(change) => self.mark(session, item, change)?,
                None => {}
            }
            self.apply(session, item)?;
        }
        marks::batches::add(
            &session.connection,
            &session.handled,
            &self.handled,
            self.until(),
        )
    }

    fn end(self: Box<Self>, result: Result<()>) {
        // The caller waits for this, unless its task was aborted.
        match &result {
            Ok(()) => self
                .items
                .iter()
                .zip(&self.ours)
                .for_each(|(item, ours)| item.log_outcome(*ours)),
            Err(error) => {
                tracing::warn!(%error, count = self.items.len(), "the settlements failed");
            }
        }
        let Self { ours, reply, .. } = *self;
        let _ = reply.send(result.map(|()| ours));
    }
}

impl Settle {
    /// Reports whether no run was marked as begun, so that the marks of what was handled can be added together.
    fn marks_together(&self, connection: &Connection) -> StoreResult<bool> {
        match &self.marking {
            Some(marking) if !marking.begins => marking.is_alone(connection),
            _ => Ok(false),
        }
    }

    fn until(&self) -> i64 {
        let window = self.marking.as_ref().map(|marking| marking.window);
        marks::until(window.unwrap_or_default())
    }

    fn apply(&self, session: &Session, item: &SettleItem) -> StoreResult<()> {
        match &item.effect {
            Effect::Ack => Ok(()),
            Effect::Requeue(retry) => self.requeue(session, item.seq, retry),
            Effect::DeadLetter(letter) => {
                dead_letter::row::insert(&session.connection, letter).map(drop)
            }
        }
    }

    fn mark(&self, session: &Session, item: &SettleItem, change: MarkChange) -> StoreResult<()> {
        let connection = &session.connection;
        let until = self.until();
        match change {
            MarkChange::Done(key) => marks::tree::end(connection, key, None, until),
            MarkChange::Dead(key) => marks::tree::end(connection, key, item.letter(), until),
            MarkChange::Forget(key) => marks::tree::forget(connection, key, self.group, item.seq),
        }
    }

    fn requeue(&self, session: &Session, seq: i64, retry: &Requeue) -> StoreResult<()> {
        let attempts = &retry.attempts;
        let first_failed = match attempts.first_failed {
            Some(time) => Some(timestamp::nanos(time)),
            None => retry.failed.then(timestamp::now),
        };
        let sql = "INSERT INTO waiting(group_id, seq, due, owner, key_hash, failed, crashed, \
             first_failed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        session.connection.prepare_cached(sql)?.execute(params![
            self.group,
            seq,
            retry.due,
            retry.failed.then_some(self.consumer),
            retry.key_hash,
            attempts.failed.saturating_add(u32::from(retry.failed)),
            attempts.crashed,
            first_failed,
        ])?;
        Ok(())
    }
}

/// Returns the error for a delivery of a file that is no longer at the store's path.
pub(crate) fn lost_with_its_store() -> TransportError {
    store_error(
        ErrorKind::Lost,
        "the file of this delivery was removed or replaced; its outcome is not stored",
    )
}
