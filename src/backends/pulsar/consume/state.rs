//! The deliveries of a subscription, and the logs that they come from.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Instant, SystemTime},
};

use super::{
    entries::{Entries, EntryKey, key_of},
    until_end::LogEnd,
};
use crate::{
    backends::{
        delivery_buffer::{DeliveryBuffer, Fetched, errors::PendingErrors},
        pulsar::{
            codec::{
                batch::Entry,
                chunk::Chunks,
                message::Inbound,
                message_id::MessageId,
                retry::{Consumed, read_original, read_retry},
            },
            connection::{
                consumer::ConsumerHandle,
                names::{Names, partition},
            },
        },
    },
    event::{Position, Topic},
    transport::{Delivery, TransportError},
};

/// By which a message is settled: its log, and its id there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Handle {
    pub(super) log: usize,
    pub(super) id: MessageId,
}

/// What a log holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Messages of a topic.
    Topic,
    /// Retries and replays for the group.
    Retries,
}

/// A log that the subscription reads.
#[derive(Debug)]
pub(super) struct LogState {
    /// The topic that its messages have.
    pub(super) topic: Topic,
    /// Its name without the namespace.
    pub(super) local: String,
    pub(super) partition: i32,
    pub(super) kind: Kind,
    /// Messages that were stored before are left out.
    pub(super) since: Option<SystemTime>,
    /// None while it is not connected.
    pub(super) consumer: Option<ConsumerHandle>,
    pub(super) entries: Entries,
    /// Parts of messages of which others are missing.
    pub(super) chunks: Chunks,
    /// Messages that the broker may still send.
    pub(super) permitted: usize,
    /// The size of a message, roughly, from the last ones.
    pub(super) average: usize,
    /// Messages that are here and not handed out.
    pub(super) waiting: usize,
    /// Entries that were acknowledged since its ranges were counted.
    pub(super) acknowledged: usize,
    /// Nothing more is fetched while waiting events are moved.
    pub(super) is_held_back: bool,
    /// Events that were moved are stored, and not acknowledged yet.
    pub(super) is_moving: bool,
    /// Where it ends for a bounded subscription.
    pub(super) end: Option<LogEnd>,
}

impl LogState {
    /// Returns Pulsar's name of it.
    pub(super) fn name(&self, names: &Names) -> String {
        let full = names.full(&self.local);
        match u32::try_from(self.partition) {
            Ok(number) => partition(&full, number),
            Err(_) => full,
        }
    }

    fn read(&self, message: &Inbound) -> Consumed {
        match self.kind {
            Kind::Topic => read_original(message, &self.topic),
            Kind::Retries => read_retry(message, &self.topic, &self.local),
        }
    }
}

/// The state of a subscription.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) deliveries: DeliveryBuffer<Handle>,
    /// Messages that came before they were due, in order of time.
    early: BTreeMap<(SystemTime, u64), Fetched<Handle>>,
    next_early: u64,
    pub(super) logs: Vec<LogState>,
    /// Where delayed events are stored that were cancelled before a subscription began.
    pub(super) cancelled: HashSet<Position>,
    pub(super) errors: PendingErrors,
    /// The caller left.
    pub(super) closed: bool,
    /// A lease ended: nothing is taken until the caller asks for more.
    pub(super) stalled: bool,
    /// Retries that this consumer stored and that have not come back, with the time at which they are late.
    pub(super) own_retries: BTreeMap<(usize, EntryKey), Instant>,
    /// Retries that came to a bounded subscription, perhaps before the receipt of the one who stored them.
    pub(super) early_retries: HashSet<(usize, EntryKey)>,
}

impl State {
    /// Takes an entry of a log that arrived.
    pub(super) fn arrive(&mut self, log: usize, entry: Entry) {
        let bytes = entry.bytes() / entry.messages.len().max(1) + 512;
        let Some(place) = self.logs.get_mut(log) else {
            return;
        };
        place.permitted = place.permitted.saturating_sub(entry.size.max(1));
        place.average = (place.average * 7 + bytes) / 8;
        let (id, key) = (entry.id, key_of(entry.id));
        let is_behind = place.end.as_mut().is_some_and(|end| end.is_behind(id));
        let mut entry = match place.chunks.add(entry) {
            Ok(Some(entry)) => entry,
            Ok(None) => return place.entries.hold(id),
            Err(damaged) => return self.errors.push(damaged),
        };
        if place.kind == Kind::Retries && place.end.is_some() {
            if self.own_retries.remove(&(log, key)).is_none() {
                self.early_retries.insert((log, key));
            }
        } else if is_behind {
            // It goes back to the group when this consumer leaves.
            return;
        }
        let (deliveries, early) = (&self.deliveries, &self.early);
        let alive = |id: MessageId| {
            let is = |handle: &Handle| handle.log == log && handle.id.place() == id.place();
            deliveries.handles().any(is)
                || deliveries.in_flight().iter().any(|one| is(&one.handle))
                || early.values().any(|one| is(&one.handle))
        };
        place.entries.arrive(&mut entry, alive);
        for mut message in entry.messages {
            message.id.partition = place.partition;
            let time = message
                .due
                .map_or(message.time, |due| due.max(message.time));
            if place.since.is_some_and(|since| time < since) {
                place.entries.settle(message.id);
                continue;
            }
            let consumed = place.read(&message);
            if message.due.is_some() && self.cancelled.contains(&consumed.stored.position) {
                place.entries.settle(message.id);
                continue;
            }
            let fetched = Fetched {
                stored: consumed.stored,
                attempts: consumed.attempts,
                lineage: consumed.lineage,
                handle: Handle {
                    log,
                    id: message.id,
                },
            };
            place.waiting += 1;
            match message.due.filter(|due| *due > SystemTime::now()) {
                Some(due) => {
                    self.next_early += 1;
                    self.early.insert((due, self.next_early), fetched);
                }
                None => self.deliveries.admit(fetched),
            }
        }
    }

