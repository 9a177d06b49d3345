//! Deliveries: messages in flight to a consumer, each to be settled exactly once.

use std::{
    borrow::Cow,
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;

use super::{
    Beginning, DeadLetterId, DeadLetterKind, Failure, Handling, MarkChange, Marks, Result,
    mark::Course,
};
use crate::event::{Action, Group, HandlingKey, Message, Position, Stored, identified};

/// A membership in a group.
///
/// Where [`super::Capabilities::order`] says so, deliveries of one key come in order and go to one consumer at a time:
/// while one of them is in flight, no other consumer gets a later one. Within one consumer the caller keeps the order. A
/// retry shows the topic, position and time of its original, wherever the broker stored it.
#[async_trait]
pub trait Subscription: fmt::Debug + Send + Sync {
    /// Waits for deliveries and returns at most `max`; an empty list means that the end was reached.
    ///
    /// May be dropped: messages taken for a dropped call are returned by the next. The lease starts when this returns; the
    /// backend extends the leases of messages that it buffers. The internal topics of a topic that a pattern finds later
    /// exist before its first delivery.
    ///
    /// # Errors
    /// If the connection is lost; while the error is transient, the call may be repeated. Unread messages that retention
    /// removed are an error of kind [`super::ErrorKind::Gap`]; the next call continues behind the gap. A condition that
    /// the user should know of (a paused consumer) is an error of kind [`super::ErrorKind::Warning`]; nothing is skipped.
    async fn next(&self, max: usize) -> Result<Vec<Delivery>>;

    /// Settles deliveries: carries out each verdict and returns one result per settlement, in order. A dead letter and a
    /// retry are stored then; an acknowledgement is final for this consumer, and durable within 100 ms and when the
    /// subscription is closed.
    ///
    /// The effect comes before the acknowledgement, always: a dead letter is confirmed stored before its original is
    /// acknowledged, so that a crash in between repeats a message and loses none. A lost connection is waited for while
    /// the lease lasts; an error is final, and the delivery is redelivered. [`super::ErrorKind::Lost`] means that another
    /// consumer has it, as far as the broker reports that. The future must not be dropped: which deliveries were settled
    /// would be unknown.
    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>>;

    /// Returns how many batches to settle concurrently: several where a batch mostly waits for the server.
    fn settles_at_once(&self) -> usize {
        1
    }

    /// Extends the leases of deliveries that are still being handled. Returns the tickets whose leases are lost.
    ///
    /// # Errors
    /// If the server does not answer; the deliveries may be redelivered.
    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>>;

    /// Returns one line for people for each thing created on the broker for this membership.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns how many messages the store itself dead-lettered for this consumer because they crashed others too often.
    fn dead_lettered(&self) -> u64 {
        0
    }

    /// Returns the messages before the end of a bounded subscription that this consumer did not get, because others of its
    /// group hold them. Called once [`next`](Self::next) has returned the end.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn held_elsewhere(&self) -> Result<Option<super::HeldElsewhere>> {
        Ok(None)
    }

    /// Returns what the group has not finished, topic by topic where the store counts so. Empty where the store cannot tell.
    /// What was settled in the last second may still be counted. May take long: not for each delivery.
    ///
    /// # Errors
    /// If the server does not answer.
    async fn backlog(&self) -> Result<Vec<super::Backlog>> {
        Ok(Vec::new())
    }

    /// Returns the marks of what was handled; `None` if the request asked for none.
    fn marks(&self) -> Option<&dyn Marks> {
        None
    }

    /// Leaves the group. Everything settled is durable; unsettled deliveries return to the group without losing an attempt.
    ///
    /// # Errors
    /// If the server does not confirm that.
    async fn close(&self) -> Result<()>;
}

/// A subscription's number for a delivery in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// The earlier runs of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attempts {
    /// Handler runs that failed.
    pub failed: u32,
    /// Runs that crashed the process.
    pub crashed: u32,
    /// When the first run failed.
    pub first_failed: Option<SystemTime>,
}

impl Attempts {
    /// Returns the number of the next run, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.failed.saturating_add(1)
    }
}

/// The history of a replayed message.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Lineage {
    /// The dead letter that was replayed.
    pub replay_of: DeadLetterId,
    /// The store in which the original was stored; for an imported dead letter this is another store.
    pub store: String,
    /// The position that the original was stored at.
    pub position: Position,
    /// How often it has been replayed, including this time.
    pub generation: u32,
    /// Handler runs that failed before the last replay.
    pub attempts: u32,
}

