//! What waits in one partition of a delay topic, by time. Rebuilt by reading the partition; nothing may be fired before
//! that has reached what was its end, or what had been ended already would be fired again.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use super::{delayed_record, memory_budget::Room};
use crate::backends::kafka::codec::{compact_record::CompactRecord, record::FetchedRecord};

/// What is due later than this need not be kept at hand, in milliseconds.
pub(crate) const SOON: i64 = 300_000;
/// What is known of a record takes so many bytes beside what is at hand.
const EACH: usize = 160;
/// So many times of what is over already are put up with before they are swept out.
const STALE: usize = 1024;

/// The time of what was taken out.
const TAKEN: i64 = i64::MIN;

/// Keys of records, shortened: a million of them have to fit.
type Short = (u64, u64);

/// What waits in one partition, by time.
#[derive(Debug)]
pub(crate) struct Pending {
    topic: Arc<str>,
    partition: i32,
    shorteners: (RandomState, RandomState),
    by_key: HashMap<Short, i64>,
    /// What waits, and the time of each that counts; of what was taken out none does.
    alive: BTreeMap<i64, i64>,
    /// Times and offsets, also of what has been replaced or ended meanwhile.
    by_time: BinaryHeap<Reverse<(i64, i64)>>,
    at_hand: BTreeMap<i64, CompactRecord>,
    bytes: usize,
    room: Arc<Room>,
    soon: i64,
}

/// Something that is due.
#[derive(Debug)]
pub(crate) struct Due {
    /// When, in milliseconds since the epoch.
    pub(crate) time: i64,
    pub(crate) offset: i64,
    /// The record, if it is at hand.
    pub(crate) record: Option<FetchedRecord>,
}

impl Due {
    /// Leaves out the record, which can be read again.
    pub(crate) fn bare(&self) -> Self {
        Self {
            record: None,
            ..*self
        }
    }
}

impl Pending {
    /// Begins an index of a partition for which there is so much room, in bytes; what is left of it is for records at hand,
    /// of those due in so many milliseconds. The others are to be read again when they are due.
    pub(crate) fn within(place: (Arc<str>, i32), room: usize, soon: i64) -> Self {
        Self::sharing(place, Room::new(room), soon)
    }

    /// The same in room that it shares with others.
    pub(crate) fn sharing((topic, partition): (Arc<str>, i32), room: Arc<Room>, soon: i64) -> Self {
        Self {
            topic,
            partition,
            shorteners: (RandomState::new(), RandomState::new()),
            by_key: HashMap::new(),
            alive: BTreeMap::new(),
            by_time: BinaryHeap::new(),
            at_hand: BTreeMap::new(),
            bytes: 0,
            room,
            soon,
        }
    }

    /// Takes in the next record of the partition.
    pub(crate) fn take(&mut self, read: &FetchedRecord, now: i64) {
        let Some(key) = read.key.clone() else {
            return;
        };
        let due = delayed_record::due(read);
        self.note(&key, read.offset, due, now, || CompactRecord::of(read));
    }

    /// Takes in the next record of the partition, which is copied only if it is to be at hand. Without a time, it is
    /// an end. Tells whether it replaced or ended something.
    pub(crate) fn note(
        &mut self,
        key: &[u8],
        offset: i64,
        due: Option<i64>,
        now: i64,
        copy: impl FnOnce() -> CompactRecord,
    ) -> bool {
        let short = self.shorten(key);
        let is_change = self.end(&short);
        let Some(due) = due.map(|due| due.max(0)) else {
            return is_change;
        };
        self.by_key.insert(short, offset);
        self.room.take(EACH);
        self.alive.insert(offset, due);
        self.by_time.push(Reverse((due, offset)));
        if due < now.saturating_add(self.soon) && self.room.left() > 0 {
            self.keep(offset, copy());
        }
        self.make_room();
        is_change
    }

    fn keep(&mut self, offset: i64, packed: CompactRecord) {
        let size = packed.size();
        if size <= self.room.left() {
            self.bytes += size;
            self.room.take(size);
            let former = self.at_hand.insert(offset, packed);
            self.forget(former.as_ref());
        }
    }

