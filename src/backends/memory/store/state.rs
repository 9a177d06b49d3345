//! The data of a store, and the changes that time alone causes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use super::{
    entry::Entry,
    group::{Crashed, GroupState},
    job_state::JobState,
    membership::Terms,
};
use crate::{
    backends::{mark_index::MarkIndex, memory::error::SCHEME},
    event::{DedupKey, Group, Message, Position, Stored, Topic},
    transport::{
        Beginning, DeadLetter, DeadLetterId, DeadLetterKind, Delivery, Failure, Handling, JobId,
        Lineage, Mark, NoteName, Schedule, Ticket,
    },
};

/// The data of a store.
#[derive(Debug)]
pub(in crate::backends::memory) struct State {
    /// The store's name, from which letter ids are derived.
    pub(in crate::backends::memory) name: String,
    /// The last number given out: positions, tickets, members, jobs and fencing tokens share one sequence.
    last: u64,
    /// Every message of every topic, by position.
    pub(in crate::backends::memory) log: BTreeMap<u64, Arc<Entry>>,
    pub(in crate::backends::memory) topics: BTreeSet<Topic>,
    /// Events of which no duplicate is stored, with their positions; a delayed one has none.
    pub(in crate::backends::memory) published: HashMap<DedupKey, Option<Position>>,
    /// The fencing number and the last receipt of each publisher of batches.
    pub(in crate::backends::memory) receipts: HashMap<String, (u64, Option<Bytes>)>,
    pub(in crate::backends::memory) groups: BTreeMap<Group, GroupState>,
    /// Schedules by due time, then in the order of their creation.
    pub(in crate::backends::memory) schedules: BTreeMap<(SystemTime, u64), Schedule>,
    /// Dead letters by the time at which they were dead-lettered, then in the order of their arrival.
    pub(in crate::backends::memory) letters: BTreeMap<(SystemTime, u64), Arc<DeadLetter>>,
    /// The key in `letters` of each.
    pub(in crate::backends::memory) letter_ids: BTreeMap<DeadLetterId, (SystemTime, u64)>,
    pub(in crate::backends::memory) jobs: BTreeMap<JobId, JobState>,
    pub(in crate::backends::memory) notes: BTreeMap<NoteName, String>,
    pub(in crate::backends::memory) marks: MarkIndex,
}

impl State {
    /// Returns an empty store.
    pub(in crate::backends::memory) fn new(name: String) -> Self {
        Self {
            name,
            last: 0,
            log: BTreeMap::new(),
            topics: BTreeSet::new(),
            published: HashMap::new(),
            receipts: HashMap::new(),
            groups: BTreeMap::new(),
            schedules: BTreeMap::new(),
            letters: BTreeMap::new(),
            letter_ids: BTreeMap::new(),
            jobs: BTreeMap::new(),
            notes: BTreeMap::new(),
            marks: MarkIndex::default(),
        }
    }

    /// Returns a number that was never given out, larger than all before.
    pub(in crate::backends::memory) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Returns a number that is larger than any given out so far and not larger than any later one.
    pub(in crate::backends::memory) fn end(&self) -> u64 {
        self.last + 1
    }

    /// Appends a message to its topic and routes it to every group that reads it.
    pub(in crate::backends::memory) fn append(
        &mut self,
        message: Message,
        time: SystemTime,
        lineage: Option<Box<Lineage>>,
    ) -> Position {
        let (number, entry) = self.entry(message, time, lineage);
        self.topics.insert(entry.stored.message.topic.clone());
        for group in self.groups.values_mut() {
            group.route(number, &entry);
        }
        let position = entry.stored.position.clone();
        self.log.insert(number, entry);
        position
    }

    /// Stores a message for one group alone.
    pub(in crate::backends::memory) fn append_for(
        &mut self,
        group: &Group,
        message: Message,
        time: SystemTime,
        lineage: Box<Lineage>,
    ) {
        let (number, entry) = self.entry(message, time, Some(lineage));
        let group = self.groups.entry(group.clone()).or_default();
        group.insert(number, entry);
    }

    fn entry(
        &mut self,
        message: Message,
        time: SystemTime,
        lineage: Option<Box<Lineage>>,
    ) -> (u64, Arc<Entry>) {
        let number = self.number();
        let stored = Stored {
            message,
            position: Position::number(number),
            time,
        };
        (number, Arc::new(Entry { stored, lineage }))
    }

