//! What handles deliveries, and what it may answer.

mod error;
mod function;
mod respond;

use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

pub use self::{
    error::HandlerError,
    function::{ByHand, FromDelivery, FunctionHandler, IntoHandler, IntoResponses},
};
use crate::{
    event::Group,
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
    /// Cancelled when the run should end at once: its time is up, or the process is being stopped hard.
    pub abort: CancellationToken,
}

/// Handles deliveries, several at a time.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Handles one delivery. A panic is a failed run.
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome;

    /// Reports whether runs do next to nothing but wait for somebody else. If so, they are not made tasks of their
    /// own; one that computed for long would hold up the consumer.
    fn only_waits(&self) -> bool {
        false
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
