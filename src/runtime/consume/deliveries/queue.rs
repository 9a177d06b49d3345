//! Deliveries that wait for their run: in order of key, everything else freely.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::{
    event::{Position, Topic},
    transport::{Delivery, Ticket},
};

/// What keeps deliveries in order.
pub(in crate::runtime::consume) type Key = (Topic, Bytes);

pub(in crate::runtime::consume) fn key_of(delivery: &Delivery) -> Option<Key> {
    let message = &delivery.stored.message;
    Some((message.topic.clone(), message.key.clone()?))
}

/// A key whose later deliveries go back until an earlier one was done.
struct Hold {
    /// Where the earlier one stands.
    position: Position,
    /// The first request of which the store knows that the key is held.
    clear_from: Option<u64>,
}

/// See the module.
#[derive(Default)]
pub(in crate::runtime::consume) struct Queue {
    /// Their key is free for them already.
    turn: VecDeque<Delivery>,
    ready: VecDeque<Delivery>,
    /// Keys at work, and what waits for them.
    lanes: HashMap<Key, VecDeque<Delivery>>,
    in_lanes: usize,
    holds: HashMap<Key, Hold>,
}

impl Queue {
    /// Counts what waits.
    pub(in crate::runtime::consume) fn len(&self) -> usize {
        self.startable() + self.in_lanes
    }

    /// Counts what waits for nothing but a free job, as far as is known.
    pub(in crate::runtime::consume) fn startable(&self) -> usize {
        self.turn.len() + self.ready.len()
    }

    pub(in crate::runtime::consume) fn tickets(&self) -> impl Iterator<Item = Ticket> {
        let lanes = self.lanes.values().flatten();
        let all = self.turn.iter().chain(&self.ready).chain(lanes);
        all.map(Delivery::ticket)
    }

    /// Takes what a request brought; returns what must go back because its key is held.
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
        if let Some(delivery) = self.turn.pop_front() {
            return Some(delivery);
        }
        loop {
            let delivery = self.ready.pop_front()?;
            if self.lanes.is_empty() {
                return Some(delivery);
            }
            match key_of(&delivery).and_then(|key| self.lanes.get_mut(&key)) {
                Some(lane) => {
                    lane.push_back(delivery);
                    self.in_lanes += 1;
                }
                None => return Some(delivery),
            }
        }
    }

    /// Notes that work on a delivery of this key goes on.
    pub(in crate::runtime::consume) fn occupy(&mut self, key: Option<Key>) {
        if let Some(key) = key {
            self.lanes.entry(key).or_default();
        }
    }

    /// Notes that this delivery is done with: the next one of its key may start.
    pub(in crate::runtime::consume) fn release(&mut self, delivery: &Delivery) {
        if self.lanes.is_empty() {
            return;
        }
        let Some(key) = key_of(delivery) else { return };
        let Some(lane) = self.lanes.get_mut(&key) else {
            return;
        };
        if let Some(next) = lane.pop_front() {
            self.in_lanes -= 1;
            self.turn.push_back(next);
        } else {
            self.lanes.remove(&key);
        }
    }

    /// Holds the key of a delivery that comes again; returns the later ones, which go back.
    pub(in crate::runtime::consume) fn hold(&mut self, delivery: &Delivery) -> Vec<Delivery> {
        let Some(key) = key_of(delivery) else {
            return Vec::new();
        };
        let lane = self.lanes.remove(&key).unwrap_or_default();
        self.in_lanes -= lane.len();
        let same = |other: &Delivery| key_of(other).as_ref() == Some(&key);
        let turn = extract(&mut self.turn, same);
        let ready = extract(&mut self.ready, same);
        let hold = Hold {
            position: delivery.stored.position.clone(),
            clear_from: None,
        };
        self.holds.insert(key, hold);
        turn.into_iter().chain(lane).chain(ready).collect()
    }

    /// Notes that the store holds the key itself from this request on.
    pub(in crate::runtime::consume) fn hold_until(&mut self, key: &Key, request: u64) {
        if let Some(hold) = self.holds.get_mut(key) {
            hold.clear_from = Some(request);
        }
    }

    /// Takes these out.
    pub(in crate::runtime::consume) fn remove(&mut self, tickets: &[Ticket]) -> Vec<Delivery> {
        if tickets.is_empty() {
            return Vec::new();
        }
        let wanted = |delivery: &Delivery| tickets.contains(&delivery.ticket());
        let mut out = Vec::new();
        for queue in self.lanes.values_mut().chain([&mut self.ready]) {
            out.extend(extract(queue, wanted));
        }
        self.in_lanes = self.lanes.values().map(VecDeque::len).sum();
        for delivery in extract(&mut self.turn, wanted) {
            self.release(&delivery);
            out.push(delivery);
        }
        out
    }

    /// Takes everything out, in order of key.
    pub(in crate::runtime::consume) fn drain(&mut self) -> Vec<Delivery> {
        let mut all: Vec<Delivery> = self.turn.drain(..).collect();
        for lane in self.lanes.values_mut() {
            all.extend(lane.drain(..));
        }
        self.in_lanes = 0;
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
    fn one_that_is_lost_in_its_turn_leaves_it_to_the_next_of_its_key() {
        let mut queue = Queue::default();
        let first = delivery(1);
        queue.occupy(key_of(&first));
        queue.arrive(1, vec![delivery(2), delivery(3)]);
        assert!(queue.pop().is_none(), "the first is at work");
        queue.release(&first);
        let lost = queue.remove(&[Ticket(2)]);
        assert_eq!(lost.len(), 1);
        assert_eq!(queue.pop().map(|next| next.ticket()), Some(Ticket(3)));
        assert_eq!(queue.len(), 0);
    }
}
