//! The state of a group: each message that it has not finished is ready, in flight, or waiting for its retry.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;

use super::{entry::Entry, membership::Terms};
use crate::{
    backends::delivery_buffer::in_flight::InFlight,
    event::{Pattern, Topic},
    transport::{Attempts, Backlog, Dedup, Delivery, HeldElsewhere, Ticket},
};

/// A message that crashed its process this often is handed out only while no other suspect is in flight: an innocent
/// message that is in flight beside it would be counted as a crash, too.
const CRASH_SUSPECT: u32 = 2;

/// No member has this number.
const NO_MEMBER: u64 = 0;

/// Messages with the same ordering key keep their order.
type OrderingKey = (Topic, Bytes);

/// A message that the group has not finished.
#[derive(Debug)]
pub(in crate::backends::memory) struct QueuedMessage {
    number: u64,
    entry: Arc<Entry>,
    pub(in crate::backends::memory) attempts: Attempts,
    /// The member that took it last.
    taken_by: Option<u64>,
}

impl QueuedMessage {
    fn topic(&self) -> &Topic {
        &self.entry.stored.message.topic
    }

    fn is_suspect(&self) -> bool {
        self.attempts.crashed >= CRASH_SUSPECT
    }

    fn ordering_key(&self) -> Option<OrderingKey> {
        let key = self.entry.stored.message.key.clone()?;
        Some((self.topic().clone(), key))
    }
}

/// A message that a member holds.
#[derive(Debug)]
struct InFlightMessage {
    item: QueuedMessage,
    member: u64,
    max_crashes: u32,
    dedup: Option<Dedup>,
}

/// A message that crashed its process too often.
#[derive(Debug)]
pub(in crate::backends::memory) struct Crashed {
    pub(in crate::backends::memory) entry: Arc<Entry>,
    pub(in crate::backends::memory) attempts: Attempts,
    /// The marks that its member kept.
    pub(in crate::backends::memory) dedup: Option<Dedup>,
}

/// Where a group starts on the topics of a pattern.
#[derive(Debug, Clone, Copy)]
pub(in crate::backends::memory) struct Start {
    pub(in crate::backends::memory) number: u64,
    pub(in crate::backends::memory) time: SystemTime,
}

/// The state of a group.
#[derive(Debug, Default)]
pub(in crate::backends::memory) struct GroupState {
    /// Every pattern ever subscribed to. The first that matches a topic defines where the group starts on it.
    joined: Vec<(Pattern, Start)>,
    ready: BTreeMap<u64, QueuedMessage>,
    in_flight: InFlight<InFlightMessage, SystemTime>,
    waiting: BTreeMap<(SystemTime, u64), QueuedMessage>,
}

impl GroupState {
    /// Adds the topics of a pattern that the group does not read yet.
    pub(in crate::backends::memory) fn join(
        &mut self,
        pattern: &Pattern,
        start: Start,
        log: &BTreeMap<u64, Arc<Entry>>,
    ) {
        if self.joined.iter().any(|(joined, _)| joined == pattern) {
            return;
        }
        for (number, entry) in log.range(start.number..) {
            let topic = &entry.stored.message.topic;
            let known = self.joined.iter().any(|(joined, _)| joined.matches(topic));
            if !known && pattern.matches(topic) && entry.stored.time >= start.time {
                self.insert(*number, Arc::clone(entry));
            }
        }
        self.joined.push((pattern.clone(), start));
    }

    /// Enqueues a new message if the group reads its topic.
    pub(in crate::backends::memory) fn route(&mut self, number: u64, entry: &Arc<Entry>) {
        let topic = &entry.stored.message.topic;
        let mut joined = self.joined.iter();
        if let Some((_, start)) = joined.find(|(pattern, _)| pattern.matches(topic))
            && entry.stored.time >= start.time
        {
            self.insert(number, Arc::clone(entry));
        }
    }

    /// Reports whether the group reads a topic.
    pub(in crate::backends::memory) fn reads(&self, topic: &Topic) -> bool {
        self.joined
            .iter()
            .any(|(pattern, _)| pattern.matches(topic))
    }

    /// Enqueues a message.
    pub(in crate::backends::memory) fn insert(&mut self, number: u64, entry: Arc<Entry>) {
        let item = QueuedMessage {
            number,
            entry,
            attempts: Attempts::default(),
            taken_by: None,
        };
        self.ready.insert(number, item);
    }

