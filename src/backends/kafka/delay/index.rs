//! The delayed records of one partition, by time, in bounded memory. Rebuilt by reading the partition from its beginning:
//! nothing may be fired before the former end was reached, or events whose tombstone comes later would fire again.
//!
//! A million delayed events have to fit, so the index holds hashes of keys, offsets and times (some 160 bytes each). Only
//! records that are due soon are cached in whole; the others are fetched again when they are due.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use super::{delayed_record, memory_budget::MemoryBudget};
use crate::backends::kafka::codec::{
    compact_record::CompactRecord, record::FetchedRecord, topic_partition::TopicPartition,
};

/// Records due later than this are not cached, in milliseconds.
pub(crate) const CACHE_HORIZON: i64 = 300_000;
/// The bytes that a record takes in the index, cached or not.
const ENTRY_BYTES: usize = 160;
/// How many stale entries `by_time` may hold before they are removed.
const STALE: usize = 1024;

/// The time of a record that was taken out and not put back yet.
const TAKEN: i64 = i64::MIN;

/// A key as two independent hashes: a million keys have to fit.
type KeyHash = (u64, u64);

/// The delayed records of one partition, by time.
#[derive(Debug)]
pub(crate) struct DelayIndex {
    at: TopicPartition,
    key_hashers: (RandomState, RandomState),
    by_key: HashMap<KeyHash, i64>,
    /// When each record is due; `TAKEN` for those that were taken out.
    due_by_offset: BTreeMap<i64, i64>,
    /// Times and offsets, also of records that were replaced or ended since.
    by_time: BinaryHeap<Reverse<(i64, i64)>>,
    cached: BTreeMap<i64, CompactRecord>,
    bytes: usize,
    budget: Arc<MemoryBudget>,
    cache_horizon: i64,
}

/// A record that is due.
#[derive(Debug)]
pub(crate) struct Due {
    /// When, in milliseconds since the epoch.
    pub(crate) time: i64,
    pub(crate) offset: i64,
    /// The record, if it is cached.
    pub(crate) record: Option<FetchedRecord>,
}

impl Due {
    /// Returns it without the record, which can be fetched again.
    pub(crate) fn bare(&self) -> Self {
        Self {
            record: None,
            ..*self
        }
    }
}

impl DelayIndex {
    /// Creates the index of a partition with a memory budget in bytes. What the entries leave of it is for cached records,
    /// of those due within `cache_horizon` milliseconds.
    pub(crate) fn within(at: TopicPartition, budget: usize, cache_horizon: i64) -> Self {
        Self::sharing(at, MemoryBudget::new(budget), cache_horizon)
    }

    /// The same with a budget that other indexes share.
    pub(crate) fn sharing(
        at: TopicPartition,
        budget: Arc<MemoryBudget>,
        cache_horizon: i64,
    ) -> Self {
        Self {
            at,
            key_hashers: (RandomState::new(), RandomState::new()),
            by_key: HashMap::new(),
            due_by_offset: BTreeMap::new(),
            by_time: BinaryHeap::new(),
            cached: BTreeMap::new(),
            bytes: 0,
            budget,
            cache_horizon,
        }
    }

    /// Adds the next record of the partition.
    pub(crate) fn take(&mut self, read: &FetchedRecord, now: i64) {
        let Some(key) = read.key.clone() else {
            return;
        };
        let due = delayed_record::due(read);
        self.note(&key, read.offset, due, now, || CompactRecord::of(read));
    }

    /// Adds the next record of the partition, which is copied only if it is cached. A record without a time is a tombstone.
    /// Reports whether it replaced or ended another one.
    pub(crate) fn note(
        &mut self,
        key: &[u8],
        offset: i64,
        due: Option<i64>,
        now: i64,
        copy: impl FnOnce() -> CompactRecord,
    ) -> bool {
        let key = self.hash_key(key);
        let is_change = self.end(&key);
        let Some(due) = due.map(|due| due.max(0)) else {
            return is_change;
        };
        self.by_key.insert(key, offset);
        self.budget.reserve(ENTRY_BYTES);
        self.due_by_offset.insert(offset, due);
        self.by_time.push(Reverse((due, offset)));
        if due < now.saturating_add(self.cache_horizon) && self.budget.available() > 0 {
            self.cache(offset, copy());
        }
        self.make_room();
        is_change
    }

    fn cache(&mut self, offset: i64, compact: CompactRecord) {
        let size = compact.size();
        if size <= self.budget.available() {
            self.bytes += size;
            self.budget.reserve(size);
            let former = self.cached.insert(offset, compact);
            self.uncached(former.as_ref());
        }
    }

