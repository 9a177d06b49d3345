//! Deliveries in flight: each under its ticket until a verdict took effect, it was revoked, or its lease ended.

use std::{collections::HashMap, time::Instant};

use crate::transport::Ticket;

/// Deliveries that were handed out and are not settled, each under its ticket and its lease.
#[derive(Debug)]
pub(crate) struct InFlight<H, L = Instant> {
    leased: HashMap<Ticket, Leased<H, L>>,
    /// No lease ends before: looking for ended ones costs nothing until then.
    earliest: Option<L>,
}

/// A delivery under its lease.
#[derive(Debug)]
pub(crate) struct Leased<H, L = Instant> {
    pub(crate) handle: H,
    /// When the lease ends.
    pub(crate) until: L,
    is_settling: bool,
}

impl<H, L: Copy + Ord> Leased<H, L> {
    /// Reports whether it is worked on under a valid lease, or its verdict is taking effect.
    pub(crate) fn is_held(&self, now: L) -> bool {
        self.is_settling || self.until > now
    }
}

impl<H, L> Default for InFlight<H, L> {
    fn default() -> Self {
        Self {
            leased: HashMap::new(),
            earliest: None,
        }
    }
}

impl<H, L> InFlight<H, L> {
    /// Returns how many there are, those included whose verdict is taking effect.
    pub(crate) fn len(&self) -> usize {
        self.leased.len()
    }

    /// Returns all of them, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Leased<H, L>> {
        self.leased.values()
    }

    /// Returns the handle of a delivery that can be settled.
    pub(crate) fn get(&self, ticket: Ticket) -> Option<&H> {
        let leased = self.leased.get(&ticket)?;
        (!leased.is_settling).then_some(&leased.handle)
    }

    /// Reports whether a verdict is taking effect.
    pub(crate) fn is_settling(&self, ticket: Ticket) -> bool {
        let leased = self.leased.get(&ticket);
        leased.is_some_and(|leased| leased.is_settling)
    }

    /// Settles a delivery at once; none if it is not in flight, or its verdict is taking effect.
    pub(crate) fn settle(&mut self, ticket: Ticket) -> Option<Leased<H, L>> {
        self.get(ticket)?;
        self.leased.remove(&ticket)
    }

    /// Begins to settle a delivery, which keeps its room until [`end_settle`](Self::end_settle); none if it is not in
    /// flight, or its verdict is taking effect.
    pub(crate) fn begin_settle(&mut self, ticket: Ticket) -> Option<&H> {
        let leased = self.leased.get_mut(&ticket)?;
        if leased.is_settling {
            return None;
        }
        leased.is_settling = true;
        Some(&leased.handle)
    }

    /// Ends what [`begin_settle`](Self::begin_settle) began, however it went.
    pub(crate) fn end_settle(&mut self, ticket: Ticket) -> Option<H> {
        if !self.leased.get(&ticket)?.is_settling {
            return None;
        }
        self.leased.remove(&ticket).map(|leased| leased.handle)
    }

    /// Forgets those whose handle `keep` refuses, unless a verdict is taking effect.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&H) -> bool) {
        self.leased
            .retain(|_, leased| leased.is_settling || keep(&leased.handle));
    }

    /// Takes out those whose verdict is not taking effect, in order of their tickets.
    pub(crate) fn drain(&mut self) -> Vec<H> {
        self.extract(|_| true)
    }

    /// Takes out some of those whose verdict is not taking effect, in order of their tickets.
    pub(crate) fn extract(&mut self, mut which: impl FnMut(&Leased<H, L>) -> bool) -> Vec<H> {
        let mut out: Vec<_> = self
            .leased
            .extract_if(|_, leased| !leased.is_settling && which(leased))
            .collect();
        out.sort_unstable_by_key(|(ticket, _)| *ticket);
        out.into_iter().map(|(_, leased)| leased.handle).collect()
    }
}

impl<H, L: Copy + Ord> InFlight<H, L> {
    /// Adds a delivery whose lease ends at `until`.
    pub(crate) fn insert(&mut self, ticket: Ticket, handle: H, until: L) {
        self.earliest = Some(self.earliest.map_or(until, |earliest| earliest.min(until)));
        let leased = Leased {
            handle,
            until,
            is_settling: false,
        };
        self.leased.insert(ticket, leased);
    }

    /// Extends a lease and returns the handle; none if the delivery cannot be settled any more.
    pub(crate) fn extend(&mut self, ticket: Ticket, until: L) -> Option<&H> {
        let leased = self.leased.get_mut(&ticket)?;
        if leased.is_settling {
            return None;
        }
        leased.until = until;
        self.earliest = Some(self.earliest.map_or(until, |earliest| earliest.min(until)));
        Some(&leased.handle)
    }

    /// Extends leases and returns the tickets whose leases are lost. A delivery whose verdict is taking effect needs no
    /// lease any more, and is not lost.
    pub(crate) fn extend_all(&mut self, tickets: &[Ticket], until: L) -> Vec<Ticket> {
        let is_lost =
            |ticket: &Ticket| self.extend(*ticket, until).is_none() && !self.is_settling(*ticket);
        tickets.iter().copied().filter(is_lost).collect()
    }

    /// Takes out those whose lease ended by `now`, in order of their tickets.
    pub(crate) fn expire(&mut self, now: L) -> Vec<H> {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return Vec::new();
        }
        let expired = self.extract(|leased| leased.until <= now);
        self.earliest = self.leased.values().map(|leased| leased.until).min();
        expired
    }

    /// Reports whether a lease ended before `now` without a verdict.
    pub(crate) fn has_expired(&self, now: L) -> bool {
        self.leased
            .values()
            .any(|leased| !leased.is_settling && leased.until < now)
    }

    /// Returns a time before which no lease ends.
    pub(crate) fn earliest(&self) -> Option<L> {
        self.earliest
    }
}
