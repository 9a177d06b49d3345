//! The entries of a log that were delivered and are not acknowledged, with the messages of each that are settled.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::backends::pulsar::codec::{batch::Entry, message_id::MessageId};

/// An entry of a log: ledger and number.
pub(super) type EntryKey = (u64, u64);

/// A broker stores what is acknowledged this often at most, by default and with a little to spare: with the first
/// acknowledgement after that time, else after a minute.
const STORED_EVERY: Duration = Duration::from_millis(1050);

/// Returns the entry of a message.
pub(super) fn key_of(id: MessageId) -> EntryKey {
    (id.ledger, id.entry)
}

/// Entries that are not acknowledged.
#[derive(Debug, Default)]
pub(super) struct Entries {
    tracked: HashMap<EntryKey, Tracked>,
    /// Entries of which every message is settled; a message that was divided stands for all of its parts.
    complete: Vec<MessageId>,
    /// Those of them that have a retry or a dead letter: they are acknowledged at once.
    urgent: Vec<MessageId>,
    /// When entries were acknowledged last.
    acknowledged: Option<Instant>,
    /// Since when `recent` is collected.
    recent_since: Option<Instant>,
    /// Entries that were acknowledged within the last second, ...
    recent: Vec<MessageId>,
    /// ... and those of the times before, the last first. The broker counts its seconds alone, so one is not enough.
    earlier: [Vec<MessageId>; 2],
}

#[derive(Debug)]
struct Tracked {
    id: MessageId,
    size: usize,
    /// The indices of messages that are settled.
    settled: HashSet<i32>,
    /// The other entries of a message that was divided.
    parts: Vec<MessageId>,
}

impl Tracked {
    fn is_complete(&self) -> bool {
        self.settled.len() >= self.size
    }
}

impl Entries {
    /// Takes an entry that arrived. Leaves the messages in it that are to be delivered: those that are not settled and not
    /// `alive`, which is asked only if the entry arrived before.
    pub(super) fn arrive(&mut self, entry: &mut Entry, alive: impl Fn(MessageId) -> bool) {
        let key = key_of(entry.id);
        if let Some(tracked) = self.tracked.get_mut(&key) {
            if !entry.parts().is_empty() {
                tracked.parts = entry.parts().to_vec();
            }
            let is_settled =
                |id: MessageId| tracked.is_complete() || tracked.settled.contains(&id.batch_index);
            entry
                .messages
                .retain(|message| !is_settled(message.id) && !alive(message.id));
            if tracked.is_complete() {
                self.complete.push(tracked.id);
            }
            return;
        }
        // Messages that are missing were acknowledged or compacted.
        let present: HashSet<i32> = entry
            .messages
            .iter()
            .map(|one| one.id.batch_index)
            .collect();
        let size = i32::try_from(entry.size).unwrap_or(i32::MAX);
        let tracked = Tracked {
            id: entry.id,
            parts: entry.parts().to_vec(),
            size: entry.size,
            settled: if present.contains(&-1) {
                HashSet::new()
            } else {
                (0..size).filter(|index| !present.contains(index)).collect()
            },
        };
        if tracked.is_complete() {
            self.complete.push(entry.id);
        }
        self.tracked.insert(key, tracked);
    }

    /// Takes an entry that is a part of a message of which others are missing. It stays unacknowledged.
    pub(super) fn hold(&mut self, part: MessageId) {
        let held = Tracked {
            id: part,
            size: usize::MAX,
            settled: HashSet::new(),
            parts: Vec::new(),
        };
        self.tracked.entry(key_of(part)).or_insert(held);
    }

    /// Settles a message; its entry may then be complete.
    pub(super) fn settle(&mut self, id: MessageId) {
        let completed = self.completed_by(id);
        self.complete.extend(completed);
    }

    /// The same for a message that has a retry or a dead letter.
    pub(super) fn settle_at_once(&mut self, id: MessageId) {
        let completed = self.completed_by(id);
        self.urgent.extend(completed);
    }

    fn completed_by(&mut self, id: MessageId) -> Option<MessageId> {
        let tracked = self.tracked.get_mut(&key_of(id))?;
        let is_new = tracked.settled.insert(id.batch_index);
        (is_new && tracked.is_complete()).then_some(tracked.id)
    }

