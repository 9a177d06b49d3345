//! Deliveries of a subscription: what a verdict needs to settle one, and when a partition has none left.
//!
//! The order of a partition is that of its offsets: a returned message goes back in front of the later ones of its
//! partition. Bytes are bounded here and not by librdkafka alone, because what the client hands over leaves its queues.

use std::{collections::HashSet, time::Instant};

use bytes::Bytes;

use crate::{
    backends::{
        delivery_buffer::{DeliveryBuffer, Fetched},
        kafka::{
            codec::{
                record::{self, FetchedRecord, LINEAGE},
                topic_partition::TopicPartition,
            },
            consume::assignment::partition::AssignmentId,
        },
    },
    event::{Stored, Topic},
    transport::Attempts,
};

/// The most bytes of messages that are buffered.
const MAX_BYTES: usize = 8 << 20;

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

impl AckHandle {
    /// Reports whether a delivery is of the same partition, and behind this one.
    pub(crate) fn precedes(&self, other: &Self) -> bool {
        other.assignment == self.assignment && other.offset > self.offset
    }
}

/// Returns the first delivery of a message of a topic.
pub(crate) fn first(
    assignment: AssignmentId,
    topic: Topic,
    record: FetchedRecord,
) -> Fetched<AckHandle> {
    let lineage = record.marks.get(LINEAGE);
    let lineage = lineage.and_then(|text| serde_json::from_slice(text).ok());
    let offset = record.offset;
    let stored = Stored {
        position: record::position(&topic, record.partition, offset),
        time: record.time,
        message: record.message(topic),
    };
    Fetched {
        stored,
        attempts: Attempts::default(),
        lineage,
        handle: AckHandle {
            assignment,
            offset,
            retry: None,
        },
    }
}

/// Reports whether more may be buffered.
pub(crate) fn has_room(deliveries: &DeliveryBuffer<AckHandle>, max: usize) -> bool {
    deliveries.buffered() < max && deliveries.bytes() < MAX_BYTES
}

/// Reports whether nothing of these partitions is worked on under a valid lease, or being settled.
pub(crate) fn is_drained(
    deliveries: &DeliveryBuffer<AckHandle>,
    partitions: &HashSet<AssignmentId>,
    now: Instant,
) -> bool {
    let mut in_flight = deliveries.in_flight().iter();
    !in_flight.any(|leased| partitions.contains(&leased.handle.assignment) && leased.is_held(now))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::event::{Message, Position};

    fn deliveries(fetched: &[(u64, i64)]) -> DeliveryBuffer<AckHandle> {
        let mut deliveries = DeliveryBuffer::default();
        for (assignment, offset) in fetched {
            deliveries.admit(Fetched {
                stored: Stored {
                    position: Position::new("order/0/0"),
                    time: SystemTime::UNIX_EPOCH,
                    message: Message::new("order".parse().unwrap(), "x"),
                },
                attempts: Attempts::default(),
                lineage: None,
                handle: AckHandle {
                    assignment: AssignmentId(*assignment),
                    offset: *offset,
                    retry: None,
                },
            });
        }
        deliveries
    }

    #[test]
    fn a_returned_message_precedes_later_ones_of_its_partition() {
        let mut buffer = deliveries(&[(1, 3), (2, 7), (1, 4)]);
        let first = buffer.hand_out(1, Instant::now(), |_| true).remove(0);
        let leased = buffer.in_flight_mut().settle(first.ticket()).unwrap();
        let place = leased.handle.clone();
        let returned = Fetched::again(first, leased.handle);
        buffer.requeue(returned, |other| place.precedes(other));
        let offsets: Vec<i64> = buffer.handles().map(|handle| handle.offset).collect();
        assert_eq!(offsets, [7, 3, 4]);
    }

    #[test]
    fn a_partition_is_drained_without_valid_leases_and_open_verdicts() {
        let mut buffer = deliveries(&[(1, 0), (2, 0)]);
        let (now, one) = (Instant::now(), HashSet::from([AssignmentId(1)]));
        let until = now + Duration::from_secs(9);
        let ticket = buffer.hand_out(2, until, |_| true)[0].ticket();
        assert!(!is_drained(&buffer, &one, now));
        assert!(is_drained(&buffer, &one, until));
        buffer.in_flight_mut().begin_settle(ticket).unwrap();
        assert!(!is_drained(&buffer, &one, until));
        buffer.in_flight_mut().end_settle(ticket);
        assert!(is_drained(&buffer, &one, now));
    }

    #[test]
    fn room_is_bounded_by_count() {
        let buffer = deliveries(&[(1, 0)]);
        assert!(has_room(&buffer, 2) && !has_room(&buffer, 1));
    }
}
