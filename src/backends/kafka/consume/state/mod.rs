//! The state of a subscription: buffered, in-flight and settling deliveries, assigned partitions, and its lifecycle.
//!
//! Several threads share it under one lock (see [`session`](super::session)). Each part keeps its own invariants; what
//! concerns more than one of them is here, so that no thread sees a partition revoked and its deliveries still in flight.

pub(crate) mod assignment;
pub(crate) mod delivery;
pub(crate) mod lifecycle;

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use self::{assignment::Assignment, delivery::AckHandle, lifecycle::Lifecycle};
use crate::{
    backends::{
        delivery_buffer::{DeliveryBuffer, Fetched, errors::PendingErrors},
        kafka::{
            codec::record::FetchedRecord,
            connection::client::topic_ids::TopicIdentity,
            consume::{
                assignment::partition::{AssignmentId, PartitionKind},
                retry_topics::sources::Sources,
            },
        },
    },
    transport::Delivery,
};

/// The state of a subscription.
#[derive(Debug, Default)]
pub(crate) struct SessionState {
    pub(crate) deliveries: DeliveryBuffer<AckHandle>,
    pub(crate) assignment: Assignment,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) errors: PendingErrors,
    pub(crate) commits: CommitRequests,
    /// The topics that are read.
    pub(crate) sources: Sources,
    /// The polling thread waits for room in the buffer.
    pub(crate) awaits_room: bool,
}

/// Requests to commit now, which number each other.
#[derive(Debug, Default)]
pub(crate) struct CommitRequests {
    requested: u64,
    done: u64,
}

impl CommitRequests {
    /// Asks for a commit, and returns the number under which it is done.
    pub(crate) fn request(&mut self) -> u64 {
        self.requested += 1;
        self.requested
    }

    /// Returns the number up to which a commit that starts now does what was requested.
    pub(crate) fn requested(&self) -> u64 {
        self.requested
    }

    pub(crate) fn complete(&mut self, number: u64) {
        self.done = number;
    }

    pub(crate) fn is_done(&self, number: u64) -> bool {
        self.done >= number
    }

    pub(crate) fn has_open(&self) -> bool {
        self.requested > self.done
    }
}

impl SessionState {
    /// Counts what is delivered and not durably settled: after a crash it is delivered again.
    pub(crate) fn in_flight_count(&self) -> usize {
        self.deliveries.in_flight().len() + self.assignment.uncommitted()
    }

    /// Delivers at most `max` messages under leases.
    pub(crate) fn deliver(&mut self, max: usize, lease_until: Instant) -> Vec<Delivery> {
        let draining = &self.assignment.draining;
        self.deliveries.hand_out(max, lease_until, |handle| {
            !draining.contains(&handle.assignment)
        })
    }

    /// Puts a delivery back into the buffer, unless its partition was revoked.
    pub(crate) fn requeue(&mut self, delivery: Delivery, handle: AckHandle) {
        if self.assignment.contains(handle.assignment) {
            let place = handle.clone();
            let returned = Fetched::again(delivery, handle);
            self.deliveries
                .requeue(returned, |other| place.precedes(other));
        }
    }

    /// Adds a record of an assigned partition.
    pub(crate) fn admit(&mut self, id: AssignmentId, record: FetchedRecord, now: i64) {
        let Some(partition) = self.assignment.partitions.get_mut(&id) else {
            return;
        };
        match &mut partition.kind {
            PartitionKind::Retries(retries) => {
                retries.seen = retries.seen.max(record.offset + 1);
                retries.index.take(&record, now);
            }
            PartitionKind::Messages { topic, tracker, .. } => {
                if tracker.is_new(record.offset) {
                    let message = delivery::first(id, topic.clone(), record);
                    self.deliveries.admit(message);
                }
            }
        }
    }

    /// Removes partitions; leases on their deliveries are lost.
    pub(crate) fn revoke(&mut self, partitions: &HashSet<AssignmentId>) {
        self.assignment.revoke(partitions);
        self.deliveries
            .retain(|handle| !partitions.contains(&handle.assignment));
    }

    /// Reads a partition of messages from an offset, as if it had just been assigned.
    pub(crate) fn restart(
        &mut self,
        id: AssignmentId,
        offset: i64,
        identity: Option<TopicIdentity>,
    ) {
        if let Some(ended) = self.assignment.restart(id, offset, identity) {
            self.revoke(&HashSet::from([ended]));
        }
    }

    /// Reports whether callers have not worked for longer than a lease, though there is something to do.
    pub(crate) fn is_stalled(&self, lease: Duration) -> bool {
        let now = Instant::now();
        let since = self.deliveries.since();
        let is_left = since.is_some_and(|since| now - since > lease)
            && self.lifecycle.is_unattended(now, lease);
        is_left || self.deliveries.in_flight().has_expired(now)
    }

    /// Reports whether a bounded subscription has settled everything up to its end, and retries that were due by
    /// `joined`, or that it stored itself.
    pub(crate) fn is_done(&mut self, joined: i64) -> bool {
        self.lifecycle.has_joined()
            && !self.lifecycle.awaits_legacy_retries
            && !self.lifecycle.awaits_owners
            && self.deliveries.len() == 0
            && self.assignment.is_done(joined)
    }
}