    /// Hands out at most `max` messages of a group to a member.
    pub(in crate::backends::memory) fn take(
        &mut self,
        group: &Group,
        terms: &Terms,
        max: usize,
        now: SystemTime,
    ) -> Vec<Delivery> {
        let Self { groups, last, .. } = self;
        let Some(group) = groups.get_mut(group) else {
            return Vec::new();
        };
        group.take(terms, max, now, || {
            *last += 1;
            *last
        })
    }

    /// Stores a dead letter unless its id exists; reports whether it was new.
    pub(in crate::backends::memory) fn store_letter(&mut self, letter: DeadLetter) -> bool {
        if self.letter_ids.contains_key(&letter.id) {
            return false;
        }
        let place = (letter.record.dead_lettered_at, self.number());
        self.letter_ids.insert(letter.id.clone(), place);
        self.letters.insert(place, Arc::new(letter));
        true
    }

    /// Returns a dead letter.
    pub(in crate::backends::memory) fn letter(&self, id: &DeadLetterId) -> Option<Arc<DeadLetter>> {
        let place = self.letter_ids.get(id)?;
        self.letters.get(place).cloned()
    }

    /// Removes a dead letter and returns it.
    pub(in crate::backends::memory) fn take_letter(
        &mut self,
        id: &DeadLetterId,
    ) -> Option<Arc<DeadLetter>> {
        let place = self.letter_ids.remove(id)?;
        self.letters.remove(&place)
    }

    /// Applies what time alone causes: schedules and retries that are due, leases that ended.
    pub(in crate::backends::memory) fn advance(&mut self, now: SystemTime) {
        while let Some(first) = self.schedules.first_entry() {
            let (due, _) = *first.key();
            if due > now {
                break;
            }
            let schedule = first.remove();
            self.append(schedule.message, due, None);
        }
        let mut crashed = Vec::new();
        for (name, group) in &mut self.groups {
            group.enqueue_due(now);
            crashed.extend(group.expire(now).map(|item| (name.clone(), item)));
        }
        for (group, item) in crashed {
            self.bury_crashed(&group, item, now);
        }
    }

    /// Makes a dead letter of a message that crashed its process too often, and its mark.
    fn bury_crashed(&mut self, group: &Group, crashed: Crashed, now: SystemTime) {
        let Crashed {
            entry,
            attempts,
            dedup,
        } = crashed;
        let failure = Failure::crashed(attempts.crashed);
        let (stored, lineage) = (entry.stored.clone(), entry.lineage.clone());
        let delivery = Delivery::new(stored, attempts, lineage, Ticket(0));
        let kind = DeadLetterKind::Crashed;
        let letter = DeadLetter::of(SCHEME, &self.name, group, &delivery, kind, failure);
        if let Some(dedup) = dedup
            && let Some(key) = dedup.key(group, &delivery.event_message())
        {
            let mark = Mark::Dead(letter.id.clone());
            self.marks.set(key, mark, now, dedup.window);
        }
        self.store_letter(letter);
    }

    /// Looks up the mark of a handling; `begins` also begins the handling if its mark admits it.
    pub(in crate::backends::memory) fn mark_of(
        &mut self,
        handling: &Handling,
        begins: bool,
        now: SystemTime,
        window: Duration,
    ) -> Option<Mark> {
        let Self { marks, groups, .. } = self;
        let is_pending = |begun: &Beginning| {
            let number = begun.position.as_str().parse().ok();
            let group = groups.get(&begun.group).zip(number);
            group.is_some_and(|(group, number)| group.has_unfinished(number))
        };
        if begins {
            marks.begin(handling, now, window, is_pending)
        } else {
            marks.get(handling.key, now, window, is_pending)
        }
    }

    /// Returns a time before which [`advance`](Self::advance) will do nothing.
    pub(in crate::backends::memory) fn deadline(&self) -> Option<SystemTime> {
        let schedule = self.schedules.keys().next().map(|(due, _)| *due);
        let groups = self.groups.values().filter_map(GroupState::deadline);
        groups.chain(schedule).min()
    }
}
