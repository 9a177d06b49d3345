//! How many rows per second a relay publishes, lately.

use std::time::Duration;

use tokio::time::Instant;

/// The time that a rate is about.
const WINDOW: Duration = Duration::from_secs(5);

/// A count of this window, and the rate of the one before.
#[derive(Debug, Default)]
pub(super) struct Rate {
    since: Option<Instant>,
    count: usize,
    before: f64,
}

impl Rate {
    /// Adds rows.
    pub(super) fn add(&mut self, rows: usize, now: Instant) {
        self.turn(now);
        self.count += rows;
    }

    /// Returns the rows per second.
    pub(super) fn per_second(&mut self, now: Instant) -> f64 {
        self.turn(now);
        self.before
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
    fn turn(&mut self, now: Instant) {
        let since = *self.since.get_or_insert(now);
        let passed = now - since;
        if passed >= WINDOW {
            self.before = self.count as f64 / passed.as_secs_f64();
            (self.count, self.since) = (0, Some(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut rate = Rate::default();
        rate.add(0, start);
        rate.add(100, start + WINDOW / 2);
        assert!((rate.per_second(start + WINDOW) - 20.0).abs() < 0.01);
        assert!(rate.per_second(start + WINDOW * 2).abs() < 0.01);
    }
}
