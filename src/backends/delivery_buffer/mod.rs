//! Deliveries of one subscription in memory: buffered, then in flight under a ticket and a lease; and waiting for more of
//! them.
//!
//! Kafka, NATS and SQLite fetch ahead of their caller, so that a call of `next` seldom waits for the broker; the memory
//! backend has its messages in memory, and uses [`InFlight`] and [`wait`] alone. A fetched message is **buffered** until the
//! caller asks for it. From then on it is **in flight** under its ticket until a verdict on it took effect, it was
//! revoked, or its lease ended. Three invariants live here, so that no backend keeps them by itself:
//!
//! 1. A ticket is given out once, however often its message is delivered. A verdict on an earlier delivery therefore
//!    never settles a later one.
//! 2. A delivery is settled at most once: while a verdict takes effect, the ticket neither settles nor extends.
//! 3. The room of a subscription counts what is buffered and what is in flight, verdicts that have not taken effect
//!    included. Otherwise, a slow settlement would let more messages in than the caller allowed.
//!
//! What a backend counts beside these stays with it: Kafka's settled offsets that are not committed take room too, and its
//! handles name an assignment, so that what a partition was revoked of is dropped by [`DeliveryBuffer::retain`].
//!
//! Everything here is plain data: the lock around it, and the thread or task that fills it, are the backend's.

pub(crate) mod errors;
pub(crate) mod in_flight;
pub(crate) mod wait;

use std::{collections::VecDeque, time::Instant};

use self::in_flight::InFlight;
use crate::{
    event::Stored,
    transport::{Attempts, Delivery, Lineage, Ticket},
};

/// Bytes that a buffered message needs beside its payload, roughly.
const OVERHEAD: usize = 512;

/// A message that was fetched, and the handle by which its backend settles it.
#[derive(Debug)]
pub(crate) struct Fetched<H> {
    pub(crate) stored: Stored,
    pub(crate) attempts: Attempts,
    pub(crate) lineage: Option<Box<Lineage>>,
    pub(crate) handle: H,
}

impl<H> Fetched<H> {
    /// Turns a delivery that comes back unhandled into a fetched message.
    pub(crate) fn again(delivery: Delivery, handle: H) -> Self {
        Self {
            stored: delivery.stored,
            attempts: delivery.attempts,
            lineage: delivery.lineage,
            handle,
        }
    }
}

/// The deliveries of a subscription: `H` is the handle by which the backend settles one, `L` the time at which a lease ends.
/// A backend whose broker keeps the leases has `()` for it.
#[derive(Debug)]
pub(crate) struct DeliveryBuffer<H, L = Instant> {
    buffered: VecDeque<(Delivery, H)>,
    bytes: usize,
    /// When the buffer was empty last.
    since: Option<Instant>,
    in_flight: InFlight<H, L>,
    last_ticket: u64,
}

impl<H, L> Default for DeliveryBuffer<H, L> {
    fn default() -> Self {
        Self {
            buffered: VecDeque::new(),
            bytes: 0,
            since: None,
            in_flight: InFlight::default(),
            last_ticket: 0,
        }
    }
}

impl<H, L: Copy + Ord> DeliveryBuffer<H, L> {
    /// Buffers a message behind the others.
    pub(crate) fn admit(&mut self, fetched: Fetched<H>) {
        let (delivery, handle) = self.deliver(fetched);
        self.admit_delivery(delivery, handle);
    }

