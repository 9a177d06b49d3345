//! Deliveries of one subscription in memory: buffered, then in flight under a ticket and a lease; and waiting for more of
//! them.
//!
//! Every backend fetches ahead of its caller, so that a call of `next` seldom waits for the broker. A fetched message is
//! **buffered** until the caller asks for it. From then on it is **in flight** under its ticket until a verdict on it took
//! effect, it was revoked, or its lease ended. Three invariants live here, so that no backend keeps them by itself:
//!
//! 1. A ticket is given out once, however often its message is delivered. A verdict on an earlier delivery therefore
//!    never settles a later one.
//! 2. A delivery is settled at most once: while a verdict takes effect, the ticket neither settles nor extends.
//! 3. The room of a subscription counts what is buffered and what is in flight, verdicts that have not taken effect
//!    included. Otherwise, a slow settlement would let more messages in than the caller allowed.
//!
//! Everything here is plain data: the lock around it, and the thread or task that fills it, are the backend's.

use std::{
    collections::{HashMap, VecDeque},
    pin::pin,
    time::{Duration, Instant},
};

use tokio::{sync::Notify, time::timeout};

use crate::{
    event::Stored,
    transport::{Attempts, Delivery, ErrorKind, Lineage, Ticket, TransportError},
};

/// Bytes that a buffered message needs beside its payload, roughly.
const OVERHEAD: usize = 512;

/// A message that was fetched, and the handle by which its backend settles it.
#[derive(Debug)]
pub(super) struct Fetched<H> {
    pub(super) stored: Stored,
    pub(super) attempts: Attempts,
    pub(super) lineage: Option<Box<Lineage>>,
    pub(super) handle: H,
}