    /// Releases the memory of a record that is no longer cached; reports whether there was one.
    fn uncached(&mut self, compact: Option<&CompactRecord>) -> bool {
        let size = compact.map_or(0, CompactRecord::size);
        self.bytes -= size;
        self.budget.release(size);
        compact.is_some()
    }

    /// Drops cached records for which the entries have left no memory, the youngest first.
    fn make_room(&mut self) {
        while self.budget.is_exceeded() {
            let youngest = self.cached.pop_last();
            if !self.uncached(youngest.as_ref().map(|(_, compact)| compact)) {
                break;
            }
        }
    }

    fn end(&mut self, key: &KeyHash) -> bool {
        let Some(offset) = self.by_key.remove(key) else {
            return false;
        };
        self.budget.release(ENTRY_BYTES);
        self.due_by_offset.remove(&offset);
        let compact = self.cached.remove(&offset);
        self.uncached(compact.as_ref());
        if self.by_time.len() > 2 * self.due_by_offset.len() + STALE {
            self.by_time
                .retain(|Reverse((time, offset))| self.due_by_offset.get(offset) == Some(time));
        }
        true
    }

    /// Takes out at most `max` due records, in order of time. They stay in the index until their tombstone is read.
    pub(crate) fn due(&mut self, now: i64, max: usize) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < max
            && let Some(time) = self.next()
            && time <= now
        {
            let Some(Reverse((time, offset))) = self.by_time.pop() else {
                break;
            };
            // A record that is put back twice must be taken out once only.
            self.due_by_offset.insert(offset, TAKEN);
            let compact = self.cached.remove(&offset);
            self.uncached(compact.as_ref());
            let record = compact.map(|compact| compact.unpack(&self.at, offset));
            due.push(Due {
                time,
                offset,
                record,
            });
        }
        due
    }

    /// Puts back a record that was taken out and not fired.
    pub(crate) fn put_back(&mut self, due: Due, time: i64) {
        let Some(at) = self.due_by_offset.get_mut(&due.offset) else {
            return;
        };
        *at = time;
        self.by_time.push(Reverse((time, due.offset)));
        if let Some(read) = due.record {
            self.cache(due.offset, CompactRecord::of(&read));
        }
    }

    /// Returns when the next record is due.
    pub(crate) fn next(&mut self) -> Option<i64> {
        while let Some(Reverse((time, offset))) = self.by_time.peek().copied() {
            if self.due_by_offset.get(&offset) == Some(&time) {
                return Some(time);
            }
            self.by_time.pop();
        }
        None
    }

    /// Returns the offset of the oldest record that is not ended: a later owner need not read what is before it.
    pub(crate) fn oldest(&self) -> Option<i64> {
        self.due_by_offset.keys().next().copied()
    }

    /// The same as if these offsets, which ascend, were ended.
    pub(crate) fn oldest_except(&self, ended: &[i64]) -> Option<i64> {
        let mut due_by_offset = self.due_by_offset.keys().copied();
        due_by_offset.find(|offset| ended.binary_search(offset).is_err())
    }

    /// Counts the records that are not ended.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    fn hash_key(&self, key: &[u8]) -> KeyHash {
        let (one, other) = &self.key_hashers;
        (one.hash_one(key), other.hash_one(key))
    }
}

