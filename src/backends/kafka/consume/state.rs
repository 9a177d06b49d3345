//! What a membership has at hand.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{
    assignment::partition::{Kind, Part, PartId, Retries},
    retry_topics::sources::Sources,
};
use crate::{
    event::Stored,
    transport::{Attempts, Delivery, ErrorKind, Lineage, Ticket, TransportError},
};

/// The most bytes that wait to be handed out.
const WAITING_BYTES: usize = 8 << 20;

/// What a delivery is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) part: PartId,
    pub(crate) offset: i64,
    /// Where it waited for its time, if it did.
    pub(crate) waited: Option<Waited>,
}

/// Where a delivery waited for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waited {
    pub(crate) key: Bytes,
    /// Kafka's name of the topic.
    pub(crate) topic: Arc<str>,
    pub(crate) partition: i32,
}

/// A message that came and was not handed out yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) stored: Stored,
    pub(crate) attempts: Attempts,
    pub(crate) lineage: Option<Box<Lineage>>,
    pub(crate) claim: Claim,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.stored.message.bytes().len() + 512
    }
}

/// A message that was handed out.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) claim: Claim,
    pub(crate) until: Instant,
}

/// What a membership has at hand.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Desk {
    pub(crate) parts: HashMap<PartId, Part>,
    places: HashMap<(Arc<str>, i32), PartId>,
    pub(crate) waiting: VecDeque<Waiting>,
    waiting_bytes: usize,
    /// Since when something waits to be handed out.
    waiting_since: Option<Instant>,
    /// When the app last showed that it is there.
    seen: Option<Instant>,
    /// How many of the app wait for something to be handed out.
    pub(crate) present: usize,
    pub(crate) held: HashMap<Ticket, Held>,
    /// Verdicts that are being made true, by partition.
    pub(crate) settling: HashMap<PartId, usize>,
    /// The keys under which retries of ours wait, and the partition of ours in which each does.
    pub(crate) retrying: HashMap<Bytes, PartId>,
    /// The topics to be read.
    pub(crate) sources: Sources,
    /// A bounded membership does not end before what was due in the topic of an earlier version was moved.
    pub(crate) awaits_legacy: bool,
    /// It neither begins nor ends before the group has shared out all that it reads: a retry of what it handed out would
    /// not be its own.
    pub(crate) awaits_group: bool,
    /// A topic that is not subscribed to for a moment.
    pub(crate) left_out: Option<String>,
    /// Partitions that the group gives us, though we do not read their topics.
    pub(crate) foreign: HashSet<(String, i32)>,
    /// How often the group told what is ours, and how often that was after joining it anew.
    pub(crate) given: u64,
    pub(crate) joined: u64,
    pub(crate) is_joining: bool,
    /// How often somebody asked for what is settled to be committed, and how many of those asked before a commit that was
    /// made.
    pub(crate) commits_asked: u64,
    pub(crate) commits_made: u64,
    /// Partitions that are being taken away: nothing more of them is handed out.
    pub(crate) leaving: HashSet<PartId>,
    /// The group has told once what is ours.
    pub(crate) assigned: bool,
    /// The thread waits for room.
    pub(crate) full: bool,
    /// The client was told to stop fetching.
    pub(crate) paused: bool,
    /// What the client had to tell of a partition may have been lost: it forgets that when the partition is paused.
    pub(crate) suspect: bool,
    /// The app stood still for longer than its lease: others got its partitions.
    pub(crate) stalled: bool,
    pub(crate) wanted: bool,
    pub(crate) end: End,
    /// What the app is to be told: every gap, and of what else went wrong the latest.
    pub(crate) failed: VecDeque<TransportError>,
    last_ticket: u64,
    last_part: u64,
}

/// Whether and how a membership ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// It goes on.
    #[default]
    No,
    /// What was there at the start is done.
    Reached,
    /// It leaves in order.
    Closing,
    /// It left.
    Closed,
    /// It was dropped.
    Abandoned,
}

impl Desk {
    /// Reports whether more messages may be taken in.
    pub(crate) fn has_room(&self, max_in_flight: usize) -> bool {
        self.waiting.len() < max_in_flight && self.waiting_bytes < WAITING_BYTES
    }

    /// Returns how many are in flight: handed out and not durably settled.
    pub(crate) fn in_flight(&self) -> usize {
        self.held.len() + self.settling.values().sum::<usize>() + self.unsaved()
    }

