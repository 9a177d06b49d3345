//! Messages that were fetched and not delivered yet.
//!
//! The order of a partition is that of its offsets: a returned message goes back in front of the later ones of its
//! partition. Bytes are bounded here and not by librdkafka alone, because what the client hands over leaves its queues.

use std::{
    collections::{HashSet, VecDeque},
    time::Instant,
};

use crate::{
    backends::kafka::{
        codec::record::{self, FetchedRecord, LINEAGE},
        consume::{assignment::partition::AssignmentId, state::in_flight::AckHandle},
    },
    event::{Stored, Topic},
    transport::{Attempts, Delivery, Lineage},
};

/// The most bytes of messages.
const MAX_BYTES: usize = 8 << 20;
/// What a message takes beside its bytes, about.
const OVERHEAD: usize = 512;

/// A fetched message.
#[derive(Debug)]
pub(crate) struct Buffered {
    pub(crate) stored: Stored,
    pub(crate) attempts: Attempts,
    pub(crate) lineage: Option<Box<Lineage>>,
    pub(crate) handle: AckHandle,
}

impl Buffered {
    /// Returns the first delivery of a message of a topic.
    pub(crate) fn fresh(assignment: AssignmentId, topic: Topic, record: FetchedRecord) -> Self {
        let lineage = record.marks.get(LINEAGE);
        let lineage = lineage.and_then(|text| serde_json::from_slice(text).ok());
        let offset = record.offset;
        let stored = Stored {
            position: record::position(&topic, record.partition, offset),
            time: record.time,
            message: record.message(topic),
        };
        Self {
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

    /// Returns a delivery that goes back into the buffer.
    pub(crate) fn returned(delivery: Delivery, handle: AckHandle) -> Self {
        Self {
            stored: delivery.stored,
            attempts: delivery.attempts,
            lineage: delivery.lineage,
            handle,
        }
    }

    fn bytes(&self) -> usize {
        self.stored.message.bytes().len() + OVERHEAD
    }
}

/// Fetched messages in the order of their delivery.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    queue: VecDeque<Buffered>,
    bytes: usize,
    /// Since when it is not empty.
    since: Option<Instant>,
}

impl Buffer {
    pub(crate) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns since when it has had messages.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Reports whether more may be fetched.
    pub(crate) fn has_room(&self, max: usize) -> bool {
        self.queue.len() < max && self.bytes < MAX_BYTES
    }

    /// Adds a message behind the others.
    pub(crate) fn push(&mut self, message: Buffered) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += message.bytes();
        self.queue.push_back(message);
    }

    /// Adds a message that had been delivered, before the later ones of its partition.
    pub(crate) fn put_back(&mut self, message: Buffered) {
        self.bytes += message.bytes();
        let (assignment, offset) = (message.handle.assignment, message.handle.offset);
        let is_later = |other: &Buffered| {
            other.handle.assignment == assignment && other.handle.offset > offset
        };
        match self.queue.iter().position(is_later) {
            Some(index) => self.queue.insert(index, message),
            None => self.queue.push_front(message),
        }
    }

    /// Takes the first `max` messages, but leaves those of the partitions in `draining` where they are.
    pub(crate) fn take(&mut self, max: usize, draining: &HashSet<AssignmentId>) -> Vec<Buffered> {
        let mut taken = Vec::with_capacity(self.queue.len().min(max));
        let mut kept = Vec::new();
        while taken.len() < max
            && let Some(message) = self.queue.pop_front()
        {
            if draining.contains(&message.handle.assignment) {
                kept.push(message);
                continue;
            }
            self.bytes -= message.bytes();
            taken.push(message);
        }
        for message in kept.into_iter().rev() {
            self.queue.push_front(message);
        }
        self.note_empty();
        taken
    }

    /// Drops the messages of partitions.
    pub(crate) fn revoke(&mut self, partitions: &HashSet<AssignmentId>) {
        self.queue
            .retain(|message| !partitions.contains(&message.handle.assignment));
        self.bytes = self.queue.iter().map(Buffered::bytes).sum();
        self.note_empty();
    }

    fn note_empty(&mut self) {
        if self.queue.is_empty() {
            self.since = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::event::{Message, Position};

    fn message(assignment: u64, offset: i64) -> Buffered {
        let topic: Topic = "order".parse().unwrap();
        Buffered {
            stored: Stored {
                position: Position::new("order/0/0"),
                time: SystemTime::UNIX_EPOCH,
                message: Message::new(topic, "x"),
            },
            attempts: Attempts::default(),
            lineage: None,
            handle: AckHandle {
                assignment: AssignmentId(assignment),
                offset,
                retry: None,
            },
        }
    }

    fn offsets(messages: &[Buffered]) -> Vec<i64> {
        let offsets = messages.iter().map(|message| message.handle.offset);
        offsets.collect()
    }

    fn buffer() -> Buffer {
        let mut buffer = Buffer::default();
        for (assignment, offset) in [(1, 3), (2, 7), (1, 4)] {
            buffer.push(message(assignment, offset));
        }
        buffer
    }

    #[test]
    fn a_returned_message_precedes_later_ones_of_its_partition() {
        let mut buffer = buffer();
        let mut taken = buffer.take(1, &HashSet::new());
        buffer.put_back(taken.remove(0));
        assert_eq!(offsets(&buffer.take(9, &HashSet::new())), [7, 3, 4]);
        assert_eq!(buffer.bytes, 0);
    }

    #[test]
    fn messages_of_draining_partitions_stay() {
        let mut buffer = buffer();
        let draining = HashSet::from([AssignmentId(1)]);
        assert_eq!(offsets(&buffer.take(9, &draining)), [7]);
        assert!(buffer.since().is_some());
        assert_eq!(offsets(&buffer.take(9, &HashSet::new())), [3, 4]);
        assert!(buffer.since().is_none());
    }

    #[test]
    fn revoked_messages_free_their_bytes() {
        let mut buffer = buffer();
        buffer.revoke(&HashSet::from([AssignmentId(1)]));
        assert_eq!(buffer.len(), 1);
        assert_eq!(buffer.bytes, message(2, 7).bytes());
        assert!(buffer.has_room(2) && !buffer.has_room(1));
        buffer.revoke(&HashSet::from([AssignmentId(2)]));
        assert!(buffer.is_empty() && buffer.since().is_none());
    }
}