    /// Notes that a record is at hand no more; returns whether it was.
    fn forget(&mut self, packed: Option<&CompactRecord>) -> bool {
        let size = packed.map_or(0, CompactRecord::size);
        self.bytes -= size;
        self.room.give_back(size);
        packed.is_some()
    }

    /// Lets go of records at hand for which the index has left no room, the youngest first.
    fn make_room(&mut self) {
        while self.room.is_exceeded() {
            let youngest = self.at_hand.pop_last();
            if !self.forget(youngest.as_ref().map(|(_, packed)| packed)) {
                break;
            }
        }
    }

    fn end(&mut self, short: &Short) -> bool {
        let Some(offset) = self.by_key.remove(short) else {
            return false;
        };
        self.room.give_back(EACH);
        self.alive.remove(&offset);
        let packed = self.at_hand.remove(&offset);
        self.forget(packed.as_ref());
        if self.by_time.len() > 2 * self.alive.len() + STALE {
            self.by_time
                .retain(|Reverse((time, offset))| self.alive.get(offset) == Some(time));
        }
        true
    }

    /// Takes out what is due, at most so many, in order of time. It stays known until it is ended.
    pub(crate) fn due(&mut self, now: i64, max: usize) -> Vec<Due> {
        let mut due = Vec::new();
        while due.len() < max
            && let Some(time) = self.next()
            && time <= now
        {
            let Some(Reverse((time, offset))) = self.by_time.pop() else {
                break;
            };
            // Put back twice, it would come twice.
            self.alive.insert(offset, TAKEN);
            let packed = self.at_hand.remove(&offset);
            self.forget(packed.as_ref());
            let place = (&self.topic, self.partition);
            let record = packed.map(|packed| packed.unpack(place, offset));
            due.push(Due {
                time,
                offset,
                record,
            });
        }
        due
    }

    /// Puts back what was taken out and could not be dealt with.
    pub(crate) fn put_back(&mut self, due: Due, time: i64) {
        let Some(at) = self.alive.get_mut(&due.offset) else {
            return;
        };
        *at = time;
        self.by_time.push(Reverse((time, due.offset)));
        if let Some(read) = due.record {
            self.keep(due.offset, CompactRecord::of(&read));
        }
    }

    /// Returns when the next one is due.
    pub(crate) fn next(&mut self) -> Option<i64> {
        while let Some(Reverse((time, offset))) = self.by_time.peek().copied() {
            if self.alive.get(&offset) == Some(&time) {
                return Some(time);
            }
            self.by_time.pop();
        }
        None
    }

    /// Returns the offset of the oldest record that still waits: who comes later need not read what is before it.
    pub(crate) fn oldest(&self) -> Option<i64> {
        self.alive.keys().next().copied()
    }

    /// The same as if these were ended, which ascend.
    pub(crate) fn oldest_but(&self, ended: &[i64]) -> Option<i64> {
        let mut alive = self.alive.keys().copied();
        alive.find(|offset| ended.binary_search(offset).is_err())
    }

    /// Counts what waits.
    pub(crate) fn len(&self) -> usize {
        self.by_key.len()
    }

