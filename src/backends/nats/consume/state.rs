//! The deliveries of a subscription: buffered, in flight under a lease, or waiting for a retry.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use async_nats::Subject;
use tokio::time::Instant;

use crate::{
    backends::nats::consume::attempts::FailedRun,
    event::Stored,
    transport::{Attempts, Delivery, Lineage, Ticket, TransportError},
};

/// A message that was fetched and not delivered yet.
#[derive(Debug)]
pub(crate) struct Buffered {
    pub(crate) stored: Stored,
    pub(crate) attempts: Attempts,
    /// The runs that failed.
    pub(crate) past: Vec<FailedRun>,
    pub(crate) lineage: Option<Box<Lineage>>,
    pub(crate) ack: AckHandle,
    pub(crate) since: Instant,
}

/// What the server knows a delivery by.
#[derive(Debug, Clone)]
pub(crate) struct AckHandle {
    pub(crate) reply: Subject,
    pub(crate) sequence: u64,
}

/// A message that was delivered and not settled.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) ack: AckHandle,
    pub(crate) until: Instant,
    pub(crate) past: Vec<FailedRun>,
}

/// The state of a subscription.
#[derive(Debug, Default)]
pub(crate) struct SessionState {
    pub(crate) buffered: VecDeque<Buffered>,
    pub(crate) in_flight: HashMap<Ticket, InFlight>,
    /// Own retries that were not delivered again yet, and when they are due.
    pub(crate) retrying: HashMap<u64, Instant>,
    /// Acknowledgements that the server has not confirmed.
    pub(crate) unconfirmed: Vec<Subject>,
    /// Messages that were delivered after a while in the buffer, for which an in-progress acknowledgement is due.
    pub(crate) stale: Vec<Subject>,
    /// How many messages the caller waits for.
    pub(crate) wanted: usize,
    pub(crate) closed: bool,
    pub(crate) ended: bool,
    pub(crate) failed: Option<TransportError>,
    /// Gaps and warnings that were not returned yet.
    pub(crate) notices: VecDeque<TransportError>,
    last_ticket: u64,
    /// No lease of a message in flight ends before.
    safe_until: Option<Instant>,
}

impl SessionState {
    /// Forgets messages whose lease has ended.
    pub(crate) fn expire(&mut self) {
        let now = Instant::now();
        if self.safe_until.is_none_or(|until| now < until) {
            return;
        }
        self.in_flight.retain(|_, one| one.until > now);
        self.safe_until = self.in_flight.values().map(|one| one.until).min();
    }

    /// Forgets everything, as sequences are other messages now. Returns how many messages were not delivered.
    pub(crate) fn forget_all(&mut self) -> u64 {
        let unread = self.buffered.len() as u64;
        self.buffered.clear();
        self.in_flight.clear();
        self.retrying.clear();
        self.unconfirmed.clear();
        self.stale.clear();
        unread
    }

    /// Returns the retries that are late: another member has them, or their messages are gone.
    pub(crate) fn late_retries(&self, late: Duration) -> Vec<u64> {
        let now = Instant::now();
        let is_late = |due: &Instant| *due + late <= now;
        let late = self.retrying.iter().filter(|(_, due)| is_late(due));
        late.map(|(sequence, _)| *sequence).collect()
    }

    /// Stops waiting for these retries.
    pub(crate) fn give_up_retries(&mut self, sequences: &[u64]) {
        for sequence in sequences {
            self.retrying.remove(sequence);
        }
    }

    /// Returns how many messages may still be fetched.
    pub(crate) fn room(&self, max_in_flight: usize) -> usize {
        max_in_flight.saturating_sub(self.in_flight.len() + self.buffered.len())
    }

    /// Delivers at most this many messages, and returns those that were buffered for longer than `fresh`: the server has
    /// to be sent an in-progress acknowledgement for them.
    pub(crate) fn deliver(
        &mut self,
        max: usize,
        until: Instant,
        fresh: Duration,
    ) -> (Vec<Delivery>, Vec<Subject>) {
        let count = self.buffered.len().min(max);
        let (mut deliveries, mut stale) = (Vec::with_capacity(count), Vec::new());
        if count > 0 {
            self.safe_until = Some(self.safe_until.map_or(until, |safe| safe.min(until)));
        }
        let now = Instant::now();
        for _ in 0..count {
            let Some(buffered) = self.buffered.pop_front() else {
                break;
            };
            self.last_ticket += 1;
            let ticket = Ticket(self.last_ticket);
            let ack = buffered.ack;
            if now - buffered.since > fresh {
                stale.push(ack.reply.clone());
            }
            let past = buffered.past;
            self.in_flight.insert(ticket, InFlight { ack, until, past });
            let (stored, attempts) = (buffered.stored, buffered.attempts);
            deliveries.push(Delivery::new(stored, attempts, buffered.lineage, ticket));
        }
        (deliveries, stale)
    }
}