    /// Hands out at most `max` messages; `ticket` returns a new number for each.
    pub(in crate::backends::memory) fn take(
        &mut self,
        terms: &Terms,
        max: usize,
        now: SystemTime,
        mut ticket: impl FnMut() -> u64,
    ) -> Vec<Delivery> {
        let room = terms
            .max_in_flight
            .saturating_sub(self.held_by(terms.member).count())
            .min(max);
        let mut deliveries = Vec::new();
        for number in self.choose(terms, room) {
            let Some(mut item) = self.ready.remove(&number) else {
                continue;
            };
            item.taken_by = Some(terms.member);
            let ticket = Ticket(ticket());
            deliveries.push(Delivery::new(
                item.entry.stored.clone(),
                item.attempts.clone(),
                item.entry.lineage.clone(),
                ticket,
            ));
            let out = InFlightMessage {
                item,
                member: terms.member,
                max_crashes: terms.max_crashes,
                dedup: terms.dedup.clone(),
            };
            self.in_flight.insert(ticket, out, now + terms.lease);
        }
        deliveries
    }

    /// Returns the messages that are not finished, by number.
    pub(in crate::backends::memory) fn unfinished(
        &self,
    ) -> impl Iterator<Item = (u64, &Arc<Entry>)> {
        let in_flight = self.in_flight.iter().map(|out| &out.handle.item);
        let items = self.ready.values().chain(self.waiting.values());
        items
            .chain(in_flight)
            .map(|item| (item.number, &item.entry))
    }

    /// Reports whether a message is in flight, or waits.
    pub(in crate::backends::memory) fn has_unfinished(&self, number: u64) -> bool {
        self.unfinished().any(|(one, _)| one == number)
    }

    fn held_by(&self, member: u64) -> impl Iterator<Item = &InFlightMessage> {
        let handles = self.in_flight.iter().map(|leased| &leased.handle);
        handles.filter(move |out| out.member == member)
    }

    /// Finds the first messages that this member may take: those whose ordering key no other member works on. An
    /// `--ordered` member also skips keys that it works on itself and keys with an older message waiting for its
    /// retry.
    fn choose(&self, terms: &Terms, room: usize) -> Vec<u64> {
        let mut held: HashMap<OrderingKey, u64> = self
            .in_flight
            .iter()
            .filter_map(|out| Some((out.handle.item.ordering_key()?, out.handle.member)))
            .collect();
        let retried = self.retried_keys(terms.ordered);
        let mine = self.held_by(terms.member);
        let mut suspects = mine.filter(|out| out.item.is_suspect()).count();
        let mut chosen = Vec::new();
        for (number, item) in &self.ready {
            if chosen.len() >= room {
                break;
            }
            if !terms.wants(item.topic(), *number) {
                continue;
            }
            if item.is_suspect() && suspects > 0 {
                // Later messages of its key wait with it.
                held.extend(item.ordering_key().map(|key| (key, NO_MEMBER)));
                continue;
            }
            if let Some(key) = item.ordering_key() {
                let free = match held.get(&key) {
                    Some(member) => *member == terms.member && !terms.ordered,
                    None => retried.get(&key).is_none_or(|first| number < first),
                };
                if !free {
                    continue;
                }
                held.insert(key, terms.member);
            }
            suspects += usize::from(item.is_suspect());
            chosen.push(*number);
        }
        chosen
    }

    /// Returns the ordering keys with a waiting retry, each with the first message that waits.
    fn retried_keys(&self, ordered: bool) -> HashMap<OrderingKey, u64> {
        let mut keys = HashMap::new();
        for item in self.waiting.values().filter(|_| ordered) {
            if let Some(key) = item.ordering_key() {
                let first = keys.entry(key).or_insert(item.number);
                *first = item.number.min(*first);
            }
        }
        keys
    }

    /// Reports whether a bounded member is done: it holds nothing, none of its retries is waiting, and nothing before
    /// its end is ready.
    pub(in crate::backends::memory) fn is_done(&self, terms: &Terms) -> bool {
        let wanted = |item: &QueuedMessage| terms.wants(item.topic(), item.number);
        !self.ready.values().any(wanted)
            && self.held_by(terms.member).next().is_none()
            && !self
                .waiting
                .values()
                .any(|item| item.taken_by == Some(terms.member) && wanted(item))
    }