    fn shorten(&self, key: &[u8]) -> Short {
        let (one, other) = &self.shorteners;
        (one.hash_one(key), other.hash_one(key))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.room.give_back(self.bytes + EACH * self.by_key.len());
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

    fn within(room: usize, soon: i64) -> Pending {
        Pending::within(("pf.delay".into(), 0), room, soon)
    }

    fn record(offset: i64, key: &str, due: Option<i64>) -> FetchedRecord {
        let topic: Topic = "order".parse().unwrap();
        let mut story = delayed_record::Waiting::new(topic, SystemTime::UNIX_EPOCH);
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
        let mut pending = within(1 << 20, SOON);
        for (offset, due) in [(0, 30), (1, 10), (2, 20), (3, 99)] {
            pending.take(&record(offset, &offset.to_string(), Some(due)), 0);
        }
        assert_eq!(pending.next(), Some(10));
        assert_eq!(offsets(&pending.due(30, 2)), [1, 2]);
        assert_eq!(offsets(&pending.due(30, 9)), [0]);
        assert_eq!(pending.len(), 4, "known until they are ended");
        for (offset, key) in [(4, "0"), (5, "1"), (6, "2")] {
            pending.take(&record(offset, key, None), 0);
        }
        assert_eq!((pending.len(), pending.oldest()), (1, Some(3)));
    }

    #[test]
    fn a_later_record_replaces_and_an_empty_one_ends() {
        let mut pending = within(1 << 20, SOON);
        pending.take(&record(0, "a", Some(10)), 0);
        pending.take(&record(1, "a", Some(50)), 0);
        assert_eq!(pending.next(), Some(50));
        assert!(pending.due(20, 9).is_empty());
        pending.take(&record(2, "a", None), 0);
        assert_eq!(
            (pending.len(), pending.next(), pending.oldest()),
            (0, None, None)
        );
    }

    #[test]
    fn what_is_far_off_is_not_at_hand() {
        let mut pending = within(1 << 20, SOON);
        pending.take(&record(0, "far", Some(SOON + 1)), 0);
        pending.take(&record(1, "near", Some(1)), 0);
        let due = pending.due(SOON * 2, 9);
        let at_hand: Vec<bool> = due.iter().map(|due| due.record.is_some()).collect();
        assert_eq!((offsets(&due), at_hand), (vec![1, 0], vec![true, false]));
        assert_eq!(pending.bytes, 0);
    }

    #[test]
    fn only_so_much_is_at_hand_and_what_is_over_is_swept_out() {
        let mut pending = within(4 * OVERHEAD + EACH * 5, i64::MAX);
        for offset in 0..10_000_i64 {
            let key = offset.to_string();
            pending.take(&record(offset, &key, Some(SOON + offset)), 0);
            assert!(!pending.room.is_exceeded() || pending.bytes == 0);
            if offset >= 5 {
                pending.take(&record(offset + 10_000, &key, None), 0);
            }
        }
        assert!(pending.by_time.len() <= 2 * pending.len() + STALE + 1);
        assert_eq!(offsets(&pending.due(i64::MAX, 9)), [0, 1, 2, 3, 4]);
        assert_eq!(pending.oldest_but(&[0, 1, 3]), Some(2));
    }

    #[test]
    fn room_that_is_shared_is_given_back() {
        let room = Room::new(1 << 20);
        let share = || Pending::sharing(("pf.delay".into(), 0), Arc::clone(&room), SOON);
        let (mut one, mut other) = (share(), share());
        one.take(&record(0, "a", Some(1)), 0);
        let left = room.left();
        other.take(&record(0, "a", Some(1)), 0);
        other.take(&record(1, "b", Some(1)), 0);
        other.take(&record(2, "b", None), 0);
        other.due(1, 1);
        drop(other);
        assert_eq!(room.left(), left);
        one.take(&record(1, "a", None), 0);
        assert_eq!(room.left(), 1 << 20);
    }

    #[test]
    fn what_is_put_back_comes_again() {
        let mut pending = within(1 << 20, SOON);
        pending.take(&record(0, "a", Some(1)), 0);
        let taken = pending.due(5, 9).remove(0);
        pending.put_back(taken, 7);
        assert!(pending.due(6, 9).is_empty());
        assert_eq!(offsets(&pending.due(7, 9)), [0]);
    }

    #[test]
    fn what_is_put_back_twice_comes_once() {
        let mut pending = within(1 << 20, SOON);
        pending.take(&record(0, "a", Some(1)), 0);
        for times in [[7, 1], [5, 5], [2, 6]] {
            let taken = pending.due(9, 9).remove(0);
            for time in times {
                let again = Due {
                    record: None,
                    ..taken
                };
                pending.put_back(again, time);
            }
            assert!(pending.due(times[1] - 1, 9).is_empty());
            assert_eq!(offsets(&pending.due(9, 9)), [0]);
            assert!(pending.due(9, 9).is_empty());
            pending.put_back(
                Due {
                    record: None,
                    ..taken
                },
                3,
            );
        }
    }
}
