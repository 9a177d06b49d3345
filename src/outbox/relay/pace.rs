//! How many rows go together, and how many a relay publishes per second.

use std::time::Duration;

use tokio::time::Instant;

use crate::outbox::table::PendingRow;

/// Rows of the first batch, and of every batch to a target without receipts: a relay that dies there repeats them.
pub(super) const FEW: usize = 500;
/// Bytes of the events of a batch, about.
const BYTES: usize = 8 << 20;

/// The size of the next batch.
#[derive(Debug)]
pub(super) struct Pace {
    /// Fewer while a refused row is searched for.
    searched: usize,
    /// As many as the bytes of the last batch suggest.
    fitting: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            searched: usize::MAX,
            fitting: FEW,
        }
    }
}

impl Pace {
    /// Returns the number of rows to claim, of which the options and the target allow at most `most`.
    pub(super) fn rows(&self, most: usize) -> usize {
        most.min(self.searched).min(self.fitting).max(1)
    }

    /// Notes how large rows are.
    pub(super) fn measure(&mut self, rows: &[PendingRow]) {
        let bytes: usize = rows.iter().map(|row| row.event.len()).sum();
        if let Some(each) = bytes.checked_div(rows.len()) {
            self.fitting = (BYTES / each.max(1)).max(1);
        }
    }

    /// Notes that a batch of this many rows was refused whole.
    pub(super) fn halve(&mut self, rows: usize) {
        self.searched = rows / 2;
    }

    /// Notes that a batch was published.
    pub(super) fn published(&mut self) {
        self.searched = usize::MAX;
    }
}

/// The time that a rate is about.
const WINDOW: Duration = Duration::from_secs(5);

/// Rows that relays of this process have published.
const PUBLISHED: &str = "protoflow.outbox.published";

/// A count of this window, and the rate of the one before. What is added is counted as a metric, too.
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
        metrics::counter!(PUBLISHED).increment(rows as u64);
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

    fn rows(count: i64, bytes: usize) -> Vec<PendingRow> {
        let row = |id| PendingRow {
            id,
            topic: "t".into(),
            key: None,
            event: "x".repeat(bytes),
            due: None,
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn large_rows_go_in_small_batches() {
        let mut pace = Pace::default();
        assert_eq!(pace.rows(2000), FEW, "their size is not known yet");
        pace.measure(&rows(10, 300));
        assert_eq!(pace.rows(2000), 2000);
        pace.measure(&rows(2, 1 << 20));
        assert_eq!(pace.rows(2000), 8);
        pace.measure(&[]);
        assert_eq!(pace.rows(2000), 8);
    }

    #[test]
    fn a_refused_batch_is_halved_until_one_is_published() {
        let mut pace = Pace::default();
        pace.halve(500);
        assert_eq!(pace.rows(2000), 250);
        pace.halve(1);
        assert_eq!(pace.rows(2000), 1);
        pace.published();
        assert_eq!(pace.rows(2000), FEW);
    }

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
