//! Deliveries that are not settled, under tickets and leases, and verdicts that are being carried out.
//!
//! A delivery is in exactly one of three states: delivered under a ticket, settling, or gone. A ticket is used once, so a
//! second verdict for a delivery, or one after its lease was lost, finds nothing.

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use bytes::Bytes;

use crate::{
    backends::kafka::{
        codec::topic_partition::TopicPartition, consume::assignment::partition::AssignmentId,
    },
    transport::Ticket,
};

/// What a verdict needs to settle a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AckHandle {
    pub(crate) assignment: AssignmentId,
    pub(crate) offset: i64,
    /// Where it is stored as a retry, if it is one.
    pub(crate) retry: Option<RetrySlot>,
}

/// A key of a retry topic: the last record under it is the retry, and an empty one ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RetrySlot {
    pub(crate) key: Bytes,
    pub(crate) at: TopicPartition,
}

#[derive(Debug)]
struct Delivered {
    handle: AckHandle,
    lease_until: Instant,
}

/// Deliveries that are not settled.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    delivered: HashMap<Ticket, Delivered>,
    /// How many verdicts are being carried out, by partition; no partition has zero.
    settling: HashMap<AssignmentId, usize>,
    last_ticket: u64,
}

impl InFlight {
    /// Counts deliveries, and verdicts that are being carried out.
    pub(crate) fn len(&self) -> usize {
        self.delivered.len() + self.settling.values().sum::<usize>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.delivered.is_empty() && self.settling.is_empty()
    }

    /// Notes a delivery, and returns the ticket by which it is settled.
    pub(crate) fn deliver(&mut self, handle: AckHandle, lease_until: Instant) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        let delivered = Delivered {
            handle,
            lease_until,
        };
        self.delivered.insert(ticket, delivered);
        ticket
    }

    /// Extends a lease; reports whether it was still held.
    pub(crate) fn extend(&mut self, ticket: Ticket, lease_until: Instant) -> bool {
        let delivered = self.delivered.get_mut(&ticket);
        delivered
            .map(|delivered| delivered.lease_until = lease_until)
            .is_some()
    }

    /// Begins to carry out a verdict; returns none if the lease was lost.
    pub(crate) fn begin_settle(&mut self, ticket: Ticket) -> Option<AckHandle> {
        let handle = self.delivered.remove(&ticket)?.handle;
        *self.settling.entry(handle.assignment).or_default() += 1;
        Some(handle)
    }

    /// Notes that a verdict was carried out, or failed.
    pub(crate) fn end_settle(&mut self, handle: &AckHandle) {
        if let Some(count) = self.settling.get_mut(&handle.assignment) {
            *count -= 1;
            if *count == 0 {
                self.settling.remove(&handle.assignment);
            }
        }
    }

    /// Reports whether a lease ran out before its delivery was settled.
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        let mut delivered = self.delivered.values();
        delivered.any(|delivered| delivered.lease_until < now)
    }

    /// Reports whether nothing of these partitions is worked on under a valid lease, or being settled.
    pub(crate) fn is_drained(&self, partitions: &HashSet<AssignmentId>, now: Instant) -> bool {
        let mut delivered = self.delivered.values();
        let is_held = delivered.any(|delivered| {
            partitions.contains(&delivered.handle.assignment) && delivered.lease_until > now
        });
        let mut settling = self.settling.keys();
        !is_held && !settling.any(|assignment| partitions.contains(assignment))
    }

    /// Drops the deliveries of partitions: their leases are lost. Verdicts that are being carried out end by themselves.
    pub(crate) fn revoke(&mut self, partitions: &HashSet<AssignmentId>) {
        self.delivered
            .retain(|_, delivered| !partitions.contains(&delivered.handle.assignment));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn handle(assignment: u64) -> AckHandle {
        AckHandle {
            assignment: AssignmentId(assignment),
            offset: 0,
            retry: None,
        }
    }

    #[test]
    fn a_ticket_settles_once() {
        let mut in_flight = InFlight::default();
        let now = Instant::now();
        let ticket = in_flight.deliver(handle(1), now);
        assert_eq!(in_flight.len(), 1);
        let settled = in_flight.begin_settle(ticket).unwrap();
        assert_eq!(in_flight.begin_settle(ticket), None);
        assert!(!in_flight.extend(ticket, now));
        assert_eq!(in_flight.len(), 1, "it is still being settled");
        in_flight.end_settle(&settled);
        assert!(in_flight.is_empty());
    }

    #[test]
    fn a_partition_is_drained_without_valid_leases_and_open_verdicts() {
        let mut in_flight = InFlight::default();
        let (now, one) = (Instant::now(), HashSet::from([AssignmentId(1)]));
        let later = now + Duration::from_secs(9);
        let ticket = in_flight.deliver(handle(1), later);
        in_flight.deliver(handle(2), later);
        assert!(!in_flight.is_drained(&one, now));
        assert!(in_flight.is_drained(&one, later + Duration::from_secs(1)));
        let settled = in_flight.begin_settle(ticket).unwrap();
        assert!(!in_flight.is_drained(&one, later + Duration::from_secs(1)));
        in_flight.end_settle(&settled);
        assert!(in_flight.is_drained(&one, now));
    }

    #[test]
    fn revoked_deliveries_lose_their_lease() {
        let mut in_flight = InFlight::default();
        let now = Instant::now();
        let (lost, kept) = (
            in_flight.deliver(handle(1), now),
            in_flight.deliver(handle(2), now),
        );
        in_flight.revoke(&HashSet::from([AssignmentId(1)]));
        assert!(!in_flight.extend(lost, now) && in_flight.extend(kept, now));
        assert!(in_flight.has_expired(now + Duration::from_secs(1)));
    }
}
