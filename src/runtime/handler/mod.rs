//! What handles deliveries, and what it may answer.

mod error;
mod function;
mod refused;
mod respond;

use std::{
    sync::{Arc, MutexGuard},
    time::Duration,
};

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use self::{
    error::HandlerError,
    function::{ByHand, FromDelivery, FunctionHandler, IntoHandler, IntoResponses},
    refused::RefusedAttributes,
};
use crate::{
    event::{Group, HandOver, Naming},
    lock::Mutex,
    transport::{Delivery, Failure, Outgoing},
};

/// What a run is told beside its delivery.
#[derive(Debug, Clone)]
pub struct Run {
    /// The group.
    pub group: Group,
    /// The number of this run, from 1.
    pub attempt: u32,
    /// Runs that the policy allows for this event.
    pub max_attempts: u32,
    /// Whose attribute names the handler is given.
    pub naming: Naming,
    /// Where it is reported that official SDKs refuse an event.
    pub refused: RefusedAttributes,
    /// Cancelled when the run should end at once: its time is up, or the process is being stopped hard.
    pub abort: CancellationToken,
    /// Cancelled when a run that has not begun should not begin any more: it answers [`Outcome::Return`].
    pub recalled: CancellationToken,
    /// When it began. A handler whose runs may wait ([`Handler::ahead`]) says so; a time limit counts from then.
    pub beginning: Beginning,
}

impl Run {
    /// Returns what is added to the event for the handler.
    #[must_use]
    pub fn hand_over(&self) -> HandOver {
        HandOver {
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            naming: self.naming,
        }
    }
}

/// When a run began, once it has. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Beginning(Arc<Mutex<Option<Instant>>>);

impl Beginning {
    /// Says that it begins now.
    pub fn mark(&self) {
        *self.time() = Some(Instant::now());
    }

    /// Says that it has not begun after all: what was to do the work did nothing, and something else will.
    pub fn retract(&self) {
        *self.time() = None;
    }

    /// Returns when it began; nothing as long as it waits.
    #[must_use]
    pub fn at(&self) -> Option<Instant> {
        *self.time()
    }

    fn time(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock()
    }
}

/// Handles deliveries, several at a time.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery. A panic is a failed run.
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome;

    /// Returns how many runs may wait in the handler, beside those that it works on, so that the next one begins
    /// without a turn of the consumer: 0 where a run begins as soon as it is polled.
    ///
    /// More is for handlers that let others do the work, at most as many at a time as the consumer has jobs: their
    /// runs are not made tasks of their own, and one that computed for long would hold up the consumer. Where runs
    /// have a time limit, none is made to wait; the limit counts from when the handler says that a run begins
    /// ([`Run::beginning`]), and means nothing to one that never does.
    fn ahead(&self) -> usize {
        0
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Outcome {
    /// Handled; these responses are confirmed stored before the cause is acknowledged.
    Ack(Vec<Outgoing>),
    /// Handled by not handling it, for this reason; acknowledged.
    Skip(String),
    /// Failed; try again after this long, else as the policy says.
    Retry(Option<Duration>, Failure),
    /// Failed for good.
    DeadLetter(Failure),
    /// The message is no CloudEvent.
    Undecodable(Failure),
    /// Not run: give it back uncounted.
    Return,
    /// The handler cannot be run at all: give it back uncounted and stop.
    Unusable(Failure),
}
