//! Messages of a key are delivered in order; where order is native, also across the consumers of a group.

use std::collections::HashMap;

use tokio::time::timeout;

use crate::transport::conformance::harness::{
    Harness,
    member::Member,
    message::{keyed, keyed_messages, text, texts},
};
use crate::{
    event::{Message, Topic},
    transport::{Delivery, Verdict},
};

const KEYS: [&str; 3] = ["a", "b", "c"];

fn many(topic: &Topic) -> Vec<Message> {
    let numbers = 0..30_usize;
    let message = |number: usize| keyed(topic, KEYS[number % 3], &format!("{number:02}"));
    numbers.map(message).collect()
}

fn key(delivery: &Delivery) -> String {
    let key = delivery.stored.message.key.as_deref().unwrap_or_default();
    String::from_utf8_lossy(key).into_owned()
}

#[derive(Default)]
struct Seen(HashMap<String, Vec<String>>);

impl Seen {
    fn add(&mut self, delivery: &Delivery) {
        let texts = self.0.entry(key(delivery)).or_default();
        texts.push(text(&delivery.stored.message));
        assert!(texts.is_sorted(), "out of order: {texts:?}");
    }

    fn count(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }
}

/// One consumer gets the messages of a key in order.
pub(crate) async fn a_consumer_sees_a_key_in_order(harness: &Harness) {
    if !harness.can(|capabilities| &capabilities.order) {
        return;
    }
    let topic = harness.topic("a").await;
    harness.publish(many(&topic)).await;
    let member = harness.join("g", &topic).await;
    let mut seen = Seen::default();
    while seen.count() < 30 {
        for delivery in member.next(7).await {
            seen.add(&delivery);
            member.ack(delivery).await;
        }
    }
}

/// Two consumers that take and settle in turn get the messages of a key in order.
pub(crate) async fn consumers_see_a_key_in_order(harness: &Harness) {
    if !harness.capabilities.order.is_native() {
        return;
    }
    let topic = harness.topic("a").await;
    harness.publish(many(&topic)).await;
    let again = harness.again().await;
    let first = harness.join("g", &topic).await;
    let second = Member::join(&*again, harness.request("g", &topic)).await;
    let mut seen = Seen::default();
    while seen.count() < 30 {
        let (member, taken) = tokio::select! {
            taken = first.next(7) => (&first, taken),
            taken = second.next(7) => (&second, taken),
        };
        for delivery in taken {
            seen.add(&delivery);
            member.ack(delivery).await;
        }
    }
}

/// While a message is in flight, later ones of its key do not go to another consumer.
pub(crate) async fn a_key_is_with_one_consumer(harness: &Harness) {
    if !harness.capabilities.order.is_native() {
        return;
    }
    let topic = harness.topic("a").await;
    let again = harness.again().await;
    let first = harness.join("g", &topic).await;
    let second = Member::join(&*again, harness.request("g", &topic)).await;
    harness
        .publish(keyed_messages(&topic, "k", &["1", "2", "3"]))
        .await;
    let (holder, other, held) = tokio::select! {
        taken = first.next(1) => (&first, &second, taken),
        taken = second.next(1) => (&second, &first, taken),
    };
    assert_eq!(texts(&held), ["1"]);
    let elsewhere = timeout(harness.delay(), other.next(1)).await;
    assert!(elsewhere.is_err(), "a later one was handed to another");
    for delivery in held {
        holder.ack(delivery).await;
    }
    let next = tokio::select! {
        taken = first.next(1) => taken,
        taken = second.next(1) => taken,
    };
    assert_eq!(texts(&next), ["2"]);
}

/// A message that is given back is delivered before later ones of its key.
pub(crate) async fn a_returned_message_keeps_its_place(harness: &Harness) {
    if !harness.capabilities.order.is_native() {
        return;
    }
    let topic = harness.topic("a").await;
    harness
        .publish(keyed_messages(&topic, "k", &["1", "2", "3"]))
        .await;
    let member = harness.join("g", &topic).await;
    member.settle(member.one().await, Verdict::Return).await;
    assert_eq!(texts(&member.take(3).await), ["1", "2", "3"]);
}
