//! Which letters were dealt with: their names, as short as they can be, and where they stand.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::transport::LetterId;

/// The most names that are kept; beyond them only the places count, and a copy that a crash left shows again.
const NAMES: usize = 4_000_000;

/// A letter's name as a number.
pub(crate) fn number(id: &LetterId) -> u64 {
    let bits = |byte: u8| match byte {
        b'a'..=b'z' => Some(u64::from(byte - b'a')),
        b'2'..=b'7' => Some(u64::from(byte - b'2') + 26),
        _ => None,
    };
    let text = id.as_str();
    let known = (text.len() == 12).then(|| {
        text.bytes()
            .try_fold(0, |number, byte| Some(number << 5 | bits(byte)?))
    });
    known.flatten().unwrap_or_else(|| {
        // Not derived by us: the upper bits tell it apart from those that are.
        crate::backends::fnv::fnv1a(text.bytes()) | 1 << 63
    })
}

/// Offsets of a partition, as runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs(BTreeMap<i64, i64>);

impl Runs {
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

    /// Returns the end of the run that an offset is in.
    pub(crate) fn end(&self, offset: i64) -> Option<i64> {
        let (_, end) = self.0.range(..=offset).next_back()?;
        (*end > offset).then_some(*end)
    }
}

/// Which letters were dealt with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Resolved {
    names: HashSet<u64>,
    places: HashMap<String, HashMap<i32, Runs>>,
}

impl Resolved {
    /// Adds a letter that stands there.
    pub(crate) fn add(&mut self, id: u64, (topic, partition, offset): (&str, i32, i64)) {
        if self.names.len() < NAMES {
            self.names.insert(id);
        }
        if !self.places.contains_key(topic) {
            self.places.insert(topic.to_owned(), HashMap::new());
        }
        if let Some(partitions) = self.places.get_mut(topic) {
            partitions.entry(partition).or_default().add(offset);
        }
    }

    /// Lets a letter of that name be one again, at another place.
    pub(crate) fn again(&mut self, id: u64) {
        self.names.remove(&id);
    }

    /// Reports whether a letter of this name was dealt with.
    pub(crate) fn has(&self, id: u64) -> bool {
        self.names.contains(&id)
    }

    /// Reports whether the letter that stands there was dealt with.
    pub(crate) fn contains(&self, id: u64, (topic, partition, offset): (&str, i32, i64)) -> bool {
        self.has(id)
            || self
                .runs(topic, partition)
                .is_some_and(|runs| runs.contains(offset))
    }

    /// Returns the places of a partition.
    pub(crate) fn runs(&self, topic: &str, partition: i32) -> Option<&Runs> {
        self.places.get(topic)?.get(&partition)
    }

    /// Returns the partitions that have places.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (&str, i32)> {
        let topics = self.places.iter();
        topics.flat_map(|(topic, partitions)| {
            let numbers = partitions.keys();
            numbers.map(move |number| (topic.as_str(), *number))
        })
    }
}

/// Names seen lately, so that a copy that a crash left is known as one.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    now: HashSet<u64>,
    before: HashSet<u64>,
}

impl Seen {
    /// Takes a name in; tells whether it is new.
    pub(crate) fn is_new(&mut self, id: u64) -> bool {
        if self.before.contains(&id) || !self.now.insert(id) {
            return false;
        }
        if self.now.len() >= NAMES / 4 {
            self.before = std::mem::take(&mut self.now);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_numbers() {
        let id = LetterId::from_stored;
        assert_eq!(number(&id("aaaaaaaaaaab")), 1);
        assert_eq!(number(&id("777777777777")), (1 << 60) - 1);
        assert!(number(&id("nosuchletter")) < 1 << 60);
        assert!(number(&id("no-such-name")) > 1 << 60);
        assert!(number(&id("short")) > 1 << 60);
    }

    proptest! {
        #[test]
        fn runs_are_sets(offsets in prop::collection::vec(0_i64..60, 0..80)) {
            let mut runs = Runs::default();
            let set: HashSet<i64> = offsets.iter().copied().collect();
            for offset in &offsets {
                runs.add(*offset);
            }
            for offset in -1..62 {
                prop_assert_eq!(runs.contains(offset), set.contains(&offset));
            }
            let ends = runs.0.values().zip(runs.0.keys().skip(1));
            prop_assert!(ends.into_iter().all(|(end, next)| end < next), "none touch");
        }
    }

    #[test]
    fn what_is_imported_again_is_a_letter_again() {
        let mut resolved = Resolved::default();
        resolved.add(7, ("order.dlq", 0, 3));
        assert!(resolved.contains(7, ("order.dlq", 0, 9)), "a copy");
        resolved.again(7);
        assert!(!resolved.contains(7, ("order.dlq", 0, 9)));
        assert!(resolved.contains(7, ("order.dlq", 0, 3)));
    }
}