    /// Returns how many are settled and not durably so.
    pub(crate) fn unsaved(&self) -> usize {
        self.parts.values().map(|part| part.kind.unsaved()).sum()
    }

    /// Notes what the app is to be told.
    pub(crate) fn fail(&mut self, failed: TransportError) {
        if !is_kept(&failed) {
            self.keep_gaps();
        }
        self.failed.push_back(failed);
    }

    /// Forgets what went wrong, but neither what was missed nor a warning.
    pub(crate) fn keep_gaps(&mut self) {
        self.failed.retain(is_kept);
    }

    /// Takes out what will not pass.
    pub(crate) fn take_refusal(&mut self) -> Option<TransportError> {
        let is_final = |failed: &TransportError| !failed.is_transient() && !is_kept(failed);
        let at = self.failed.iter().position(is_final)?;
        self.failed.remove(at)
    }

    /// Takes out what is missing, or a warning.
    pub(crate) fn take_gap(&mut self) -> Option<TransportError> {
        let at = self.failed.iter().position(is_kept)?;
        self.failed.remove(at)
    }

    /// Notes that the app is there.
    pub(crate) fn is_seen(&mut self) {
        self.seen = Some(Instant::now());
    }

    /// Reports whether nobody has worked for longer than a lease, though there is something to do.
    pub(crate) fn stands_still(&self, lease: Duration) -> bool {
        let now = Instant::now();
        let is_long = |since: Option<Instant>| since.is_some_and(|since| now - since > lease);
        let is_left = self.present == 0
            && is_long(self.waiting_since)
            && self.seen.is_none_or(|seen| now - seen > lease);
        is_left || self.held.values().any(|held| held.until < now)
    }

    /// Takes a message in behind the others.
    pub(crate) fn admit(&mut self, waiting: Waiting) {
        self.waiting_since.get_or_insert_with(Instant::now);
        self.waiting_bytes += waiting.bytes();
        self.waiting.push_back(waiting);
    }

    /// Takes a message in that had been handed out, before the later ones of its partition.
    pub(crate) fn put_back(&mut self, waiting: Waiting) {
        let Claim { part, offset, .. } = waiting.claim;
        if !self.parts.contains_key(&part) {
            return;
        }
        self.waiting_bytes += waiting.bytes();
        let later = |other: &Waiting| other.claim.part == part && other.claim.offset > offset;
        let index = self.waiting.iter().position(later);
        match index {
            Some(index) => self.waiting.insert(index, waiting),
            None => self.waiting.push_front(waiting),
        }
    }

    pub(crate) fn hand_out(&mut self, max: usize, until: Instant) -> Vec<Delivery> {
        let mut deliveries = Vec::with_capacity(self.waiting.len().min(max));
        let mut kept = Vec::new();
        while deliveries.len() < max
            && let Some(waiting) = self.waiting.pop_front()
        {
            if self.leaving.contains(&waiting.claim.part) {
                kept.push(waiting);
                continue;
            }
            self.waiting_bytes -= waiting.bytes();
            self.last_ticket += 1;
            let ticket = Ticket(self.last_ticket);
            let claim = waiting.claim;
            self.held.insert(ticket, Held { claim, until });
            let (stored, attempts) = (waiting.stored, waiting.attempts);
            deliveries.push(Delivery::new(stored, attempts, waiting.lineage, ticket));
        }
        for waiting in kept.into_iter().rev() {
            self.waiting.push_front(waiting);
        }
        if self.waiting.is_empty() {
            self.waiting_since = None;
        }
        deliveries
    }

    /// Notes that the group has told what is ours.
    pub(crate) fn is_given(&mut self) {
        self.assigned = true;
        self.given += 1;
        if std::mem::take(&mut self.is_joining) {
            self.joined += 1;
        }
    }

    /// Takes on a partition.
    pub(crate) fn own(&mut self, part: Part) -> PartId {
        self.last_part += 1;
        let id = PartId(self.last_part);
        self.places
            .insert((Arc::clone(&part.name), part.partition), id);
        self.parts.insert(id, part);
        id
    }

    /// Returns the number of a partition that is ours.
    pub(crate) fn part(&self, name: &str, partition: i32) -> Option<PartId> {
        self.places.get(&(name.into(), partition)).copied()
    }