    /// Returns the messages before a bounded member's end that other members hold, or that wait for their retry.
    pub(in crate::backends::memory) fn held_elsewhere(
        &self,
        terms: &Terms,
    ) -> Option<HeldElsewhere> {
        let in_flight = self.in_flight.iter();
        let in_flight = in_flight
            .filter(|out| out.handle.member != terms.member)
            .map(|out| (&out.handle.item, out.until));
        let waiting = self.waiting.iter().map(|((due, _), item)| (item, *due));
        let held = in_flight
            .chain(waiting)
            .filter(|(item, _)| terms.wants(item.topic(), item.number));
        HeldElsewhere::of(held.map(|(_, until)| until))
    }

    /// Returns what a member's group has not finished, topic by topic.
    pub(in crate::backends::memory) fn backlog(&self, terms: &Terms) -> Vec<Backlog> {
        let in_flight = self.in_flight.iter().map(|out| &out.handle.item);
        let open = self.ready.values().chain(self.waiting.values());
        let mut topics: BTreeMap<&Topic, (u64, SystemTime)> = BTreeMap::new();
        for item in open.chain(in_flight) {
            let time = item.entry.stored.time;
            if terms.reads(item.topic()) {
                let (count, oldest) = topics.entry(item.topic()).or_insert((0, time));
                (*count, *oldest) = (*count + 1, time.min(*oldest));
            }
        }
        let topics = topics.into_iter();
        let backlog = topics.map(|(topic, (messages, oldest))| Backlog {
            topic: Some(topic.clone()),
            messages,
            oldest: Some(oldest),
        });
        backlog.collect()
    }

    /// Reclaims a message from the member that holds it.
    pub(in crate::backends::memory) fn reclaim(
        &mut self,
        ticket: Ticket,
        member: u64,
    ) -> Option<QueuedMessage> {
        if self.in_flight.get(ticket)?.member != member {
            return None;
        }
        self.in_flight.settle(ticket).map(|out| out.handle.item)
    }

    /// Reclaims every message that the member holds and enqueues it again.
    pub(in crate::backends::memory) fn reclaim_all(&mut self, member: u64) {
        for out in self.in_flight.extract(|out| out.handle.member == member) {
            self.ready.insert(out.item.number, out.item);
        }
    }

    /// Extends leases of a member; returns the tickets that it does not hold any more.
    pub(in crate::backends::memory) fn extend(
        &mut self,
        tickets: &[Ticket],
        member: u64,
        until: SystemTime,
    ) -> Vec<Ticket> {
        let mut lost = Vec::new();
        for ticket in tickets {
            let is_held = self
                .in_flight
                .get(*ticket)
                .is_some_and(|out| out.member == member);
            if !is_held || self.in_flight.extend(*ticket, until).is_none() {
                lost.push(*ticket);
            }
        }
        lost
    }

    /// Enqueues a message again, at once or when it is due.
    pub(in crate::backends::memory) fn put_back(
        &mut self,
        item: QueuedMessage,
        due: Option<SystemTime>,
    ) {
        match due {
            Some(due) => {
                self.waiting.insert((due, item.number), item);
            }
            None => {
                self.ready.insert(item.number, item);
            }
        }
    }

    /// Enqueues the retries that are due.
    pub(in crate::backends::memory) fn enqueue_due(&mut self, now: SystemTime) {
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now
        {
            let item = first.remove();
            self.ready.insert(item.number, item);
        }
    }

    /// Counts a crash for each lease that ended and enqueues its message; returns the messages that crashed too
    /// often.
    pub(in crate::backends::memory) fn expire(
        &mut self,
        now: SystemTime,
    ) -> impl Iterator<Item = Crashed> + use<> {
        let mut crashed = Vec::new();
        for mut out in self.in_flight.expire(now) {
            let item = &mut out.item;
            item.attempts.crashed += 1;
            if item.attempts.crashed < out.max_crashes {
                self.ready.insert(item.number, out.item);
            } else {
                crashed.push(Crashed {
                    entry: out.item.entry,
                    attempts: out.item.attempts,
                    dedup: out.dedup,
                });
            }
        }
        crashed.into_iter()
    }

    /// Returns a time before which neither [`enqueue_due`](Self::enqueue_due) nor [`expire`](Self::expire) will do
    /// anything.
    pub(in crate::backends::memory) fn deadline(&self) -> Option<SystemTime> {
        let waiting = self.waiting.keys().next().map(|(due, _)| *due);
        self.in_flight.earliest().into_iter().chain(waiting).min()
    }
}
