//! Copies of events that are being handled: they wait, so that only one of them is run.
//!
//! A copy of what this consumer has in flight waits until that is settled, and then counts as a duplicate or goes back. A copy
//! of what another consumer has in flight goes back uncounted after a pause. What was settled while a request was under way
//! is remembered until its answer is sorted: its marks may have been looked up before.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use super::lookup::{Copied, Fetched};
use crate::{
    event::HandlingKey,
    runtime::consume::{
        run::{finished::LeftOut, verdict::dead_letter},
        settlements::Settlements,
    },
    transport::{DeadLetterKind, Delivery, Failure, Ticket, Verdict},
};

/// How long a copy of what another consumer handles is kept from being delivered again.
const PAUSE: Duration = Duration::from_millis(500);

/// See the module.
#[derive(Default)]
pub(in crate::runtime::consume) struct Copies {
    /// The keys in flight here, and the copies that wait for each.
    here: HashMap<HandlingKey, Vec<Delivery>>,
    /// The keys that were settled for good since the latest request.
    ended: HashSet<HandlingKey>,
    elsewhere: Vec<(Instant, Delivery)>,
    waiting: usize,
}

impl Copies {
    /// Counts the copies that wait.
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.waiting + self.elsewhere.len()
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let here = self.here.values().flatten();
        let elsewhere = self.elsewhere.iter().map(|(_, delivery)| delivery);
        here.chain(elsewhere).map(Delivery::ticket)
    }

    /// Notes that deliveries are asked for: their marks will tell what is settled by now.
    pub(in crate::runtime::consume) fn ask(&mut self) {
        self.ended.clear();
    }

    /// Settles copies of what was handled, and keeps those of what is being handled; returns what is to be run.
    pub(in crate::runtime::consume) fn admit(
        &mut self,
        fetched: Fetched,
        settlements: &mut Settlements,
    ) -> Vec<Delivery> {
        // First what is to be run: copies that were fetched with it wait for it here.
        let run = fetched.run.into_iter();
        let run = run
            .filter_map(|delivery| self.begin(delivery, settlements))
            .collect();
        for (mut delivery, key, copied) in fetched.copies {
            match copied {
                Copied::Settled => settlements.ack(delivery, Some(LeftOut::Duplicate)),
                Copied::InProgress => self.wait(key, delivery),
                Copied::Unknown => {
                    delivery.set_mark(Some(key));
                    if let Some(delivery) = self.begin(delivery, settlements) {
                        let verdict = dead_letter(DeadLetterKind::Unknown, Failure::unknown());
                        settlements.conclude(delivery, verdict, false);
                    }
                }
            }
        }
        run
    }

    /// Takes a delivery that is to be run or given up; returns it unless a copy of it is in flight, or was until now.
    fn begin(&mut self, mut delivery: Delivery, settlements: &mut Settlements) -> Option<Delivery> {
        let Some(key) = delivery.marked() else {
            return Some(delivery);
        };
        if self.ended.contains(&key) {
            delivery.set_mark(None);
            settlements.ack(delivery, Some(LeftOut::Duplicate));
            return None;
        }
        if let Some(copies) = self.here.get_mut(&key) {
            delivery.set_mark(None);
            copies.push(delivery);
            self.waiting += 1;
            return None;
        }
        self.here.insert(key, Vec::new());
        Some(delivery)
    }

    /// Takes a copy of what is being handled, here or elsewhere.
    fn wait(&mut self, key: HandlingKey, delivery: Delivery) {
        match self.here.get_mut(&key) {
            Some(copies) => {
                copies.push(delivery);
                self.waiting += 1;
            }
            None => self.elsewhere.push((Instant::now() + PAUSE, delivery)),
        }
    }

    /// Settles the copies of an event that is settled: if that was final they are duplicates, else they go back.
    pub(in crate::runtime::consume) fn settled(
        &mut self,
        key: HandlingKey,
        is_final: bool,
        settlements: &mut Settlements,
    ) {
        let copies = self.here.remove(&key).unwrap_or_default();
        self.waiting -= copies.len();
        if is_final {
            self.ended.insert(key);
        }
        for copy in copies {
            if is_final {
                settlements.ack(copy, Some(LeftOut::Duplicate));
            } else {
                settlements.conclude(copy, Verdict::Return, false);
            }
        }
    }

    /// Returns the time at which the first copy of what another consumer handles goes back.
    pub(in crate::runtime::consume) fn wake_at(&self) -> Option<Instant> {
        self.elsewhere.iter().map(|(until, _)| *until).min()
    }

    /// Gives back copies of what another consumer handles, once they have waited.
    pub(in crate::runtime::consume) fn give_back(
        &mut self,
        now: Instant,
        settlements: &mut Settlements,
    ) {
        let due = self.elsewhere.extract_if(.., |(until, _)| *until <= now);
        for (_, delivery) in due {
            settlements.conclude(delivery, Verdict::Return, false);
        }
    }

    /// Returns all copies.
    pub(in crate::runtime::consume) fn drain(&mut self) -> Vec<Delivery> {
        self.waiting = 0;
        let here = self.here.values_mut().flat_map(std::mem::take);
        let elsewhere = self.elsewhere.drain(..).map(|(_, delivery)| delivery);
        here.chain(elsewhere).collect()
    }
}