    /// Takes complete entries, at most `max` and their parts, to be acknowledged with one command: a part that stays behind
    /// would come again alone, and never be complete.
    ///
    /// One is held back until no other has been sent for a time after which the broker surely stores it, and with it those
    /// before: else the last ones would be stored a minute later. One that is urgent cannot wait, and to send it again has no
    /// effect.
    pub(super) fn take_acks(&mut self, max: usize, now: Instant) -> Vec<MessageId> {
        let is_over = |at: Option<Instant>| at.is_none_or(|at| now >= at + STORED_EVERY);
        let is_stored = is_over(self.acknowledged);
        let rest = self.urgent.len().saturating_sub(max);
        let mut acks = self.urgent.split_off(rest);
        let held = usize::from(!is_stored);
        let plain = self.complete.len().saturating_sub(held);
        let plain = plain.min(max - acks.len());
        acks.extend(self.complete.drain(..plain));
        if acks.is_empty() {
            return acks;
        }
        self.acknowledged = Some(now);
        if is_over(self.recent_since) {
            self.recent_since = Some(now);
            self.earlier.rotate_right(1);
            self.earlier[0] = std::mem::take(&mut self.recent);
        }
        let parts = acks.iter().filter_map(|id| self.tracked.get(&key_of(*id)));
        let parts: Vec<_> = parts.flat_map(|one| one.parts.iter().copied()).collect();
        acks.extend(parts);
        acks
    }

    /// Returns when the entry is acknowledged that is held back, if one is.
    pub(super) fn held_until(&self) -> Option<Instant> {
        let acknowledged = self.acknowledged.filter(|_| !self.complete.is_empty());
        acknowledged.map(|at| at + STORED_EVERY)
    }

    /// Reports whether entries wait for their acknowledgement.
    pub(super) fn has_complete(&self) -> bool {
        !self.complete.is_empty() || !self.urgent.is_empty()
    }

    /// Forgets entries whose acknowledgement the broker confirmed, as far as that is stored.
    pub(super) fn confirmed(&mut self, acknowledged: &[MessageId]) {
        for id in acknowledged {
            self.tracked.remove(&key_of(*id));
        }
        self.recent.extend_from_slice(acknowledged);
    }

    /// Puts entries back whose acknowledgement may be lost.
    pub(super) fn unconfirmed(&mut self, acknowledged: Vec<MessageId>) {
        self.urgent.extend(acknowledged);
    }

    /// Forgets what the broker will deliver to any consumer: entries without a settled message, unless `alive`.
    pub(super) fn lose(&mut self, alive: &HashSet<EntryKey>) {
        self.tracked.retain(|key, tracked| {
            !tracked.settled.is_empty() || tracked.is_complete() || alive.contains(key)
        });
    }

    /// Acknowledges again what a broker that crashed may not have stored.
    pub(super) fn repeat_acks(&mut self) {
        self.acknowledged = None;
        let mut acknowledged = std::mem::take(&mut self.recent);
        acknowledged.extend(std::mem::take(&mut self.earlier).into_iter().flatten());
        for id in acknowledged {
            let done = Tracked {
                id,
                size: 0,
                settled: HashSet::new(),
                parts: Vec::new(),
            };
            self.tracked.entry(key_of(id)).or_insert(done);
            self.urgent.push(id);
        }
    }

    /// Reports whether an entry is to be acknowledged, and that is not confirmed.
    pub(super) fn is_unconfirmed(&self, key: EntryKey) -> bool {
        self.tracked.get(&key).is_some_and(Tracked::is_complete)
    }

    /// Reports whether an entry was delivered and is not acknowledged.
    pub(super) fn is_here(&self, id: MessageId) -> bool {
        self.tracked.contains_key(&key_of(id))
    }

    /// Returns how many entries were delivered and are not acknowledged.
    pub(super) fn len(&self) -> usize {
        self.tracked.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::pulsar::codec::{message::Inbound, properties::Marks},
        event::Headers,
    };

    fn id(batch_index: i32) -> MessageId {
        MessageId {
            ledger: 1,
            entry: 2,
            batch_index,
            partition: -1,
        }
    }

    fn entry(size: usize, indices: &[i32]) -> Entry {
        let message = |index: &i32| Inbound {
            id: id(*index),
            parts: Vec::new(),
            key: None,
            headers: Headers::new(),
            marks: Marks::default(),
            payload: None,
            time: std::time::SystemTime::UNIX_EPOCH,
            due: None,
        };
        Entry {
            id: id(-1),
            size,
            messages: indices.iter().map(message).collect(),
            chunk: None,
        }
    }

