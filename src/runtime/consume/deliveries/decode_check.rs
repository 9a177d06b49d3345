//! The first messages: if none of them is an event, the consumer is pointed at the wrong topic.

use std::time::Duration;

use tokio::time::Instant;

use crate::transport::{Delivery, Failure, Ticket};

/// So many deliveries that are no events, before the first that is one, stop the consumer.
const LIMIT: u32 = 20;
/// If so long nothing more comes, what is held back is taken for single bad messages.
const PATIENCE: Duration = Duration::from_millis(300);

/// See the module.
#[derive(Default)]
pub(in crate::runtime::consume) struct Proof {
    proven: bool,
    seen: u32,
    held: Vec<(Delivery, Failure)>,
    since: Option<Instant>,
}

impl Proof {
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.held.len()
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        self.held.iter().map(|(delivery, _)| delivery.ticket())
    }

    /// Reports whether there was an event.
    pub(in crate::runtime::consume) fn is_proven(&self) -> bool {
        self.proven
    }

    /// Holds back a message that is no event. If there are too many, returns how many: the consumer must stop.
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

    /// Notes that a message was an event; returns what was held back, now known to be single bad messages.
    pub(in crate::runtime::consume) fn prove(&mut self) -> Vec<(Delivery, Failure)> {
        self.proven = true;
        std::mem::take(&mut self.held)
    }

    /// Returns when to stop waiting for an event, if nothing else comes.
    pub(in crate::runtime::consume) fn wake_at(&self) -> Option<Instant> {
        self.since
            .filter(|_| !self.held.is_empty())
            .map(|since| since + PATIENCE)
    }

    /// Returns what was held back for long enough with nothing else to do.
    pub(in crate::runtime::consume) fn overdue(
        &mut self,
        now: Instant,
    ) -> Vec<(Delivery, Failure)> {
        if self.wake_at().is_some_and(|at| at <= now) {
            return std::mem::take(&mut self.held);
        }
        Vec::new()
    }

    /// Returns what was held back, undecided.
    pub(in crate::runtime::consume) fn give_back(&mut self) -> impl Iterator<Item = Delivery> {
        self.held.drain(..).map(|(delivery, _)| delivery)
    }
}
