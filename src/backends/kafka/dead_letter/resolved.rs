//! The letters that are resolved: their ids as numbers, and ranges of offsets.
//!
//! Offsets alone would be enough, were there no copies: a consumer that crashed between storing a letter and committing its
//! offset stores it again. Such a copy has the same id at another offset.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::backends::kafka::codec::topic_partition::RecordPlace;
pub(crate) use crate::backends::letter_ids::{MAX_IDS, RecentIds, compact_id};

/// Offsets of a partition, as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OffsetRanges(BTreeMap<i64, i64>);

impl OffsetRanges {
    /// Adds an offset.
    pub(crate) fn add(&mut self, offset: i64) {
        if self.contains(offset) {
            return;
        }
        let end = self.0.remove(&(offset + 1)).unwrap_or(offset + 1);
        match self.0.range_mut(..=offset).next_back() {
            Some((_, before)) if *before == offset => *before = end,
            _ => {
                self.0.insert(offset, end);
            }
        }
    }

    /// Reports whether an offset was added.
    pub(crate) fn contains(&self, offset: i64) -> bool {
        self.end(offset).is_some()
    }

    /// Returns the end of the range that contains an offset.
    pub(crate) fn end(&self, offset: i64) -> Option<i64> {
        let (_, end) = self.0.range(..=offset).next_back()?;
        (*end > offset).then_some(*end)
    }
}

/// Which letters are resolved.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResolvedLetters {
    ids: HashSet<u64>,
    ranges: HashMap<String, HashMap<i32, OffsetRanges>>,
}

impl ResolvedLetters {
    /// Adds a letter that is stored there.
    pub(crate) fn add(&mut self, id: u64, at: RecordPlace<'_>) {
        if self.ids.len() < MAX_IDS {
            self.ids.insert(id);
        }
        if !self.ranges.contains_key(at.topic) {
            self.ranges.insert(at.topic.to_owned(), HashMap::new());
        }
        if let Some(partitions) = self.ranges.get_mut(at.topic) {
            partitions.entry(at.partition).or_default().add(at.offset);
        }
    }

    /// Forgets that a letter is resolved: it was imported again, at another offset.
    pub(crate) fn reopen(&mut self, id: u64) {
        self.ids.remove(&id);
    }

    /// Reports whether a letter of this id is resolved.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.ids.contains(&id)
    }

    /// Reports whether the letter that is stored there is resolved.
    pub(crate) fn contains(&self, id: u64, at: RecordPlace<'_>) -> bool {
        self.has(id)
            || self
                .ranges(at.topic, at.partition)
                .is_some_and(|ranges| ranges.contains(at.offset))
    }

    /// Returns the ranges of a partition.
    pub(crate) fn ranges(&self, topic: &str, partition: i32) -> Option<&OffsetRanges> {
        self.ranges.get(topic)?.get(&partition)
    }

    /// Returns the partitions that have ranges.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (&str, i32)> {
        let topics = self.ranges.iter();
        topics.flat_map(|(topic, partitions)| {
            let numbers = partitions.keys();
            numbers.map(move |number| (topic.as_str(), *number))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(offset: i64) -> RecordPlace<'static> {
        RecordPlace {
            topic: "order.dlq",
            partition: 0,
            offset,
        }
    }

    proptest! {
        #[test]
        fn runs_are_sets(offsets in prop::collection::vec(0_i64..60, 0..80)) {
            let mut ranges = OffsetRanges::default();
            let set: HashSet<i64> = offsets.iter().copied().collect();
            for offset in &offsets {
                ranges.add(*offset);
            }
            for offset in -1..62 {
                prop_assert_eq!(ranges.contains(offset), set.contains(&offset));
            }
            let ends = ranges.0.values().zip(ranges.0.keys().skip(1));
            prop_assert!(ends.into_iter().all(|(end, next)| end < next), "none touch");
        }
    }

    #[test]
    fn what_is_imported_again_is_a_letter_again() {
        let mut resolved = ResolvedLetters::default();
        resolved.add(7, at(3));
        assert!(resolved.contains(7, at(9)), "a copy");
        resolved.reopen(7);
        assert!(!resolved.contains(7, at(9)));
        assert!(resolved.contains(7, at(3)));
    }
}