    #[test]
    fn a_batch_is_complete_with_its_last_message() {
        let mut entries = Entries::default();
        entries.arrive(&mut entry(3, &[0, 1, 2]), |_| false);
        entries.settle(id(2));
        entries.settle(id(0));
        entries.settle(id(0));
        assert!(!entries.has_complete());
        entries.settle(id(1));
        assert_eq!(entries.take_acks(9, Instant::now()), [id(-1)]);
        assert_eq!(entries.len(), 1, "until it is confirmed");
        assert!(entries.is_unconfirmed((1, 2)));
        entries.confirmed(&[id(-1)]);
        assert!(!entries.is_unconfirmed((1, 2)));
        assert_eq!(entries.len(), 0);
    }

    #[test]
    fn members_that_are_missing_are_settled() {
        let mut entries = Entries::default();
        entries.arrive(&mut entry(3, &[1]), |_| false);
        entries.settle(id(1));
        assert!(entries.has_complete());
        entries.arrive(&mut entry(2, &[]), |_| false);
        let mut single = Entries::default();
        single.arrive(&mut entry(1, &[-1]), |_| false);
        assert!(!single.has_complete());
        single.settle(id(-1));
        assert!(single.has_complete());
    }

    #[test]
    fn what_comes_again_is_delivered_unless_it_is_settled_or_alive() {
        let mut entries = Entries::default();
        entries.arrive(&mut entry(3, &[0, 1, 2]), |_| false);
        entries.settle(id(0));
        entries.lose(&HashSet::new());
        let mut again = entry(3, &[0, 1, 2]);
        entries.arrive(&mut again, |id| id.batch_index == 1);
        let left: Vec<_> = again
            .messages
            .iter()
            .map(|one| one.id.batch_index)
            .collect();
        assert_eq!(left, [2]);
    }

    #[test]
    fn a_message_that_was_divided_is_acknowledged_with_all_its_parts() {
        let part = |entry| MessageId { entry, ..id(-1) };
        let mut entries = Entries::default();
        entries.hold(part(0));
        entries.hold(part(1));
        let mut whole = entry(1, &[-1]);
        whole.messages[0].parts = vec![part(0), part(1)];
        entries.arrive(&mut whole, |_| false);
        assert_eq!(entries.len(), 3);
        entries.settle(id(-1));
        let acknowledged = entries.take_acks(1, Instant::now());
        assert_eq!(acknowledged, [id(-1), part(0), part(1)], "at once");
        entries.confirmed(&acknowledged);
        assert_eq!(entries.len(), 0);
    }

    #[test]
    fn an_acknowledgement_that_was_lost_is_repeated() {
        let mut entries = Entries::default();
        entries.arrive(&mut entry(1, &[-1]), |_| false);
        entries.settle(id(-1));
        let acknowledged = entries.take_acks(9, Instant::now());
        entries.unconfirmed(acknowledged);
        assert!(entries.has_complete());
        entries.lose(&HashSet::new());
        entries.take_acks(9, Instant::now());
        let mut again = entry(1, &[-1]);
        entries.arrive(&mut again, |_| false);
        assert!(again.messages.is_empty() && entries.has_complete());
    }

    #[test]
    fn the_last_acknowledgement_waits_until_the_broker_stores_it() {
        let mut entries = Entries::default();
        let numbered = |entry: u64| MessageId { entry, ..id(-1) };
        for number in 0..4 {
            let mut one = entry(1, &[-1]);
            (one.id, one.messages[0].id) = (numbered(number), numbered(number));
            entries.arrive(&mut one, |_| false);
        }
        let now = Instant::now();
        entries.settle(numbered(0));
        assert_eq!(entries.take_acks(9, now), [numbered(0)]);
        entries.confirmed(&[numbered(0)]);
        entries.settle(numbered(1));
        entries.settle(numbered(2));
        entries.settle_at_once(numbered(3));
        let early = now + STORED_EVERY / 2;
        assert_eq!(entries.take_acks(9, early), [numbered(3), numbered(1)]);
        assert_eq!(entries.take_acks(9, early), []);
        let due = early + STORED_EVERY;
        assert_eq!(entries.held_until(), Some(due));
        assert_eq!(entries.take_acks(9, due), [numbered(2)]);
        assert!(!entries.has_complete());
    }

    #[test]
    fn what_a_crash_may_have_forgotten_is_acknowledged_again() {
        let mut entries = Entries::default();
        entries.arrive(&mut entry(2, &[0, 1]), |_| false);
        entries.settle(id(0));
        entries.settle(id(1));
        let acknowledged = entries.take_acks(9, Instant::now());
        entries.confirmed(&acknowledged);
        entries.lose(&HashSet::new());
        entries.repeat_acks();
        let mut again = entry(2, &[0, 1]);
        entries.arrive(&mut again, |_| false);
        assert!(again.messages.is_empty());
        assert_eq!(entries.take_acks(1, Instant::now()), [id(-1)]);
    }
}
