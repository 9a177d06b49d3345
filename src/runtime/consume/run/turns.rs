//! The order of the runs of a single job: they are judged in the order in which they started.

use std::collections::{HashMap, VecDeque};

use super::finished::{FinishedRun, RunEnd};
use crate::{runtime::Outcome, transport::Ticket};

/// Runs of a single job. If two of them ended since the loop last looked, their results come in any order; the one that
/// started first must be settled first, so that dead letters are stored in the order of their events.
#[derive(Default)]
pub(in crate::runtime::consume) struct Turns {
    /// Runs that have not had their turn, the earliest first.
    order: VecDeque<Ticket>,
    /// Runs that ended before their turn.
    early: HashMap<Ticket, FinishedRun>,
}

impl Turns {
    /// Notes a run that was given to the handler.
    pub(in crate::runtime::consume) fn begin(&mut self, ticket: Ticket) {
        self.order.push_back(ticket);
    }

    /// Counts runs that ended before their turn.
    pub(in crate::runtime::consume) fn early(&self) -> usize {
        self.early.len()
    }

    /// Takes a run that ended. One that never began has no turn and is returned.
    pub(in crate::runtime::consume) fn end(
        &mut self,
        finished: FinishedRun,
    ) -> Option<FinishedRun> {
        let ticket = finished.delivery.ticket();
        if matches!(finished.end, RunEnd::Handled(Outcome::Return)) {
            self.order.retain(|other| *other != ticket);
            return Some(finished);
        }
        self.early.insert(ticket, finished);
        None
    }

    /// Returns the next run in order, if it has ended.
    pub(in crate::runtime::consume) fn next(&mut self) -> Option<FinishedRun> {
        let finished = self.early.remove(self.order.front()?)?;
        self.order.pop_front();
        Some(finished)
    }

    /// Drops everything.
    pub(in crate::runtime::consume) fn abandon(&mut self) {
        self.order.clear();
        self.early.clear();
    }
}
