//! What one group has still to do: each message that it has not finished is ready, out, or waiting.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;

use super::{consume::Terms, state::Entry};
use crate::{
    backends::delivery_buffer::InFlight,
    event::{Pattern, Topic},
    transport::{Attempts, Delivery, Ticket},
};

/// A message that took the process down so often is handed out only while no other such one is, so that no
/// innocent neighbour is counted with it for long.
const SUSPECT: u32 = 2;

/// No member has this number.
const NOBODY: u64 = 0;

/// The messages that keep their order among themselves.
type Lane = (Topic, Bytes);

/// A message that the group has not finished.
#[derive(Debug)]
pub(super) struct Item {
    number: u64,
    entry: Arc<Entry>,
    pub(super) attempts: Attempts,
    /// The member that took it last.
    taken_by: Option<u64>,
}

impl Item {
    fn topic(&self) -> &Topic {
        &self.entry.stored.message.topic
    }

    fn is_suspect(&self) -> bool {
        self.attempts.crashed >= SUSPECT
    }

    fn lane(&self) -> Option<Lane> {
        let key = self.entry.stored.message.key.clone()?;
        Some((self.topic().clone(), key))
    }
}

/// A message handed to a member.
#[derive(Debug)]
struct Out {
    item: Item,
    member: u64,
    max_crashes: u32,
}

/// A message whose runs took the process down too often.
#[derive(Debug)]
pub(super) struct Crashed {
    pub(super) entry: Arc<Entry>,
    pub(super) attempts: Attempts,
}

/// Where a group starts on the topics of a pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Start {
    pub(super) number: u64,
    pub(super) time: SystemTime,
}

/// What one group has still to do.
#[derive(Debug, Default)]
pub(super) struct GroupState {
    /// What was ever subscribed to; the first pattern that matches a topic says where the group starts on it.
    joined: Vec<(Pattern, Start)>,
    ready: BTreeMap<u64, Item>,
    out: InFlight<Out, SystemTime>,
    waiting: BTreeMap<(SystemTime, u64), Item>,
}

impl GroupState {
    /// Adds the topics of a pattern that the group does not read yet.
    pub(super) fn join(
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

    /// Takes a new message if the group reads its topic.
    pub(super) fn offer(&mut self, number: u64, entry: &Arc<Entry>) {
        let topic = &entry.stored.message.topic;
        let mut joined = self.joined.iter();
        if let Some((_, start)) = joined.find(|(pattern, _)| pattern.matches(topic))
            && entry.stored.time >= start.time
        {
            self.insert(number, Arc::clone(entry));
        }
    }

    /// Takes a message.
    pub(super) fn insert(&mut self, number: u64, entry: Arc<Entry>) {
        let item = Item {
            number,
            entry,
            attempts: Attempts::default(),
            taken_by: None,
        };
        self.ready.insert(number, item);
    }

    /// Hands out at most `max` messages; `ticket` makes a new number for each.
    pub(super) fn take(
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
            let out = Out {
                item,
                member: terms.member,
                max_crashes: terms.max_crashes,
            };
            self.out.insert(ticket, out, now + terms.lease);
        }
        deliveries
    }

    fn held_by(&self, member: u64) -> impl Iterator<Item = &Out> {
        let handles = self.out.iter().map(|leased| &leased.handle);
        handles.filter(move |out| out.member == member)
    }

