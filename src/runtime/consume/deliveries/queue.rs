//! The queue of deliveries that wait for their run: in order within a key, freely otherwise.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::{
    event::{Position, Topic},
    transport::{Delivery, Ticket},
};

/// Deliveries with the same topic and key are handled in order.
pub(in crate::runtime::consume) type Key = (Topic, Bytes);

pub(in crate::runtime::consume) fn key_of(delivery: &Delivery) -> Option<Key> {
    let message = &delivery.stored.message;
    Some((message.topic.clone(), message.key.clone()?))
}

/// A key whose later deliveries go back until an earlier one is done.
struct Hold {
    /// Position of the earlier one.
    position: Position,
    /// The first request that the store answers knowing that the key is held.
    clear_from: Option<u64>,
}

/// See the module.
#[derive(Default)]
pub(in crate::runtime::consume) struct Queue {
    /// First of their key, which is free.
    next: VecDeque<Delivery>,
    ready: VecDeque<Delivery>,
    /// Keys that are being handled, and the deliveries that wait for them.
    keys: HashMap<Key, VecDeque<Delivery>>,
    waiting_for_key: usize,
    holds: HashMap<Key, Hold>,
}

impl Queue {
    /// Counts the waiting deliveries.
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.startable() + self.waiting_for_key
    }

    /// Counts the deliveries that wait for nothing but a free job, as far as is known.
    pub(in crate::runtime::consume) fn startable(&self) -> usize {
        self.next.len() + self.ready.len()
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let keys = self.keys.values().flatten();
        let all = self.next.iter().chain(&self.ready).chain(keys);
        all.map(Delivery::ticket)
    }

    /// Takes the deliveries of a request; returns those that must go back because their key is held.
    pub(in crate::runtime::consume) fn arrive(
        &mut self,
        request: u64,
        deliveries: Vec<Delivery>,
    ) -> Vec<Delivery> {
        if self.holds.is_empty() {
            self.ready.extend(deliveries);
            return Vec::new();
        }
        self.holds
            .retain(|_, hold| hold.clear_from.is_none_or(|first| request < first));
        let mut back = Vec::new();
        for delivery in deliveries {
            if self.is_held(&delivery) {
                back.push(delivery);
            } else {
                self.ready.push_back(delivery);
            }
        }
        back
    }

    fn is_held(&mut self, delivery: &Delivery) -> bool {
        let Some(key) = key_of(delivery) else {
            return false;
        };
        match self.holds.get(&key) {
            Some(hold) if hold.position == delivery.stored.position => {
                self.holds.remove(&key);
                false
            }
            held => held.is_some(),
        }
    }

    /// Takes the next delivery whose key is free.
    pub(in crate::runtime::consume) fn pop(&mut self) -> Option<Delivery> {
        if let Some(delivery) = self.next.pop_front() {
            return Some(delivery);
        }
        loop {
            let delivery = self.ready.pop_front()?;
            if self.keys.is_empty() {
                return Some(delivery);
            }
            match key_of(&delivery).and_then(|key| self.keys.get_mut(&key)) {
                Some(waiting) => {
                    waiting.push_back(delivery);
                    self.waiting_for_key += 1;
                }
                None => return Some(delivery),
            }
        }
    }

    /// Notes that a delivery of this key is being handled.
    pub(in crate::runtime::consume) fn occupy(&mut self, key: Option<Key>) {
        if let Some(key) = key {
            self.keys.entry(key).or_default();
        }
    }

    /// Notes that this delivery is done: the next one of its key may start.
    pub(in crate::runtime::consume) fn release(&mut self, delivery: &Delivery) {
        if self.keys.is_empty() {
            return;
        }
        let Some(key) = key_of(delivery) else { return };
        let Some(waiting) = self.keys.get_mut(&key) else {
            return;
        };
        if let Some(next) = waiting.pop_front() {
            self.waiting_for_key -= 1;
            self.next.push_back(next);
        } else {
            self.keys.remove(&key);
        }
    }

    /// Holds the key of a delivery that will be redelivered; returns the later ones, which must go back.
    pub(in crate::runtime::consume) fn hold(&mut self, delivery: &Delivery) -> Vec<Delivery> {
        let Some(key) = key_of(delivery) else {
            return Vec::new();
        };
        let waiting = self.keys.remove(&key).unwrap_or_default();
        self.waiting_for_key -= waiting.len();
        let same = |other: &Delivery| key_of(other).as_ref() == Some(&key);
        let next = extract(&mut self.next, same);
        let ready = extract(&mut self.ready, same);
        let hold = Hold {
            position: delivery.stored.position.clone(),
            clear_from: None,
        };
        self.holds.insert(key, hold);
        next.into_iter().chain(waiting).chain(ready).collect()
    }

    /// Notes that the store itself holds the key from this request on.
    pub(in crate::runtime::consume) fn hold_until(&mut self, key: &Key, request: u64) {
        if let Some(hold) = self.holds.get_mut(key) {
            hold.clear_from = Some(request);
        }
    }

    /// Removes these.
    pub(in crate::runtime::consume) fn remove(&mut self, tickets: &[Ticket]) -> Vec<Delivery> {
        if tickets.is_empty() {
            return Vec::new();
        }
        let wanted = |delivery: &Delivery| tickets.contains(&delivery.ticket());
        let mut out = Vec::new();
        for queue in self.keys.values_mut().chain([&mut self.ready]) {
            out.extend(extract(queue, wanted));
        }
        self.waiting_for_key = self.keys.values().map(VecDeque::len).sum();
        for delivery in extract(&mut self.next, wanted) {
            self.release(&delivery);
            out.push(delivery);
        }
        out
    }

    /// Removes everything, in order within each key.
    pub(in crate::runtime::consume) fn drain(&mut self) -> Vec<Delivery> {
        let mut all: Vec<Delivery> = self.next.drain(..).collect();
        for waiting in self.keys.values_mut() {
            all.extend(waiting.drain(..));
        }
        self.waiting_for_key = 0;
        all.extend(self.ready.drain(..));
        all
    }
}

fn extract(from: &mut VecDeque<Delivery>, wanted: impl Fn(&Delivery) -> bool) -> Vec<Delivery> {
    if !from.iter().any(&wanted) {
        return Vec::new();
    }
    let (out, kept): (VecDeque<_>, _) = from.drain(..).partition(|delivery| wanted(delivery));
    *from = kept;
    Vec::from(out)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{
        event::{Message, Stored},
        transport::Attempts,
    };

    fn delivery(number: u64) -> Delivery {
        let mut message = Message::new("a".parse().unwrap(), "");
        message.key = Some(Bytes::from_static(b"key"));
        let stored = Stored {
            position: Position::new(number.to_string()),
            time: SystemTime::UNIX_EPOCH,
            message,
        };
        Delivery::new(stored, Attempts::default(), None, Ticket(number))
    }

    #[test]
    fn a_lost_delivery_leaves_its_place_to_the_next_of_its_key() {
        let mut queue = Queue::default();
        let first = delivery(1);
        queue.occupy(key_of(&first));
        queue.arrive(1, vec![delivery(2), delivery(3)]);
        assert!(queue.pop().is_none(), "the first is being handled");
        queue.release(&first);
        let lost = queue.remove(&[Ticket(2)]);
        assert_eq!(lost.len(), 1);
        assert_eq!(queue.pop().map(|next| next.ticket()), Some(Ticket(3)));
        assert_eq!(queue.len(), 0);
    }
}
