//! Counting letters by what they have in common, in bounded memory.

use std::collections::HashMap;

use crate::{
    event::{Group, Topic},
    transport::{DeadLetter, Fingerprint, LetterKind, StatsRow},
};

/// More sorts than this are not told apart.
const MOST_ROWS: usize = 10_000;

/// Letters counted by what they have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// One row per sort, most frequent first.
    pub rows: Vec<StatsRow>,
    /// Letters of further sorts, when there are too many to tell apart.
    pub rest: u64,
}

#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: HashMap<(Topic, Group, LetterKind, Fingerprint), StatsRow>,
    rest: u64,
}

impl Tally {
    pub(super) fn add(&mut self, letter: &DeadLetter) {
        let record = &letter.record;
        let key = (
            record.origin.topic.clone(),
            record.group.clone(),
            record.kind,
            record.failure.fingerprint.clone(),
        );
        if let Some(row) = self.rows.get_mut(&key) {
            row.add(letter);
        } else if self.rows.len() < MOST_ROWS {
            self.rows.insert(key, StatsRow::of(letter));
        } else {
            self.rest += 1;
        }
    }

    pub(super) fn finish(self) -> Counts {
        let mut rows: Vec<_> = self.rows.into_values().collect();
        sort(&mut rows);
        Counts {
            rows,
            rest: self.rest,
        }
    }
}

/// Sorts rows by count, then by name, so that equal counts come in a stable order.
pub(super) fn sort(rows: &mut [StatsRow]) {
    rows.sort_by(|a, b| {
        let name = |row: &StatsRow| {
            (
                row.topic.clone(),
                row.group.clone(),
                row.fingerprint.clone(),
            )
        };
        b.count
            .cmp(&a.count)
            .then_with(|| name(a).cmp(&name(b)))
            .then_with(|| a.kind.cmp(&b.kind))
    });
}
