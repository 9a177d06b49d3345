//! The order of what one job does: runs end in the order in which they were handed over.

use std::collections::{HashMap, VecDeque};

use super::runs::{Finished, Ran};
use crate::{runtime::Outcome, transport::Ticket};

/// Runs of a single job. What is told of two ends comes in any order when both came before it was looked: the one that was
/// begun first is to be settled first, so that dead letters stand in the order of their events.
#[derive(Default)]
pub(in crate::runtime::consume) struct Turns {
    /// Those that have not had their turn, the earliest first.
    order: VecDeque<Ticket>,
    /// Those that ended before their turn.
    early: HashMap<Ticket, Finished>,
}

impl Turns {
    /// Notes a run that was handed over.
    pub(in crate::runtime::consume) fn begin(&mut self, ticket: Ticket) {
        self.order.push_back(ticket);
    }

    /// Counts those that ended before their turn.
    pub(in crate::runtime::consume) fn early(&self) -> usize {
        self.early.len()
    }

    /// Takes in a run that ended; one that never began has no turn to wait for, and is returned.
    pub(in crate::runtime::consume) fn end(&mut self, finished: Finished) -> Option<Finished> {
        let ticket = finished.delivery.ticket();
        if matches!(finished.ran, Ran::Handled(Outcome::Return)) {
            self.order.retain(|other| *other != ticket);
            return Some(finished);
        }
        self.early.insert(ticket, finished);
        None
    }

    /// Returns the next one whose turn it is and that has ended.
    pub(in crate::runtime::consume) fn next(&mut self) -> Option<Finished> {
        let finished = self.early.remove(self.order.front()?)?;
        self.order.pop_front();
        Some(finished)
    }

    /// Forgets everything.
    pub(in crate::runtime::consume) fn abandon(&mut self) {
        self.order.clear();
        self.early.clear();
    }
}
