//! Counting of deliveries. Counters are looked up once per topic, so that counting is an addition.

use std::{collections::HashMap, time::Duration};

use metrics::{Counter, Gauge, Histogram, Label};

use super::{
    CONSUMED, DEAD_LETTERS, HANDLED, IN_FLIGHT, MOST_TOPICS, OTHER, describe, labels, with_topic,
};
use crate::{
    event::{Group, Topic},
    transport::DeadLetterKind,
};

/// How a delivery was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::runtime::consume) enum Settled {
    Acked,
    Skipped,
    Filtered,
    Duplicate,
    Retried,
    Returned,
    DeadLettered,
}

impl Settled {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Acked, "acked"),
        (Self::Skipped, "skipped"),
        (Self::Filtered, "filtered"),
        (Self::Duplicate, "duplicate"),
        (Self::Retried, "retried"),
        (Self::Returned, "returned"),
        (Self::DeadLettered, "dead_lettered"),
    ];
}

/// The meters of one topic.
struct TopicMeters {
    /// In the order of [`Settled::ALL`].
    settled: Vec<Counter>,
    /// In the order of [`DeadLetterKind::ALL`].
    kinds: Vec<Counter>,
    handled: Histogram,
}

impl TopicMeters {
    fn new(labels: &[Label], topic: &str) -> Self {
        let labels = with_topic(labels, topic);
        let with = |name: &'static str, value: &'static str| {
            let mut labels = labels.clone();
            labels.push(Label::new(name, value));
            labels
        };
        let settled = Settled::ALL.iter();
        let settled =
            settled.map(|(_, outcome)| metrics::counter!(CONSUMED, with("outcome", outcome)));
        let kinds = DeadLetterKind::ALL.iter();
        let kinds = kinds.map(|kind| metrics::counter!(DEAD_LETTERS, with("kind", kind.as_str())));
        Self {
            settled: settled.collect(),
            kinds: kinds.collect(),
            handled: metrics::histogram!(HANDLED, labels.clone()),
        }
    }
}

/// The number of a topic's meters.
pub(in crate::runtime::consume) type Slot = u16;

/// See the module.
pub(in crate::runtime::consume) struct Meters {
    labels: Vec<Label>,
    /// The first counts what has no other.
    topics: Vec<TopicMeters>,
    known: HashMap<Topic, Slot>,
    /// The topic of the last delivery: mostly that of the next one, too.
    last: Option<(Topic, Slot)>,
    in_flight: Gauge,
    crashed: u64,
}

impl Meters {
    /// Starts to count for a group.
    pub(in crate::runtime::consume) fn new(system: &'static str, group: &Group) -> Self {
        describe();
        let labels = labels(system, group);
        Self {
            topics: Vec::new(),
            known: HashMap::new(),
            last: None,
            in_flight: metrics::gauge!(IN_FLIGHT, labels.clone()),
            crashed: 0,
            labels,
        }
    }

    /// Returns the meters of a topic.
    pub(in crate::runtime::consume) fn slot(&mut self, topic: &Topic) -> Slot {
        if let Some((last, slot)) = &self.last
            && last == topic
        {
            return *slot;
        }
        let slot = self.known.get(topic).copied();
        let slot = slot.unwrap_or_else(|| self.add(topic));
        self.last = Some((topic.clone(), slot));
        slot
    }

    fn add(&mut self, topic: &Topic) -> Slot {
        if self.known.len() >= MOST_TOPICS {
            return self.other();
        }
        let slot = self.push(topic.as_str());
        self.known.insert(topic.clone(), slot);
        slot
    }

    /// Returns the meters of what has no other.
    fn other(&mut self) -> Slot {
        let other = Topic::try_from(OTHER.to_owned()).ok();
        let Some(other) = other else { return 0 };
        if let Some(slot) = self.known.get(&other) {
            return *slot;
        }
        let slot = self.push(OTHER);
        self.known.insert(other, slot);
        slot
    }

    fn push(&mut self, topic: &str) -> Slot {
        self.topics.push(TopicMeters::new(&self.labels, topic));
        Slot::try_from(self.topics.len() - 1).unwrap_or_default()
    }

    /// Counts a delivery that is durably settled.
    pub(in crate::runtime::consume) fn settled(
        &mut self,
        slot: Slot,
        settled: Settled,
        kind: Option<DeadLetterKind>,
    ) {
        let Some(topic) = self.topics.get(usize::from(slot)) else {
            return;
        };
        topic.settled[settled as usize].increment(1);
        if let Some(kind) = kind {
            topic.kinds[kind as usize].increment(1);
        }
    }

    /// Counts deliveries of runs that were dropped, whose topics are not known any more.
    pub(in crate::runtime::consume) fn returned(&mut self, count: u64) {
        if count > 0 {
            let other = self.other();
            self.topics[usize::from(other)].settled[Settled::Returned as usize].increment(count);
        }
    }

    /// Takes the number of messages that the store itself has dead-lettered for this consumer since it joined.
    pub(in crate::runtime::consume) fn crashed(&mut self, total: u64) {
        let more = total.saturating_sub(self.crashed);
        if more > 0 {
            self.crashed = total;
            let other = self.other();
            let other = &self.topics[usize::from(other)];
            other.settled[Settled::DeadLettered as usize].increment(more);
            other.kinds[DeadLetterKind::Crashed as usize].increment(more);
        }
    }

    /// Counts a run of the handler.
    pub(in crate::runtime::consume) fn handled(&mut self, topic: &Topic, took: Duration) {
        let slot = self.slot(topic);
        self.topics[usize::from(slot)].handled.record(took);
    }

    /// Takes the number of deliveries in flight.
    pub(in crate::runtime::consume) fn in_flight(&self, count: usize) {
        self.in_flight
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
}

impl Drop for Meters {
    fn drop(&mut self) {
        self.in_flight.set(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_kinds_are_in_the_order_of_their_numbers() {
        let numbers = Settled::ALL.iter().map(|(settled, _)| *settled as usize);
        assert!(numbers.eq(0..Settled::ALL.len()));
        let numbers = DeadLetterKind::ALL.iter().map(|kind| *kind as usize);
        assert!(numbers.eq(0..DeadLetterKind::ALL.len()));
    }

    #[test]
    fn topics_beyond_the_most_share_their_series() {
        let mut meters = Meters::new("memory", &"g".parse().unwrap());
        let topic = |number: usize| format!("topic.{number}").parse::<Topic>().unwrap();
        let slots: Vec<_> = (0..MOST_TOPICS + 3)
            .map(|number| meters.slot(&topic(number)))
            .collect();
        assert_eq!(slots[MOST_TOPICS..], [slots[MOST_TOPICS]; 3]);
        assert_eq!(meters.topics.len(), MOST_TOPICS + 1);
        assert_eq!(meters.slot(&topic(7)), slots[7]);
    }
}