    /// Buffers a delivery whose ticket the store gave out.
    pub(crate) fn admit_delivery(&mut self, delivery: Delivery, handle: H) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += size(&delivery);
        self.buffered.push_back((delivery, handle));
    }

    /// Buffers a message that comes back, under a new ticket: before the first for which `is_later` holds, else in front.
    pub(crate) fn requeue(&mut self, fetched: Fetched<H>, is_later: impl Fn(&H) -> bool) {
        let (delivery, handle) = self.deliver(fetched);
        self.since.get_or_insert_with(Instant::now);
        self.bytes += size(&delivery);
        let later = self.buffered.iter().position(|(_, other)| is_later(other));
        self.buffered.insert(later.unwrap_or(0), (delivery, handle));
    }

    fn deliver(&mut self, fetched: Fetched<H>) -> (Delivery, H) {
        self.last_ticket += 1;
        let Fetched {
            stored,
            attempts,
            lineage,
            handle,
        } = fetched;
        let ticket = Ticket(self.last_ticket);
        (Delivery::new(stored, attempts, lineage, ticket), handle)
    }

    /// Hands out at most `max` deliveries whose leases end at `until`; those that `may_go` refuses stay buffered in their
    /// order.
    pub(crate) fn hand_out(
        &mut self,
        max: usize,
        until: L,
        mut may_go: impl FnMut(&H) -> bool,
    ) -> Vec<Delivery> {
        let mut deliveries = Vec::with_capacity(self.buffered.len().min(max));
        let mut refused = Vec::new();
        while deliveries.len() < max
            && let Some((delivery, handle)) = self.buffered.pop_front()
        {
            if !may_go(&handle) {
                refused.push((delivery, handle));
                continue;
            }
            self.bytes -= size(&delivery);
            self.in_flight.insert(delivery.ticket(), handle, until);
            deliveries.push(delivery);
        }
        for delivery in refused.into_iter().rev() {
            self.buffered.push_front(delivery);
        }
        self.note_empty();
        deliveries
    }

    /// Forgets all deliveries, buffered or in flight, whose handle `keep` refuses; a verdict that is taking effect is seen
    /// to its end.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&H) -> bool) {
        self.buffered.retain(|(_, handle)| keep(handle));
        self.bytes = self.buffered.iter().map(|(one, _)| size(one)).sum();
        self.note_empty();
        self.in_flight.retain(keep);
    }

    /// Forgets the buffered deliveries whose handle `keep` refuses; those in flight stay.
    #[cfg(feature = "pulsar")]
    pub(crate) fn retain_buffered(&mut self, mut keep: impl FnMut(&H) -> bool) {
        self.buffered.retain(|(_, handle)| keep(handle));
        self.bytes = self.buffered.iter().map(|(one, _)| size(one)).sum();
        self.note_empty();
    }

    /// Takes out the handles of all deliveries: the buffered ones, then those in flight whose verdicts are not taking
    /// effect.
    pub(crate) fn drain(&mut self) -> Vec<H> {
        self.bytes = 0;
        let buffered = self.buffered.drain(..).map(|(_, handle)| handle);
        let mut handles: Vec<H> = buffered.collect();
        handles.extend(self.in_flight.drain());
        self.note_empty();
        handles
    }

    fn note_empty(&mut self) {
        if self.buffered.is_empty() {
            self.since = None;
        }
    }
}

impl<H, L> DeliveryBuffer<H, L> {
    /// Returns how many messages may still be fetched.
    pub(crate) fn room(&self, max_in_flight: usize) -> usize {
        max_in_flight.saturating_sub(self.len())
    }

    /// Returns how many are buffered.
    pub(crate) fn buffered(&self) -> usize {
        self.buffered.len()
    }

    /// Returns how many bytes the buffered ones need, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns since when something is buffered without a pause.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Returns the handles of what is buffered, in order.
    pub(crate) fn handles(&self) -> impl Iterator<Item = &H> {
        self.buffered.iter().map(|(_, handle)| handle)
    }

    /// Returns what was handed out and is not settled.
    pub(crate) fn in_flight(&self) -> &InFlight<H, L> {
        &self.in_flight
    }

    /// Returns what was handed out and is not settled.
    pub(crate) fn in_flight_mut(&mut self) -> &mut InFlight<H, L> {
        &mut self.in_flight
    }

    /// Returns how many are buffered or in flight.
    pub(crate) fn len(&self) -> usize {
        self.buffered.len() + self.in_flight.len()
    }
}

