//! Notices of the runtime to its observer. The runtime itself never prints.

use std::time::Duration;

use super::OpenBreaker;
use crate::{
    event::EventError,
    transport::{Backlog, DeadLetterKind, Delivery, Failure, HeldElsewhere, TransportError},
};

/// Something that just happened. What it says about deliveries is durable.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A stream, topic or consumer was created on the broker; the text describes it.
    Created(&'a str),
    /// The consumer has joined its group.
    Joined,
    /// An event was handled and acknowledged.
    Acked(&'a Delivery),
    /// An event was skipped for this reason and acknowledged.
    Skipped(&'a Delivery, &'a str),
    /// An event had expired, as the text says, and was acknowledged without a run.
    Expired(&'a Delivery, &'a str),
    /// A tombstone was acknowledged without a run.
    Tombstone(&'a Delivery),
    /// An event that the filter does not match was acknowledged without a run.
    Filtered(&'a Delivery),
    /// A copy of an event that was handled before was acknowledged without a run.
    Duplicate(&'a Delivery),
    /// A run failed; the event is retried after this pause.
    Retrying(&'a Delivery, Duration, &'a Failure),
    /// An event was dead-lettered.
    DeadLettered(&'a Delivery, DeadLetterKind, &'a Failure),
    /// An event has an attribute that official SDKs refuse, and is handed over as it is stored. Reported once.
    RefusedAttribute(&'a Delivery, &'a EventError),
    /// An event was given back without counting an attempt.
    Returned(&'a Delivery),
    /// A verdict could not be settled; the event will be redelivered.
    Unsettled(&'a Delivery, &'a TransportError),
    /// A request to the transport failed and is retried.
    TransientError(&'a TransportError),
    /// Messages were removed before they were read.
    Gap(&'a TransportError),
    /// The transport reports a condition; nothing is skipped.
    Warning(&'a TransportError),
    /// The backlog of the group was read, for its metrics.
    Backlog(Result<&'a [Backlog], &'a TransportError>),
    /// A bounded consumer has reached its end, and other consumers of its group hold events before it.
    HeldElsewhere(HeldElsewhere),
    /// The breaker opened: one event per back-off from now on.
    BreakerOpened(&'a OpenBreaker),
    /// The event that the open breaker let through failed; the next one is let through after another back-off.
    BreakerStaysOpen(&'a OpenBreaker),
    /// The breaker closed: events succeed again: handling all.
    BreakerClosed,
    /// No new events are taken; this many runs are being finished.
    Draining(usize),
}

/// Receives notices.
pub trait Observer: Send + Sync + 'static {
    /// Receives a notice; must not block.
    fn notice(&self, notice: Notice<'_>);

    /// Reports whether this observer wants notices about single deliveries. If not, the runtime does not copy them.
    fn follows_deliveries(&self) -> bool {
        true
    }
}

impl Observer for () {
    fn notice(&self, _: Notice<'_>) {}

    fn follows_deliveries(&self) -> bool {
        false
    }
}
