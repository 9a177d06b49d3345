//! Dead letters counted by what they have in common.

use std::{collections::HashMap, time::SystemTime};

use serde::Serialize;

use super::{kind::DeadLetterKind, letter::DeadLetter};
use crate::{
    event::{Group, Topic},
    transport::Fingerprint,
};

/// The number of dead letters that share topic, group, kind and fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StatsRow {
    /// The original topic.
    pub topic: Topic,
    /// The group that gave up.
    pub group: Group,
    /// Why it gave up.
    pub kind: DeadLetterKind,
    /// The normalised failure.
    pub fingerprint: Fingerprint,
    /// The failure message of one of them.
    pub sample: String,
    /// How many there are.
    pub count: u64,
    /// When the first of them was dead-lettered.
    #[serde(with = "crate::transport::stamp")]
    pub first: SystemTime,
    /// When the last of them was dead-lettered.
    #[serde(with = "crate::transport::stamp")]
    pub last: SystemTime,
}

/// Rows in the order of [`sort_stats`].
pub type Stats = Vec<StatsRow>;

impl StatsRow {
    fn of(letter: &DeadLetter, sample: String) -> Self {
        let record = &letter.record;
        Self {
            topic: record.origin.topic.clone(),
            group: record.group.clone(),
            kind: record.kind,
            fingerprint: record.failure.fingerprint.clone(),
            sample,
            count: 1,
            first: record.dead_lettered_at,
            last: record.dead_lettered_at,
        }
    }

    fn add(&mut self, died: SystemTime) {
        self.count += 1;
        self.first = self.first.min(died);
        self.last = self.last.max(died);
    }
}

/// Sorts rows: most frequent first, equal counts by topic, group, fingerprint and kind.
pub fn sort_stats(rows: &mut [StatsRow]) {
    rows.sort_by(|a, b| {
        b.count
            .cmp(&a.count)
            .then_with(|| a.topic.cmp(&b.topic))
            .then_with(|| a.group.cmp(&b.group))
            .then_with(|| a.fingerprint.cmp(&b.fingerprint))
            .then_with(|| a.kind.cmp(&b.kind))
    });
}

/// Counts dead letters into rows.
#[derive(Debug, Default)]
pub struct StatsBuilder {
    rows: HashMap<String, StatsRow>,
    /// The key of the current letter, kept so that counting a letter of a known row allocates nothing.
    key: String,
    limit: Option<usize>,
    rest: u64,
}

impl StatsBuilder {
    /// Creates a builder with at most this many rows; letters that would need another are counted as
    /// [`rest`](Self::rest).
    #[must_use]
    pub fn with_limit(rows: usize) -> Self {
        Self {
            limit: Some(rows),
            ..Self::default()
        }
    }

    /// Counts a letter.
    pub fn add(&mut self, letter: &DeadLetter) {
        self.add_with(letter, |letter| letter.record.failure.message.clone());
    }

    /// Counts a letter; `sample` makes the sample of a new row of it.
    pub fn add_with(&mut self, letter: &DeadLetter, sample: impl FnOnce(&DeadLetter) -> String) {
        let record = &letter.record;
        self.lay_out_key(
            record.origin.topic.as_str(),
            record.group.as_str(),
            record.kind,
            &record.failure.fingerprint.0,
        );
        if let Some(row) = self.rows.get_mut(&self.key) {
            row.add(record.dead_lettered_at);
        } else if self.limit.is_some_and(|limit| self.rows.len() >= limit) {
            self.rest += 1;
        } else {
            self.rows
                .insert(self.key.clone(), StatsRow::of(letter, sample(letter)));
        }
    }

    /// Counts a letter of a row that exists, of which only these four values were read; `false` if there is no such row.
    pub fn add_to_known(
        &mut self,
        (topic, group): (&str, &str),
        kind: DeadLetterKind,
        fingerprint: &str,
        died: SystemTime,
    ) -> bool {
        self.lay_out_key(topic, group, kind, fingerprint);
        match self.rows.get_mut(&self.key) {
            Some(row) => {
                row.add(died);
                true
            }
            None => false,
        }
    }

    fn lay_out_key(&mut self, topic: &str, group: &str, kind: DeadLetterKind, fingerprint: &str) {
        self.key.clear();
        for part in [topic, group, kind.as_str(), fingerprint] {
            self.key.push_str(part);
            self.key.push('\0');
        }
    }

    /// Returns how many letters found no row because of the limit.
    #[must_use]
    pub fn rest(&self) -> u64 {
        self.rest
    }

    /// Returns the rows in the order of [`sort_stats`].
    #[must_use]
    pub fn finish(self) -> Stats {
        let mut rows: Stats = self.rows.into_values().collect();
        sort_stats(&mut rows);
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(topic: &str, count: u64) -> StatsRow {
        StatsRow {
            topic: topic.parse().unwrap(),
            group: "g".parse().unwrap(),
            kind: DeadLetterKind::Permanent,
            fingerprint: Fingerprint(String::new()),
            sample: String::new(),
            count,
            first: SystemTime::UNIX_EPOCH,
            last: SystemTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn equal_counts_come_in_order_of_name() {
        let mut rows = [row("c", 1), row("a", 1), row("z", 2), row("b", 1)];
        sort_stats(&mut rows);
        let topics: Vec<&str> = rows.iter().map(|row| row.topic.as_str()).collect();
        assert_eq!(topics, ["z", "a", "b", "c"]);
    }
}