/// One message in flight to one consumer.
#[must_use = "an unsettled delivery is redelivered"]
pub struct Delivery {
    /// The message.
    pub stored: Stored,
    /// Earlier runs.
    pub attempts: Attempts,
    /// Its history, if it was replayed.
    pub lineage: Option<Box<Lineage>>,
    ticket: Ticket,
    /// The key of its handling; `None` without deduplication.
    marked: Option<(HandlingKey, Course)>,
}

impl Delivery {
    /// Creates a delivery; `ticket` is the subscription's number for it.
    pub fn new(
        stored: Stored,
        attempts: Attempts,
        lineage: Option<Box<Lineage>>,
        ticket: Ticket,
    ) -> Self {
        Self {
            stored,
            attempts,
            lineage,
            ticket,
            marked: None,
        }
    }

    /// Returns the ticket by which to extend its lease.
    #[must_use]
    pub fn ticket(&self) -> Ticket {
        self.ticket
    }

    /// Returns its message as an event: one of hexa-event that names no id gets that of its position, or of its original's
    /// if it was replayed. Any other is returned as it is.
    #[must_use]
    pub fn event_message(&self) -> Cow<'_, Message> {
        identified(&self.stored.message, self.origin())
    }

    /// Returns the position at which it was stored first.
    pub(crate) fn origin(&self) -> &Position {
        let lineage = self.lineage.as_ref();
        lineage.map_or(&self.stored.position, |lineage| &lineage.position)
    }

    /// Copies it for display; only the delivery itself can be settled.
    pub(crate) fn copy(&self) -> Self {
        Self {
            stored: self.stored.clone(),
            attempts: self.attempts.clone(),
            lineage: self.lineage.clone(),
            ticket: self.ticket,
            marked: self.marked,
        }
    }

    /// Returns it as a handling of an action; `None` if it is not an event.
    pub(crate) fn handling(&self, action: &Action, group: &Group) -> Option<Handling> {
        let lineage = self.lineage.as_ref();
        Some(Handling {
            key: HandlingKey::of(action, &self.event_message()).ok()?,
            beginning: Beginning {
                group: group.clone(),
                position: self.stored.position.clone(),
            },
            replay_of: lineage.map(|lineage| lineage.replay_of.clone()),
        })
    }

    /// Returns the key whose mark its settlement changes.
    pub(crate) fn marked(&self) -> Option<HandlingKey> {
        self.marked.map(|(key, _)| key)
    }

    /// Lets its settlement change the mark of this key; `None` leaves all marks as they are.
    pub fn set_mark(&mut self, key: Option<HandlingKey>) {
        self.marked = key.map(|key| (key, Course::Open));
    }

    /// Notes that it is settled without a run: an acknowledgement leaves no mark.
    pub(crate) fn set_left_out(&mut self) {
        self.marked = self.marked.map(|(key, _)| (key, Course::LeftOut));
    }

    /// Notes that a run began which is made at most once, and how it ended is unknown: giving the delivery back leaves the
    /// beginning.
    pub(crate) fn set_cut_short(&mut self) {
        self.marked = self.marked.map(|(key, _)| (key, Course::CutShort));
    }

    /// Pairs it with a verdict. Consumes it, so that it cannot be settled twice.
    pub fn conclude(self, verdict: Verdict) -> Settlement {
        Settlement {
            delivery: self,
            verdict,
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("topic", &self.stored.message.topic)
            .field("position", &self.stored.position)
            .field("attempt", &self.attempts.attempt())
            .finish_non_exhaustive()
    }
}

/// A delivery and its verdict.
#[derive(Debug)]
#[must_use = "a verdict has no effect until it is settled"]
pub struct Settlement {
    /// The delivery.
    pub delivery: Delivery,
    /// The verdict.
    pub verdict: Verdict,
}

impl Settlement {
    /// Returns how the mark changes; `None` if it stays, as it does without deduplication.
    #[must_use]
    pub fn mark(&self) -> Option<MarkChange> {
        let (key, course) = self.delivery.marked?;
        match self.verdict {
            Verdict::Ack if course != Course::LeftOut => Some(MarkChange::Done(key)),
            Verdict::DeadLetter { .. } => Some(MarkChange::Dead(key)),
            Verdict::Return if course == Course::CutShort => None,
            _ => Some(MarkChange::Forget(key)),
        }
    }
}

/// The state of a delivery after it is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Done; this group never gets it again.
    Ack,
    /// The run failed and is counted; redeliver, not before the delay.
    Retry {
        /// The delay.
        after: Duration,
        /// Why the run failed.
        failure: Box<Failure>,
    },
    /// Not handled; redeliver at any time, without losing an attempt.
    Return,
    /// Given up; it becomes a dead letter of this group.
    DeadLetter {
        /// Why it was given up.
        kind: DeadLetterKind,
        /// How the last run failed. If the kind is that of a failed run, the run is counted.
        failure: Box<Failure>,
    },
}
