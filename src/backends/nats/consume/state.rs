//! What a membership has at hand: what came, what was handed out and until when, and what waits for its retry.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use async_nats::Subject;
use tokio::time::Instant;

use crate::{
    backends::nats::consume::attempts::Past,
    event::Stored,
    transport::{Attempts, Delivery, Lineage, Ticket, TransportError},
};

/// A message that came and was not handed out yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) stored: Stored,
    pub(crate) attempts: Attempts,
    /// What is known of the runs that failed.
    pub(crate) past: Vec<Past>,
    pub(crate) lineage: Option<Box<Lineage>>,
    pub(crate) claim: Claim,
    pub(crate) since: Instant,
}

/// What the server knows a delivery by.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) reply: Subject,
    pub(crate) number: u64,
}

/// A message that was handed out.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) claim: Claim,
    pub(crate) until: Instant,
    pub(crate) past: Vec<Past>,
}

/// What a membership has at hand.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) waiting: VecDeque<Waiting>,
    pub(crate) held: HashMap<Ticket, Held>,
    /// Retries of ours that have not come again, and when they are due.
    pub(crate) retrying: HashMap<u64, Instant>,
    /// Acknowledgements whose arrival was not confirmed.
    pub(crate) unconfirmed: Vec<Subject>,
    /// Messages handed out after they had waited, of which the server is to be told.
    pub(crate) overdue: Vec<Subject>,
    /// How many messages somebody waits for.
    pub(crate) demand: usize,
    pub(crate) closed: bool,
    pub(crate) ended: bool,
    pub(crate) failed: Option<TransportError>,
    /// What is to be said: gaps and warnings.
    pub(crate) notices: VecDeque<TransportError>,
    last_ticket: u64,
    /// No lease of what is held runs out before.
    safe_until: Option<Instant>,
}

impl Desk {
    /// Forgets what is not ours any more.
    pub(crate) fn expire(&mut self) {
        let now = Instant::now();
        if self.safe_until.is_none_or(|until| now < until) {
            return;
        }
        self.held.retain(|_, held| held.until > now);
        self.safe_until = self.held.values().map(|held| held.until).min();
    }

    /// Forgets everything: a number is another message now. Returns how many were not handed out.
    pub(crate) fn forget_all(&mut self) -> u64 {
        let unread = self.waiting.len() as u64;
        self.waiting.clear();
        self.held.clear();
        self.retrying.clear();
        self.unconfirmed.clear();
        self.overdue.clear();
        unread
    }

    /// Returns the retries that are late: another consumer has them, or their messages are gone.
    pub(crate) fn late_retries(&self, late: Duration) -> Vec<u64> {
        let now = Instant::now();
        let is_late = |due: &Instant| *due + late <= now;
        let late = self.retrying.iter().filter(|(_, due)| is_late(due));
        late.map(|(number, _)| *number).collect()
    }

    /// Waits for these retries no longer.
    pub(crate) fn give_up_retries(&mut self, numbers: &[u64]) {
        for number in numbers {
            self.retrying.remove(number);
        }
    }

    /// Returns how many messages may still be taken.
    pub(crate) fn room(&self, max_in_flight: usize) -> usize {
        max_in_flight.saturating_sub(self.held.len() + self.waiting.len())
    }

    /// Hands out at most so many messages; names those that waited longer than `fresh`, of which the server has to
    /// be told.
    pub(crate) fn hand_out(
        &mut self,
        max: usize,
        until: Instant,
        fresh: Duration,
    ) -> (Vec<Delivery>, Vec<Subject>) {
        let count = self.waiting.len().min(max);
        let (mut deliveries, mut stale) = (Vec::with_capacity(count), Vec::new());
        if count > 0 {
            self.safe_until = Some(self.safe_until.map_or(until, |safe| safe.min(until)));
        }
        let now = Instant::now();
        for _ in 0..count {
            let Some(waiting) = self.waiting.pop_front() else {
                break;
            };
            self.last_ticket += 1;
            let ticket = Ticket(self.last_ticket);
            let claim = waiting.claim;
            if now - waiting.since > fresh {
                stale.push(claim.reply.clone());
            }
            let past = waiting.past;
            self.held.insert(ticket, Held { claim, until, past });
            let (stored, attempts) = (waiting.stored, waiting.attempts);
            deliveries.push(Delivery::new(stored, attempts, waiting.lineage, ticket));
        }
        (deliveries, stale)
    }
}
