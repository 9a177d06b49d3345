//! Handlers of deliveries, their runs and outcomes.

mod error;
mod function;
#[cfg(feature = "protobuf")]
mod protobuf;
mod refused;
mod respond;

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

#[cfg(feature = "protobuf")]
pub use self::protobuf::Protobuf;
pub use self::{
    error::HandlerError,
    function::{DirectHandler, FromDelivery, FunctionHandler, IntoHandler, IntoResponses},
    refused::RefusedAttributes,
    respond::Response,
};
use crate::{
    event::{Action, Group, HandOver, HandlingKey, Naming},
    lock::Mutex,
    runtime::ReplyRules,
    transport::{Delivery, Failure, Outgoing},
};

/// The context of a run.
#[derive(Debug, Clone)]
pub struct Run {
    /// The group.
    pub group: Group,
    /// The name of what the handler does.
    pub action: Action,
    /// The scheme of the transport.
    pub system: &'static str,
    /// The number of this run, from 1.
    pub attempt: u32,
    /// Runs that the policy allows for this event.
    pub max_attempts: u32,
    /// Naming of attributes for the handler.
    pub naming: Naming,
    /// Receiver of reports about events that official SDKs refuse.
    pub refused: RefusedAttributes,
    /// Which addresses replies may go to.
    pub replies: Arc<ReplyRules>,
    /// Cancelled when the run must end at once: its time limit passed, or the consumer is aborted.
    pub abort: CancellationToken,
    /// Cancelled when a run that has not begun must not begin; the handler returns [`Outcome::Return`].
    pub recalled: CancellationToken,
    /// The start of the run. A handler whose runs may wait ([`Handler::max_queued`]) marks it; a time limit counts from it.
    pub start: RunStart,
}

impl Run {
    /// Returns the key of this handling: the same for every run, retry, replay and copy of the event. An effect that stores
    /// it in its own transaction is made once; see `protoflow::inbox`.
    #[must_use]
    pub fn handling_key(&self, source: &str, id: &str) -> HandlingKey {
        HandlingKey::new(&self.action, source, id)
    }

    /// Returns the attributes that are added to the event for the handler.
    #[must_use]
    pub fn hand_over(&self) -> HandOver {
        HandOver {
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            naming: self.naming,
            dedup_key: None,
        }
    }
}

/// The time at which a run began, once it has. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct RunStart(Arc<Mutex<Option<Instant>>>);

impl RunStart {
    /// Notes that the run begins now.
    pub fn mark(&self) {
        *self.time() = Some(Instant::now());
    }

    /// Notes that the run has not begun after all, because the worker that was given it did nothing and another one will.
    pub fn retract(&self) {
        *self.time() = None;
    }

    /// Returns the time at which the run began; `None` while it waits.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        *self.time()
    }

    fn time(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock()
    }
}

/// Handles deliveries, several at the same time.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery. A panic is a failed run.
    ///
    /// # Cancellation
    /// The future is dropped if the consumer is dropped, or if the run does not end within a second after it was aborted. The
    /// delivery then goes back.
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome;

    /// Returns how many runs may wait in the handler in addition to those in progress, so that the next one begins without a
    /// turn of the consumer. 0, the default, means that a run begins as soon as it is polled.
    ///
    /// More is for handlers whose work is done by other threads or processes, at most as many at a time as the consumer has
    /// jobs. Their runs are not spawned as tasks, so one that computes for long would hold up the consumer. With a time
    /// limit no run waits; the limit counts from the start that the handler marks ([`Run::start`]), and does not apply
    /// to a handler that never does.
    fn max_queued(&self) -> usize {
        0
    }
}

/// The outcome of a run.
#[derive(Debug)]
pub enum Outcome {
    /// Handled; these responses are confirmed before the event is acknowledged.
    Ack(Vec<Outgoing>),
    /// Skipped for this reason; acknowledged.
    Skip(String),
    /// Failed; retried after this pause, otherwise by policy.
    Retry(Option<Duration>, Failure),
    /// Failed permanently; dead-lettered.
    DeadLetter(Failure),
    /// The message is not a CloudEvent.
    Undecodable(Failure),
    /// Not run; the event goes back without counting an attempt.
    Return,
    /// The handler cannot run at all; the event goes back without counting an attempt, and the consumer stops.
    Unusable(Failure),
}
