//! The check of the first messages: if none of them is a CloudEvent, the consumer reads the wrong topic.
//!
//! Without it, pointing a consumer at a topic of plain JSON would dead-letter the whole topic. So messages that cannot be
//! decoded are held until one can, and the consumer stops if too many come first.

use std::time::Duration;

use tokio::time::Instant;

use crate::transport::{Delivery, Failure, Ticket};

/// Undecodable messages before the first event that stop the consumer.
const LIMIT: u32 = 20;
/// If nothing else comes for this long, the held messages are dead-lettered as single bad ones.
const HOLD_TIMEOUT: Duration = Duration::from_millis(300);

/// See the module.
#[derive(Default)]
pub(in crate::runtime::consume) struct DecodeCheck {
    confirmed: bool,
    seen: u32,
    held: Vec<(Delivery, Failure)>,
    since: Option<Instant>,
}

impl DecodeCheck {
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.held.len()
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        self.held.iter().map(|(delivery, _)| delivery.ticket())
    }

    /// Reports whether a message was decoded.
    pub(in crate::runtime::consume) fn is_confirmed(&self) -> bool {
        self.confirmed
    }

    /// Holds a message that is not a CloudEvent. Returns their number if it is too high: the consumer must stop.
    pub(in crate::runtime::consume) fn hold(
        &mut self,
        delivery: Delivery,
        failure: Failure,
    ) -> Option<u32> {
        self.seen += 1;
        self.since = Some(Instant::now());
        self.held.push((delivery, failure));
        (self.seen >= LIMIT).then_some(self.seen)
    }

    /// Notes that a message was decoded; returns the held ones, which are single bad messages.
    pub(in crate::runtime::consume) fn confirm(&mut self) -> Vec<(Delivery, Failure)> {
        self.confirmed = true;
        std::mem::take(&mut self.held)
    }

    /// Returns the time at which waiting for an event ends, if nothing else comes.
    pub(in crate::runtime::consume) fn wake_at(&self) -> Option<Instant> {
        self.since
            .filter(|_| !self.held.is_empty())
            .map(|since| since + HOLD_TIMEOUT)
    }

    /// Returns the messages that were held for long enough.
    pub(in crate::runtime::consume) fn overdue(
        &mut self,
        now: Instant,
    ) -> Vec<(Delivery, Failure)> {
        if self.wake_at().is_some_and(|at| at <= now) {
            return std::mem::take(&mut self.held);
        }
        Vec::new()
    }

    /// Returns the held messages, which go back.
    pub(in crate::runtime::consume) fn give_back(&mut self) -> impl Iterator<Item = Delivery> {
        self.held.drain(..).map(|(delivery, _)| delivery)
    }
}