    /// Reports whether nothing of these partitions is worked on or being settled.
    pub(crate) fn is_quiet(&self, parts: &HashSet<PartId>) -> bool {
        let now = Instant::now();
        let mut held = self.held.values();
        let held = held.any(|held| parts.contains(&held.claim.part) && held.until > now);
        !held && !self.settling.keys().any(|part| parts.contains(part))
    }

    /// Gives partitions up: what is handed out of them is lost.
    pub(crate) fn disown(&mut self, parts: &HashSet<PartId>) {
        let gone = |part: &PartId| parts.contains(part);
        self.parts.retain(|part, _| !gone(part));
        self.places.retain(|_, part| !gone(part));
        self.held.retain(|_, held| !gone(&held.claim.part));
        self.retrying.retain(|_, part| !gone(part));
        self.leaving.retain(|part| !gone(part));
        self.waiting.retain(|waiting| !gone(&waiting.claim.part));
        self.waiting_bytes = self.waiting.iter().map(Waiting::bytes).sum();
        if self.waiting.is_empty() {
            self.waiting_since = None;
        }
    }

    /// Returns a partition of retries.
    pub(crate) fn retries(&mut self, part: PartId) -> Option<&mut Retries> {
        match &mut self.parts.get_mut(&part)?.kind {
            Kind::Retries(retries) => Some(retries),
            Kind::Messages { .. } => None,
        }
    }

    /// Reports whether a bounded membership is done: what was there at the start is settled, what was due is tried again,
    /// and so are the retries of ours.
    pub(crate) fn is_done(&mut self, joined: i64) -> bool {
        let is_idle = self.waiting.is_empty()
            && self.held.is_empty()
            && self.settling.is_empty()
            && self.retrying.is_empty();
        self.assigned
            && !self.awaits_legacy
            && !self.awaits_group
            && is_idle
            && self.parts.values_mut().all(|part| match &mut part.kind {
                Kind::Messages { tracker, end, .. } => {
                    end.is_none_or(|end| tracker.is_settled_before(end))
                }
                // What is due of it is waited for, but not without end.
                Kind::Retries(retries) if retries.is_legacy() => true,
                Kind::Retries(retries) => {
                    let next = retries.pending.next();
                    retries.is_read() && next.is_none_or(|next| next > joined)
                }
            })
    }

    /// Begins to make a verdict true.
    pub(crate) fn begin(&mut self, ticket: Ticket) -> Option<Claim> {
        let held = self.held.remove(&ticket)?;
        *self.settling.entry(held.claim.part).or_default() += 1;
        Some(held.claim)
    }

    /// Notes that a verdict was made true, or could not be.
    pub(crate) fn conclude(&mut self, claim: &Claim) {
        if let Some(count) = self.settling.get_mut(&claim.part) {
            *count -= 1;
            if *count == 0 {
                self.settling.remove(&claim.part);
            }
        }
    }

    /// Notes that a message of a topic is dealt with; reports whether it still was ours.
    pub(crate) fn settle(&mut self, claim: &Claim) -> bool {
        let Some(part) = self.parts.get_mut(&claim.part) else {
            return false;
        };
        if let Kind::Messages { tracker, .. } = &mut part.kind {
            tracker.settle(claim.offset);
        }
        true
    }
}

/// Reports whether the app is to be told in any case; nothing ends with it.
fn is_kept(failed: &TransportError) -> bool {
    matches!(failed.kind(), ErrorKind::Gap | ErrorKind::Warning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backends::kafka::{consume::assignment::gap_recovery, error::error};

    #[test]
    fn no_gap_is_forgotten_for_another_failure() {
        let mut desk = Desk::default();
        desk.fail(error(ErrorKind::Unavailable, "gone"));
        desk.fail(gap_recovery::removed("orders", 0, 1, 5));
        desk.fail(gap_recovery::removed("orders", 1, 1, 9));
        desk.fail(error(ErrorKind::Unavailable, "gone again"));
        desk.fail(error(ErrorKind::Denied, "not yours"));
        assert_eq!(desk.take_refusal().unwrap().kind(), ErrorKind::Denied);
        let left: Vec<ErrorKind> = desk.failed.iter().map(TransportError::kind).collect();
        assert_eq!(left, [ErrorKind::Gap, ErrorKind::Gap]);
    }
}
