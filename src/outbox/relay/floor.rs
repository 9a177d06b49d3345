//! The identifier below which nothing can appear any more.
//!
//! A relay that reads a table from its beginning reads more and more deleted rows where vacuum is late or held up, so it
//! reads above a floor. But identifiers are given out before the commit: a row can appear below one that was read long ago,
//! and a later row of its key must not overtake it. So a floor rises to an identifier only after every transaction has
//! ended that was open when the identifier was read, and some time later than that, for a statement that has taken an
//! identifier and not written yet.

use std::time::Duration;

use tokio::time::Instant;

use crate::outbox::table::Horizon;

/// How long a step towards a higher floor takes at least.
const STEP: Duration = Duration::from_millis(200);
/// How often the table is read from its beginning anyway.
const WHOLE: Duration = Duration::from_secs(5);

/// The floor, and the next one.
#[derive(Debug)]
pub(super) struct Floor {
    safe: i64,
    /// The highest identifier of which everything up to it is resolved, as far as was visible.
    seen: i64,
    next: Option<NextFloor>,
    /// Whether the batch that is under way was read before the floor was lowered.
    is_lowered: bool,
    looked: Instant,
    whole: Instant,
}

/// An identifier that the floor rises to.
#[derive(Debug)]
struct NextFloor {
    id: i64,
    /// The transactions that must have ended.
    until: Option<i64>,
}

impl Floor {
    /// Starts at the beginning of the table.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            safe: 0,
            seen: 0,
            next: None,
            is_lowered: false,
            looked: now,
            whole: now,
        }
    }

    /// Returns the identifier to read above.
    pub(super) fn above(&mut self, now: Instant) -> i64 {
        if now - self.whole >= WHOLE {
            self.whole = now;
            return 0;
        }
        self.safe
    }

    /// Starts at the beginning of the table again, because rows below the floor are to be published.
    pub(super) fn lower(&mut self) {
        (self.safe, self.seen, self.next) = (0, 0, None);
        self.is_lowered = true;
    }

    /// Notes that every visible row up to an identifier is resolved, as far as a batch can tell. One that was read before the
    /// floor was lowered cannot: it left out rows that are to be published now.
    pub(super) fn resolved(&mut self, id: i64) {
        if !std::mem::take(&mut self.is_lowered) {
            self.seen = self.seen.max(id);
        }
    }

    /// Reports whether it wants to know which transactions are in progress.
    pub(super) fn needs_horizon(&self, now: Instant) -> bool {
        let is_idle = self.next.is_none() && self.seen <= self.safe;
        !is_idle && now - self.looked >= STEP
    }

    /// Takes a step.
    pub(super) fn look(&mut self, horizon: Horizon, now: Instant) {
        self.looked = now;
        match &mut self.next {
            None => {
                self.next = Some(NextFloor {
                    id: self.seen,
                    until: None,
                });
            }
            Some(next) => {
                let until = *next.until.get_or_insert(horizon.next);
                if horizon.oldest >= until {
                    self.safe = self.safe.max(next.id);
                    self.next = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_rises_once_the_transactions_of_that_time_have_ended() {
        let start = Instant::now();
        let mut floor = Floor::new(start);
        let at = |oldest, next| Horizon { oldest, next };
        floor.resolved(7);
        assert!(floor.needs_horizon(start + STEP));
        floor.look(at(5, 9), start);
        floor.look(at(5, 10), start);
        assert_eq!(floor.above(start), 0, "5 to 9 may still add a row");
        floor.resolved(20);
        floor.look(at(9, 12), start);
        assert_eq!(floor.above(start), 0);
        floor.look(at(10, 12), start);
        assert_eq!(floor.above(start), 7);
        assert_eq!(floor.above(start + WHOLE), 0, "now and then all of it");
        assert_eq!(floor.above(start + WHOLE), 7);
        floor.lower();
        assert_eq!(floor.above(start + WHOLE), 0);
    }

    #[test]
    fn a_batch_that_was_read_before_the_floor_was_lowered_does_not_raise_it() {
        let start = Instant::now();
        let mut floor = Floor::new(start);
        let rise = |floor: &mut Floor| {
            for transaction in 1..4 {
                let horizon = Horizon {
                    oldest: transaction,
                    next: transaction,
                };
                floor.look(horizon, start);
            }
            floor.above(start)
        };
        floor.lower();
        floor.resolved(20);
        assert_eq!(rise(&mut floor), 0, "rows below 20 were left out of it");
        floor.resolved(9);
        assert_eq!(rise(&mut floor), 9);
    }

    #[test]
    fn an_idle_table_is_not_asked() {
        let start = Instant::now();
        let floor = Floor::new(start);
        assert!(!floor.needs_horizon(start + STEP * 2));
    }
}
