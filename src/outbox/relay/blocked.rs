//! Keys that are held up by a row that the target refused.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::outbox::table::PendingRow;

/// How long the first retry of a refused row waits, ...
const FIRST: Duration = Duration::from_secs(1);
/// ... and the longest that one waits.
const LONGEST: Duration = Duration::from_mins(1);

/// The refused rows, each with the key that it holds up; a row without a key holds up nothing but itself.
#[derive(Debug, Default)]
pub(super) struct Blocked {
    rows: HashMap<i64, RefusedRow>,
}

#[derive(Debug)]
struct RefusedRow {
    key: Option<String>,
    refusals: u32,
    retry: Instant,
}

impl Blocked {
    /// Notes that a row was refused.
    pub(super) fn refuse(&mut self, row: &PendingRow, now: Instant) {
        let refused = self.rows.entry(row.id).or_insert(RefusedRow {
            key: row.key.clone(),
            refusals: 0,
            retry: now,
        });
        let wait = FIRST.saturating_mul(1 << refused.refusals.min(10));
        refused.retry = now + wait.min(LONGEST);
        refused.refusals += 1;
    }

    /// Notes that a row is resolved; returns whether it was refused before.
    pub(super) fn resolve(&mut self, id: i64) -> bool {
        !self.rows.is_empty() && self.rows.remove(&id).is_some()
    }

    /// Keeps only these rows.
    pub(super) fn keep(&mut self, ids: &[i64]) {
        self.rows.retain(|id, _| ids.contains(id));
    }

    /// Returns the refused rows.
    pub(super) fn rows(&self) -> Vec<i64> {
        self.rows.keys().copied().collect()
    }

    /// Reports whether an earlier row of its key was refused in this batch or before.
    pub(super) fn holds_up(&self, row: &PendingRow, now: Instant) -> bool {
        let mut rows = self.rows.iter();
        rows.any(|(id, refused)| *id < row.id && refused.key == row.key && refused.retry > now)
    }

    /// Returns the keys to leave out, and the rows without a key.
    pub(super) fn left_out(&self, now: Instant) -> (Vec<String>, Vec<i64>) {
        let (mut keys, mut rows) = (Vec::new(), Vec::new());
        for (id, row) in self.rows.iter().filter(|(_, row)| row.retry > now) {
            match &row.key {
                Some(key) => keys.push(key.clone()),
                None => rows.push(*id),
            }
        }
        (keys, rows)
    }

    /// Reports whether a row is due for its retry.
    pub(super) fn has_due(&self, now: Instant) -> bool {
        self.rows.values().any(|row| row.retry <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, key: Option<&str>) -> PendingRow {
        PendingRow {
            id,
            topic: "t".into(),
            key: key.map(str::to_owned),
            event: String::new(),
            due: None,
        }
    }

    #[test]
    fn a_refused_row_holds_up_its_key_for_longer_each_time() {
        let now = Instant::now();
        let mut blocked = Blocked::default();
        blocked.refuse(&row(1, Some("a")), now);
        blocked.refuse(&row(2, None), now);
        assert_eq!(blocked.left_out(now), (vec!["a".to_owned()], vec![2]));
        assert!(blocked.has_due(now + FIRST) && !blocked.has_due(now));
        blocked.refuse(&row(1, Some("a")), now);
        assert_eq!(blocked.left_out(now + FIRST).0, ["a"]);
        for _ in 0..40 {
            blocked.refuse(&row(1, Some("a")), now);
        }
        assert!(blocked.left_out(now + LONGEST).0.is_empty());
        assert!(blocked.resolve(1) && !blocked.resolve(1));
        assert_eq!(blocked.rows(), [2]);
    }
}
