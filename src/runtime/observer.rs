//! How the runtime tells the outside world what it is doing; it never prints.

use std::time::Duration;

use super::BreakerOptions;
use crate::{
    event::EventError,
    transport::{Delivery, Failure, LetterKind, TransportError},
};

/// Something that just happened and is durable.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// This was made on the broker, so that nothing is lost from now on.
    Made(&'a str),
    /// Handled and acknowledged.
    Acked(&'a Delivery),
    /// Skipped and acknowledged, with the reason.
    Skipped(&'a Delivery, &'a str),
    /// Will be tried again after this long.
    Retrying(&'a Delivery, Duration, &'a Failure),
    /// Is a dead letter now.
    DeadLettered(&'a Delivery, LetterKind, &'a Failure),
    /// Is handed over with an attribute that official SDKs refuse, as it is stored; reported once.
    RefusedAttribute(&'a Delivery, &'a EventError),
    /// Given back uncounted.
    Returned(&'a Delivery),
    /// A verdict could not be made true; the delivery comes again.
    Unsettled(&'a Delivery, &'a TransportError),
    /// Reading failed and is tried again.
    Trouble(&'a TransportError),
    /// Messages that should have been read are gone.
    Gap(&'a TransportError),
    /// The transport warns of something; nothing is skipped.
    Warning(&'a TransportError),
    /// Nearly everything fails: one event per back-off from now on.
    BreakerOpened(BreakerOptions),
    /// Events flow again.
    BreakerClosed,
    /// No new events are taken; so many are being finished.
    Draining(usize),
}

/// Receives notices.
pub trait Observer: Send + Sync + 'static {
    /// Called after each step; must not block.
    fn notice(&self, notice: Notice<'_>);

    /// Reports whether anyone listens to what became of single deliveries. If not, the runtime spares itself
    /// a copy of each.
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