fn size(delivery: &Delivery) -> usize {
    delivery.stored.message.bytes().len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::event::{Message, Position};

    type Buffer = DeliveryBuffer<u64, u64>;

    fn fetched(number: u64) -> Fetched<u64> {
        let topic = "order".parse().unwrap();
        Fetched {
            stored: Stored {
                message: Message::new(topic, "12345678"),
                position: Position::number(number),
                time: SystemTime::UNIX_EPOCH,
            },
            attempts: Attempts::default(),
            lineage: None,
            handle: number,
        }
    }

    fn filled(count: u64) -> Buffer {
        let mut buffer = Buffer::default();
        for number in 1..=count {
            buffer.admit(fetched(number));
        }
        buffer
    }

    fn positions(deliveries: &[Delivery]) -> Vec<String> {
        let position = |delivery: &Delivery| delivery.stored.position.to_string();
        deliveries.iter().map(position).collect()
    }

    #[test]
    fn no_ticket_is_given_out_twice() {
        let mut buffer = filled(1);
        let first = buffer.hand_out(1, 0, |_| true).remove(0);
        let ticket = first.ticket();
        let handle = buffer.in_flight_mut().settle(ticket).unwrap().handle;
        buffer.requeue(Fetched::again(first, handle), |_| true);
        let second = buffer.hand_out(1, 0, |_| true).remove(0);
        assert_ne!(second.ticket(), ticket);
        assert!(buffer.in_flight_mut().settle(ticket).is_none());
        assert_eq!(
            buffer.in_flight().len(),
            1,
            "the later delivery is untouched"
        );
    }

    #[test]
    fn a_delivery_is_settled_once_and_keeps_its_room_until_then() {
        let mut buffer = filled(1);
        assert_eq!(buffer.room(3), 2);
        let ticket = buffer.hand_out(1, 0, |_| true)[0].ticket();
        assert_eq!(buffer.room(3), 2);
        let flying = buffer.in_flight_mut();
        assert_eq!(flying.begin_settle(ticket), Some(&1));
        assert_eq!(flying.begin_settle(ticket), None);
        assert!(flying.settle(ticket).is_none());
        assert_eq!(flying.extend_all(&[ticket], 9), [], "it is not lost");
        assert!(flying.expire(9).is_empty());
        flying.retain(|_| false);
        assert!(flying.drain().is_empty());
        assert!(!flying.has_expired(9));
        assert_eq!(buffer.room(3), 2, "its verdict is taking effect");
        assert_eq!(buffer.in_flight_mut().end_settle(ticket), Some(1));
        assert_eq!(buffer.in_flight_mut().end_settle(ticket), None);
        assert_eq!(buffer.room(3), 3);
        assert_eq!(buffer.len(), 0);
    }

    #[test]
    fn what_may_not_go_keeps_its_place() {
        let mut buffer = filled(4);
        let odd = buffer.hand_out(2, 0, |number| number % 2 == 1);
        assert_eq!(positions(&odd), ["1", "3"]);
        assert_eq!(buffer.handles().copied().collect::<Vec<_>>(), [2, 4]);
        assert_eq!(buffer.hand_out(9, 0, |_| false).len(), 0);
        let even = buffer.hand_out(9, 0, |_| true);
        assert_eq!(positions(&even), ["2", "4"]);
    }

    #[test]
    fn what_comes_back_stands_before_what_is_later() {
        let mut buffer = filled(0);
        buffer.admit(fetched(2));
        buffer.admit(fetched(7));
        buffer.requeue(fetched(5), |other| *other > 5);
        buffer.requeue(fetched(9), |other| *other > 9);
        assert_eq!(buffer.handles().copied().collect::<Vec<_>>(), [9, 2, 5, 7]);
    }

    #[test]
    fn bytes_and_time_follow_what_is_buffered() {
        let mut buffer = filled(2);
        assert_eq!(buffer.bytes(), 2 * (8 + OVERHEAD));
        let since = buffer.since();
        assert!(since.is_some());
        drop(buffer.hand_out(1, 0, |_| true));
        assert_eq!((buffer.bytes(), buffer.since()), (8 + OVERHEAD, since));
        buffer.retain(|number| *number == 1);
        assert_eq!((buffer.bytes(), buffer.since()), (0, None));
        assert_eq!((buffer.buffered(), buffer.in_flight().len()), (0, 1));
        buffer.admit(fetched(3));
        assert_eq!(buffer.drain(), [3, 1]);
        assert_eq!((buffer.bytes(), buffer.since()), (0, None));
        assert_eq!(buffer.len(), 0);
    }

    #[test]
    fn leases_end_unless_they_are_extended() {
        let mut buffer = filled(3);
        let mut take = |until| buffer.hand_out(1, until, |_| true)[0].ticket();
        let (first, second, third) = (take(5), take(5), take(7));
        let flying = buffer.in_flight_mut();
        assert_eq!(flying.earliest(), Some(5));
        assert!(flying.expire(4).is_empty());
        assert_eq!(flying.extend_all(&[second, Ticket(99)], 8), [Ticket(99)]);
        assert!(flying.has_expired(6));
        assert_eq!(flying.expire(5), [1], "a lease ends with its last moment");
        assert_eq!(flying.get(first), None);
        assert_eq!(flying.earliest(), Some(7));
        assert_eq!(flying.expire(9), [2, 3], "in order of their tickets");
        assert_eq!(flying.get(third), None);
        assert_eq!(flying.earliest(), None);
    }
}