    /// Buffers what has become due; returns when the next one is.
    pub(super) fn admit_due(&mut self) -> Option<SystemTime> {
        let now = SystemTime::now();
        while let Some(entry) = self.early.first_entry() {
            if entry.key().0 > now {
                return Some(entry.key().0);
            }
            let fetched = entry.remove();
            self.deliveries.admit(fetched);
        }
        None
    }

    /// Hands out deliveries whose leases end at `until`, while at most `most` are in flight.
    pub(super) fn hand_out(&mut self, max: usize, most: usize, until: Instant) -> Vec<Delivery> {
        let Self {
            deliveries, logs, ..
        } = self;
        let room = most.saturating_sub(deliveries.in_flight().len());
        deliveries.hand_out(max.min(room), until, |handle| {
            if let Some(log) = logs.get_mut(handle.log) {
                log.waiting = log.waiting.saturating_sub(1);
            }
            true
        })
    }

    /// Puts a message back that was not handled, before the later ones of its log.
    pub(super) fn requeue(&mut self, delivery: Delivery, handle: Handle) {
        if let Some(log) = self.logs.get_mut(handle.log) {
            log.waiting += 1;
        }
        let place = handle.id.place();
        let is_later = |other: &Handle| other.log == handle.log && other.id.place() > place;
        self.deliveries
            .requeue(Fetched::again(delivery, handle), is_later);
    }

    /// Notes a retry that a bounded subscription stored, unless it came already.
    pub(super) fn expect_retry(&mut self, log: usize, entry: MessageId, late: Instant) {
        let key = (log, key_of(entry));
        if !self.early_retries.remove(&key) {
            self.own_retries.insert(key, late);
        }
    }

    /// Settles a message.
    pub(super) fn settle(&mut self, handle: Handle) {
        if let Some(log) = self.logs.get_mut(handle.log) {
            log.entries.settle(handle.id);
        }
    }

    /// Settles a message that has a retry or a dead letter.
    pub(super) fn settle_at_once(&mut self, handle: Handle) {
        if let Some(log) = self.logs.get_mut(handle.log) {
            log.entries.settle_at_once(handle.id);
        }
    }

    /// Forgets what a log had buffered: its consumer is gone, and others may get it. What is in flight goes on.
    pub(super) fn lose(&mut self, log: usize) {
        self.deliveries.retain_buffered(|handle| handle.log != log);
        self.early.retain(|_, one| one.handle.log != log);
        let in_flight = self.deliveries.in_flight().iter();
        let of_log = in_flight.filter(|one| one.handle.log == log);
        let alive: HashSet<EntryKey> = of_log.map(|one| key_of(one.handle.id)).collect();
        if let Some(place) = self.logs.get_mut(log) {
            place.consumer = None;
            (place.permitted, place.waiting) = (0, 0);
            place.chunks.clear();
            place.entries.lose(&alive);
        }
    }

    /// Takes deliveries away whose leases ended. The consumer is then as good as dead, and leaves until the caller asks again.
    pub(super) fn expire(&mut self) -> bool {
        let expired = self.deliveries.in_flight_mut().expire(Instant::now());
        self.stalled |= !expired.is_empty();
        !expired.is_empty()
    }

    /// Returns one message of which parts are missing and are not awaited any more.
    pub(super) fn take_incomplete(&mut self, is_end: bool) -> Option<TransportError> {
        let mut logs = self.logs.iter_mut();
        logs.find_map(|log| log.chunks.take_incomplete(is_end))
    }

    /// Reports whether nothing is left to deliver or to settle here.
    pub(super) fn is_idle(&self) -> bool {
        self.deliveries.len() == 0 && self.early.is_empty()
    }
}