impl Drop for DelayIndex {
    fn drop(&mut self) {
        self.budget
            .release(self.bytes + ENTRY_BYTES * self.by_key.len());
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use bytes::Bytes;

    use super::*;
    use crate::{
        backends::kafka::codec::{
            compact_record::OVERHEAD,
            record::{InternalHeaders, WAITING},
        },
        event::{Headers, Topic},
    };

    fn within(budget: usize, cache_horizon: i64) -> DelayIndex {
        DelayIndex::within(TopicPartition::new("pf.delay", 0), budget, cache_horizon)
    }

    fn record(offset: i64, key: &str, due: Option<i64>) -> FetchedRecord {
        let topic: Topic = "order".parse().unwrap();
        let mut story = delayed_record::DelayedRecord::new(topic, SystemTime::UNIX_EPOCH);
        story.due = due.unwrap_or(0);
        let story = serde_json::to_vec(&story).unwrap();
        FetchedRecord {
            topic: "pf.delay".into(),
            partition: 0,
            offset,
            time: SystemTime::UNIX_EPOCH,
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            payload: due.map(|_| Bytes::from_static(b"{}")),
            headers: Headers::new(),
            marks: InternalHeaders::of(WAITING, story.into()),
        }
    }

    fn offsets(due: &[Due]) -> Vec<i64> {
        due.iter().map(|due| due.offset).collect()
    }

    #[test]
    fn what_is_due_comes_in_order_of_time() {
        let mut index = within(1 << 20, CACHE_HORIZON);
        for (offset, due) in [(0, 30), (1, 10), (2, 20), (3, 99)] {
            index.take(&record(offset, &offset.to_string(), Some(due)), 0);
        }
        assert_eq!(index.next(), Some(10));
        assert_eq!(offsets(&index.due(30, 2)), [1, 2]);
        assert_eq!(offsets(&index.due(30, 9)), [0]);
        assert_eq!(index.len(), 4, "known until they are ended");
        for (offset, key) in [(4, "0"), (5, "1"), (6, "2")] {
            index.take(&record(offset, key, None), 0);
        }
        assert_eq!((index.len(), index.oldest()), (1, Some(3)));
    }

    #[test]
    fn a_later_record_replaces_and_an_empty_one_ends() {
        let mut index = within(1 << 20, CACHE_HORIZON);
        index.take(&record(0, "a", Some(10)), 0);
        index.take(&record(1, "a", Some(50)), 0);
        assert_eq!(index.next(), Some(50));
        assert!(index.due(20, 9).is_empty());
        index.take(&record(2, "a", None), 0);
        assert_eq!((index.len(), index.next(), index.oldest()), (0, None, None));
    }

    #[test]
    fn what_is_far_off_is_not_at_hand() {
        let mut index = within(1 << 20, CACHE_HORIZON);
        index.take(&record(0, "far", Some(CACHE_HORIZON + 1)), 0);
        index.take(&record(1, "near", Some(1)), 0);
        let due = index.due(CACHE_HORIZON * 2, 9);
        let cached: Vec<bool> = due.iter().map(|due| due.record.is_some()).collect();
        assert_eq!((offsets(&due), cached), (vec![1, 0], vec![true, false]));
        assert_eq!(index.bytes, 0);
    }

    #[test]
    fn only_so_much_is_at_hand_and_what_is_over_is_swept_out() {
        let mut index = within(4 * OVERHEAD + ENTRY_BYTES * 5, i64::MAX);
        for offset in 0..10_000_i64 {
            let key = offset.to_string();
            index.take(&record(offset, &key, Some(CACHE_HORIZON + offset)), 0);
            assert!(!index.budget.is_exceeded() || index.bytes == 0);
            if offset >= 5 {
                index.take(&record(offset + 10_000, &key, None), 0);
            }
        }
        assert!(index.by_time.len() <= 2 * index.len() + STALE + 1);
        assert_eq!(offsets(&index.due(i64::MAX, 9)), [0, 1, 2, 3, 4]);
        assert_eq!(index.oldest_except(&[0, 1, 3]), Some(2));
    }

    #[test]
    fn room_that_is_shared_is_given_back() {
        let budget = MemoryBudget::new(1 << 20);
        let share = || {
            DelayIndex::sharing(
                TopicPartition::new("pf.delay", 0),
                Arc::clone(&budget),
                CACHE_HORIZON,
            )
        };
        let (mut one, mut other) = (share(), share());
        one.take(&record(0, "a", Some(1)), 0);
        let left = budget.available();
        other.take(&record(0, "a", Some(1)), 0);
        other.take(&record(1, "b", Some(1)), 0);
        other.take(&record(2, "b", None), 0);
        other.due(1, 1);
        drop(other);
        assert_eq!(budget.available(), left);
        one.take(&record(1, "a", None), 0);
        assert_eq!(budget.available(), 1 << 20);
    }

    #[test]
    fn what_is_put_back_comes_again() {
        let mut index = within(1 << 20, CACHE_HORIZON);
        index.take(&record(0, "a", Some(1)), 0);
        let taken = index.due(5, 9).remove(0);
        index.put_back(taken, 7);
        assert!(index.due(6, 9).is_empty());
        assert_eq!(offsets(&index.due(7, 9)), [0]);
    }

    #[test]
    fn what_is_put_back_twice_comes_once() {
        let mut index = within(1 << 20, CACHE_HORIZON);
        index.take(&record(0, "a", Some(1)), 0);
        for times in [[7, 1], [5, 5], [2, 6]] {
            let taken = index.due(9, 9).remove(0);
            for time in times {
                let again = Due {
                    record: None,
                    ..taken
                };
                index.put_back(again, time);
            }
            assert!(index.due(times[1] - 1, 9).is_empty());
            assert_eq!(offsets(&index.due(9, 9)), [0]);
            assert!(index.due(9, 9).is_empty());
            index.put_back(
                Due {
                    record: None,
                    ..taken
                },
                3,
            );
        }
    }
}