    /// Finds the first messages that this member may have: those whose lane nobody else works on, and, if
    /// retries hold their lane, no lane that is being worked on or waits for a retry.
    fn choose(&self, terms: &Terms, room: usize) -> Vec<u64> {
        let mut held: HashMap<Lane, u64> = self
            .out
            .iter()
            .filter_map(|out| Some((out.handle.item.lane()?, out.handle.member)))
            .collect();
        let retried = self.retried_lanes(terms.ordered);
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
                // Later messages of its lane wait with it.
                held.extend(item.lane().map(|lane| (lane, NOBODY)));
                continue;
            }
            if let Some(lane) = item.lane() {
                let free = match held.get(&lane) {
                    Some(member) => *member == terms.member && !terms.ordered,
                    None => retried.get(&lane).is_none_or(|first| number < first),
                };
                if !free {
                    continue;
                }
                held.insert(lane, terms.member);
            }
            suspects += usize::from(item.is_suspect());
            chosen.push(*number);
        }
        chosen
    }

    /// Returns the lanes that wait for a retry, with the first message that does.
    fn retried_lanes(&self, ordered: bool) -> HashMap<Lane, u64> {
        let mut lanes = HashMap::new();
        for item in self.waiting.values().filter(|_| ordered) {
            if let Some(lane) = item.lane() {
                let first = lanes.entry(lane).or_insert(item.number);
                *first = item.number.min(*first);
            }
        }
        lanes
    }

    /// Reports whether the member has nothing more to wait for: no message of its own that is out or waits
    /// for a retry, and none that nobody holds.
    pub(super) fn is_done(&self, terms: &Terms) -> bool {
        let wanted = |item: &Item| terms.wants(item.topic(), item.number);
        !self.ready.values().any(wanted)
            && self.held_by(terms.member).next().is_none()
            && !self
                .waiting
                .values()
                .any(|item| item.taken_by == Some(terms.member) && wanted(item))
    }

    /// Takes back a message from the member that holds it.
    pub(super) fn take_back(&mut self, ticket: Ticket, member: u64) -> Option<Item> {
        if self.out.get(ticket)?.member != member {
            return None;
        }
        self.out.settle(ticket).map(|out| out.handle.item)
    }

    /// Takes back every message that the member holds, to be delivered again.
    pub(super) fn take_back_all(&mut self, member: u64) {
        for out in self.out.extract(|out| out.handle.member == member) {
            self.ready.insert(out.item.number, out.item);
        }
    }

    /// Lets the member keep these until then.
    pub(super) fn extend(
        &mut self,
        tickets: &[Ticket],
        member: u64,
        until: SystemTime,
    ) -> Vec<Ticket> {
        let mut lost = Vec::new();
        for ticket in tickets {
            let is_held = self
                .out
                .get(*ticket)
                .is_some_and(|out| out.member == member);
            if !is_held || self.out.extend(*ticket, until).is_none() {
                lost.push(*ticket);
            }
        }
        lost
    }

    /// Delivers a message again, now or later.
    pub(super) fn put_back(&mut self, item: Item, due: Option<SystemTime>) {
        match due {
            Some(due) => {
                self.waiting.insert((due, item.number), item);
            }
            None => {
                self.ready.insert(item.number, item);
            }
        }
    }

    /// Makes ready what has waited for its time.
    pub(super) fn wake(&mut self, now: SystemTime) {
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now
        {
            let item = first.remove();
            self.ready.insert(item.number, item);
        }
    }

    /// Ends the leases that have run out; returns what took the process down too often.
    pub(super) fn expire(&mut self, now: SystemTime) -> impl Iterator<Item = Crashed> + use<> {
        let mut crashed = Vec::new();
        for mut out in self.out.expire(now) {
            let item = &mut out.item;
            item.attempts.crashed += 1;
            if item.attempts.crashed < out.max_crashes {
                self.ready.insert(item.number, out.item);
            } else {
                crashed.push(Crashed {
                    entry: out.item.entry,
                    attempts: out.item.attempts,
                });
            }
        }
        crashed.into_iter()
    }

    /// Returns the next moment at which [`wake`](Self::wake) or [`expire`](Self::expire) will do something.
    pub(super) fn deadline(&self) -> Option<SystemTime> {
        let waiting = self.waiting.keys().next().map(|(due, _)| *due);
        self.out.earliest().into_iter().chain(waiting).min()
    }
}