impl<H> Fetched<H> {
    /// Turns a delivery that comes back unhandled into a fetched message.
    pub(super) fn again(delivery: Delivery, handle: H) -> Self {
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
pub(super) struct DeliveryBuffer<H, L = Instant> {
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
    pub(super) fn admit(&mut self, fetched: Fetched<H>) {
        let (delivery, handle) = self.deliver(fetched);
        self.admit_delivery(delivery, handle);
    }

    /// Buffers a delivery whose ticket the store gave out.
    pub(super) fn admit_delivery(&mut self, delivery: Delivery, handle: H) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += size(&delivery);
        self.buffered.push_back((delivery, handle));
    }

    /// Buffers a message that comes back, under a new ticket: before the first for which `is_later` holds, else in front.
    pub(super) fn requeue(&mut self, fetched: Fetched<H>, is_later: impl Fn(&H) -> bool) {
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
    pub(super) fn hand_out(
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
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&H) -> bool) {
        self.buffered.retain(|(_, handle)| keep(handle));
        self.bytes = self.buffered.iter().map(|(one, _)| size(one)).sum();
        self.note_empty();
        self.in_flight.retain(keep);
    }

    /// Takes out the handles of all deliveries: the buffered ones, then those in flight whose verdicts are not taking
    /// effect.
    pub(super) fn drain(&mut self) -> Vec<H> {
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
    pub(super) fn room(&self, max_in_flight: usize) -> usize {
        max_in_flight.saturating_sub(self.len())
    }

    /// Returns how many are buffered.
    pub(super) fn buffered(&self) -> usize {
        self.buffered.len()
    }

    /// Returns how many bytes the buffered ones need, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns since when something is buffered without a pause.
    pub(super) fn since(&self) -> Option<Instant> {
        self.since
    }

    /// Returns the handles of what is buffered, in order.
    pub(super) fn handles(&self) -> impl Iterator<Item = &H> {
        self.buffered.iter().map(|(_, handle)| handle)
    }

    /// Returns what was handed out and is not settled.
    pub(super) fn in_flight(&self) -> &InFlight<H, L> {
        &self.in_flight
    }

    /// Returns what was handed out and is not settled.
    pub(super) fn in_flight_mut(&mut self) -> &mut InFlight<H, L> {
        &mut self.in_flight
    }

    /// Returns how many are buffered or in flight.
    pub(super) fn len(&self) -> usize {
        self.buffered.len() + self.in_flight.len()
    }
}

fn size(delivery: &Delivery) -> usize {
    delivery.stored.message.bytes().len() + OVERHEAD
}

/// Deliveries that were handed out and are not settled, each under its ticket and its lease.
#[derive(Debug)]
pub(super) struct InFlight<H, L = Instant> {
    leased: HashMap<Ticket, Leased<H, L>>,
    /// No lease ends before: looking for ended ones costs nothing until then.
    earliest: Option<L>,
}

/// A delivery under its lease.
#[derive(Debug)]
pub(super) struct Leased<H, L = Instant> {
    pub(super) handle: H,
    /// When the lease ends.
    pub(super) until: L,
    is_settling: bool,
}

impl<H, L> Leased<H, L> {
    /// Reports whether a verdict on it is taking effect.
    pub(super) fn is_settling(&self) -> bool {
        self.is_settling
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
    pub(super) fn len(&self) -> usize {
        self.leased.len()
    }

    /// Returns all of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Leased<H, L>> {
        self.leased.values()
    }

    /// Returns the handle of a delivery that can be settled.
    pub(super) fn get(&self, ticket: Ticket) -> Option<&H> {
        let leased = self.leased.get(&ticket)?;
        (!leased.is_settling).then_some(&leased.handle)
    }

    /// Settles a delivery at once; none if it is not in flight, or its verdict is taking effect.
    pub(super) fn settle(&mut self, ticket: Ticket) -> Option<Leased<H, L>> {
        self.get(ticket)?;
        self.leased.remove(&ticket)
    }

    /// Begins to settle a delivery, which keeps its room until [`end_settle`](Self::end_settle); none if it is not in
    /// flight, or its verdict is taking effect.
    pub(super) fn begin_settle(&mut self, ticket: Ticket) -> Option<&H> {
        let leased = self.leased.get_mut(&ticket)?;
        if leased.is_settling {
            return None;
        }
        leased.is_settling = true;
        Some(&leased.handle)
    }

    /// Ends what [`begin_settle`](Self::begin_settle) began, however it went.
    pub(super) fn end_settle(&mut self, ticket: Ticket) -> Option<H> {
        if !self.leased.get(&ticket)?.is_settling {
            return None;
        }
        self.leased.remove(&ticket).map(|leased| leased.handle)
    }

    /// Forgets those whose handle `keep` refuses, unless a verdict is taking effect.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&H) -> bool) {
        self.leased
            .retain(|_, leased| leased.is_settling || keep(&leased.handle));
    }

    /// Takes out those whose verdict is not taking effect, in order of their tickets.
    pub(super) fn drain(&mut self) -> Vec<H> {
        self.extract(|_| true)
    }

    /// Takes out some of those whose verdict is not taking effect, in order of their tickets.
    pub(super) fn extract(&mut self, mut which: impl FnMut(&Leased<H, L>) -> bool) -> Vec<H> {
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
    pub(super) fn insert(&mut self, ticket: Ticket, handle: H, until: L) {
        self.earliest = Some(self.earliest.map_or(until, |earliest| earliest.min(until)));
        let leased = Leased {
            handle,
            until,
            is_settling: false,
        };
        self.leased.insert(ticket, leased);
    }

    /// Extends a lease and returns the handle; none if the delivery cannot be settled any more.
    pub(super) fn extend(&mut self, ticket: Ticket, until: L) -> Option<&H> {
        let leased = self.leased.get_mut(&ticket)?;
        if leased.is_settling {
            return None;
        }
        leased.until = until;
        self.earliest = Some(self.earliest.map_or(until, |earliest| earliest.min(until)));
        Some(&leased.handle)
    }

    /// Extends leases and returns the tickets whose deliveries cannot be settled any more.
    pub(super) fn extend_all(&mut self, tickets: &[Ticket], until: L) -> Vec<Ticket> {
        let is_lost = |ticket: &Ticket| self.extend(*ticket, until).is_none();
        tickets.iter().copied().filter(is_lost).collect()
    }

    /// Takes out those whose lease ended by `now`, in order of their tickets.
    pub(super) fn expire(&mut self, now: L) -> Vec<H> {
        if self.earliest.is_none_or(|earliest| now < earliest) {
            return Vec::new();
        }
        let expired = self.extract(|leased| leased.until <= now);
        self.earliest = self.leased.values().map(|leased| leased.until).min();
        expired
    }

    /// Reports whether a lease ended before `now` without a verdict.
    pub(super) fn has_expired(&self, now: L) -> bool {
        self.leased
            .values()
            .any(|leased| !leased.is_settling && leased.until < now)
    }

    /// Returns a time before which no lease ends.
    pub(super) fn earliest(&self) -> Option<L> {
        self.earliest
    }
}

/// Errors that wait for the caller of `next`: every notice in its order, and of the failures the latest.
///
/// Gaps and warnings are notices: nothing ends with them, and each is reported exactly once. A failure repeats itself as
/// long as its cause lasts, so that the latest says it all.
#[derive(Debug, Default)]
pub(super) struct PendingErrors {
    notices: VecDeque<TransportError>,
    failure: Option<TransportError>,
}

impl PendingErrors {
    /// Adds an error: a notice behind the others, a failure in place of the one before.
    pub(super) fn push(&mut self, error: TransportError) {
        if matches!(error.kind(), ErrorKind::Gap | ErrorKind::Warning) {
            self.notices.push_back(error);
        } else {
            self.failure = Some(error);
        }
    }

    /// Takes out the first notice.
    pub(super) fn take_notice(&mut self) -> Option<TransportError> {
        self.notices.pop_front()
    }

    /// Takes out all notices.
    pub(super) fn take_notices(&mut self) -> VecDeque<TransportError> {
        std::mem::take(&mut self.notices)
    }

    /// Takes out the failure.
    pub(super) fn take_failure(&mut self) -> Option<TransportError> {
        self.failure.take()
    }

    /// Takes out the failure if repeating the call cannot help.
    pub(super) fn take_permanent_failure(&mut self) -> Option<TransportError> {
        self.failure.take_if(|failure| !failure.is_transient())
    }
}

/// Waits until `look` finds something; looks now, and after each notification.
///
/// The notification is registered before the look. The other way round, one that comes between the look and the wait would
/// wake nobody, and the waiter would sleep beside a full buffer.
pub(super) async fn wait_until<T>(changed: &Notify, mut look: impl FnMut() -> Option<T>) -> T {
    let mut notified = pin!(changed.notified());
    loop {
        notified.as_mut().enable();
        if let Some(found) = look() {
            return found;
        }
        notified.as_mut().await;
        notified.set(changed.notified());
    }
}

/// Does what [`wait_until`] does, and looks again once the time has passed that the last look returned.
pub(super) async fn wait_until_due<T>(
    changed: &Notify,
    mut look: impl FnMut() -> Result<T, Duration>,
) -> T {
    let mut notified = pin!(changed.notified());
    loop {
        notified.as_mut().enable();
        let pause = match look() {
            Ok(found) => return found,
            Err(pause) => pause,
        };
        // Which of the two it was does not matter.
        let _ = timeout(pause, notified.as_mut()).await;
        notified.set(changed.notified());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        time::SystemTime,
    };

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
        assert_eq!(flying.extend_all(&[ticket], 9), [ticket]);
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

    #[test]
    fn no_notice_is_forgotten_for_a_failure() {
        let error = |kind, text: &'static str| TransportError::new("test", kind, text);
        let mut errors = PendingErrors::default();
        errors.push(error(ErrorKind::Unavailable, "away"));
        errors.push(error(ErrorKind::Gap, "first"));
        errors.push(error(ErrorKind::Warning, "second"));
        errors.push(error(ErrorKind::Unavailable, "still away"));
        assert!(errors.take_permanent_failure().is_none());
        assert_eq!(errors.take_notice().unwrap().message(), "first");
        assert_eq!(errors.take_failure().unwrap().message(), "still away");
        errors.push(error(ErrorKind::Denied, "no"));
        assert_eq!(errors.take_permanent_failure().unwrap().message(), "no");
        assert!(errors.take_failure().is_none());
        assert_eq!(errors.take_notices().len(), 1);
    }

    /// A notification in the middle of a look is the one that is easily missed.
    #[tokio::test]
    async fn a_notification_during_a_look_is_not_missed() {
        let changed = Notify::new();
        let looks = Cell::new(0);
        let found = wait_until(&changed, || {
            looks.set(looks.get() + 1);
            changed.notify_waiters();
            (looks.get() == 3).then_some("found")
        });
        assert_eq!(found.await, "found");
    }

    #[tokio::test]
    async fn a_waiter_wakes_for_either_kind_of_notification() {
        for notify in [Notify::notify_one, Notify::notify_waiters] {
            let shared = Arc::new((Notify::new(), AtomicBool::new(false)));
            let waiter = tokio::spawn({
                let shared = Arc::clone(&shared);
                async move {
                    wait_until(&shared.0, || shared.1.load(Ordering::Acquire).then_some(())).await;
                }
            });
            tokio::task::yield_now().await;
            shared.1.store(true, Ordering::Release);
            notify(&shared.0);
            waiter.await.unwrap();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_is_repeated_when_its_time_has_come() {
        let changed = Notify::new();
        let start = tokio::time::Instant::now();
        let due = Duration::from_secs(5);
        let found = wait_until_due(&changed, || {
            let left = due.saturating_sub(start.elapsed());
            if left.is_zero() { Ok(()) } else { Err(left) }
        });
        found.await;
        assert_eq!(start.elapsed(), due);
    }
}
