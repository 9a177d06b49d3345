//! Making verdicts true: every settlement of a batch in one transaction.

use rusqlite::params;
use tokio::sync::oneshot;

use crate::transport::{
    Attempts, DeadLetter, Delivery, ErrorKind, Result, Settlement, Ticket, TransportError, Verdict,
};

use crate::backends::sqlite::{
    codec::timestamp as clock,
    connection::log::key_hash,
    connection::session::Session,
    connection::write::transaction::{Step, Work},
    dead_letter::row as letter,
    error::{Outcome, refusal},
};

/// What a verdict asks of the store.
#[derive(Debug)]
enum Change {
    Forget,
    Wait(Box<Wait>),
    Bury(Box<DeadLetter>),
}

/// A delivery that comes again.
#[derive(Debug)]
struct Wait {
    due: i64,
    failed: bool,
    key_hash: Option<i64>,
    attempts: Attempts,
}

/// A settlement that waits for its transaction.
#[derive(Debug)]
pub(crate) struct Item {
    seq: i64,
    ticket: Ticket,
    change: Change,
}

impl Item {
    /// Prepares a settlement of the message at `seq`.
    pub(crate) fn new(
        store: &str,
        group: &crate::event::Group,
        seq: i64,
        settlement: Settlement,
    ) -> Self {
        let Settlement { delivery, verdict } = settlement;
        let ticket = delivery.ticket();
        let change = match verdict {
            Verdict::Ack => Change::Forget,
            Verdict::Return => Change::wait(delivery, 0, false),
            Verdict::Retry { after, .. } => {
                let due = clock::now().saturating_add(clock::span(after));
                Change::wait(delivery, due, true)
            }
            Verdict::DeadLetter { kind, failure } => {
                let letter = letter::of(store, group, &delivery, kind, *failure);
                Change::Bury(Box::new(letter))
            }
        };
        Self {
            seq,
            ticket,
            change,
        }
    }

    /// Logs what became of it.
    fn tell(&self, ours: bool) {
        let position = self.seq;
        match &self.change {
            _ if !ours => tracing::warn!(position, "the lease had run out before the verdict"),
            Change::Forget => tracing::trace!(position, "acknowledged"),
            Change::Wait(wait) if wait.failed => {
                let again_in = clock::until(wait.due);
                tracing::debug!(
                    position,
                    ?again_in,
                    failed = wait.attempts.failed + 1,
                    "failed"
                );
            }
            Change::Wait(_) => tracing::debug!(position, "given back"),
            Change::Bury(letter) => {
                let (id, kind) = (&letter.id, letter.record.kind);
                tracing::debug!(position, %id, %kind, "became a dead letter");
            }
        }
    }
}

impl Change {
    fn wait(delivery: Delivery, due: i64, failed: bool) -> Self {
        Self::Wait(Box::new(Wait {
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
    /// Of which of the stores that had the name.
    pub(crate) generation: u64,
    pub(crate) group: i64,
    pub(crate) consumer: i64,
    pub(crate) items: Vec<Item>,
    /// Per item, whether it was still ours.
    pub(crate) ours: Vec<bool>,
    pub(crate) reply: oneshot::Sender<Result<Vec<bool>>>,
}

impl Work for Settle {
    fn step(&self) -> Step {
        Step::Settle
    }

    fn run(&mut self, session: &mut Session) -> Outcome<()> {
        session.require(self.generation)?;
        let sql =
            "DELETE FROM held WHERE group_id = ?1 AND seq = ?2 AND consumer = ?3 AND ticket = ?4";
        let mut delete = session.connection.prepare_cached(sql)?;
        for item in &self.items {
            let ticket = item.ticket.0.cast_signed();
            let ours = delete.execute([self.group, item.seq, self.consumer, ticket])? > 0;
            if ours {
                self.apply(session, item)?;
            }
            self.ours.push(ours);
        }
        Ok(())
    }

    fn end(self: Box<Self>, result: Result<()>) {
        // Who settled waits for this, unless its task was torn down.
        match &result {
            Ok(()) => self
                .items
                .iter()
                .zip(&self.ours)
                .for_each(|(item, ours)| item.tell(*ours)),
            Err(error) => tracing::warn!(%error, count = self.items.len(), "not settled"),
        }
        let Self { ours, reply, .. } = *self;
        let _ = reply.send(result.map(|()| ours));
    }
}

impl Settle {
    fn apply(&self, session: &Session, item: &Item) -> Outcome<()> {
        match &item.change {
            Change::Forget => Ok(()),
            Change::Wait(wait) => self.wait(session, item.seq, wait),
            Change::Bury(letter) => letter::insert(&session.connection, letter).map(drop),
        }
    }

    fn wait(&self, session: &Session, seq: i64, wait: &Wait) -> Outcome<()> {
        let attempts = &wait.attempts;
        let first_failed = match attempts.first_failed {
            Some(time) => Some(clock::nanos(time)),
            None => wait.failed.then(clock::now),
        };
        let sql = "INSERT INTO waiting(group_id, seq, due, owner, key_hash, failed, crashed, \
             first_failed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        session.connection.prepare_cached(sql)?.execute(params![
            self.group,
            seq,
            wait.due,
            wait.failed.then_some(self.consumer),
            wait.key_hash,
            attempts.failed.saturating_add(u32::from(wait.failed)),
            attempts.crashed,
            first_failed,
        ])?;
        Ok(())
    }
}

/// Says that a delivery is of a store that has not got the name any more.
pub(crate) fn lost_with_its_store() -> TransportError {
    refusal(
        ErrorKind::Lost,
        "this delivery is of a file that was removed or replaced; what became of it is not written down",
    )
}
