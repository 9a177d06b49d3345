//! A bounded consumer ends after the messages that were stored at the start, and the retries of those it took.

use std::time::Duration;

use crate::transport::conformance::harness::{
    Harness,
    member::Member,
    message::{messages, text, texts},
};
use crate::{event::Topic, transport::SubscribeRequest};

async fn bounded(harness: &Harness, topic: &Topic) -> Member {
    let request = SubscribeRequest {
        until_end: true,
        ..harness.request("g", topic)
    };
    harness.join_as(request).await
}

/// It ends after the messages that were stored when it joined.
pub(crate) async fn ends_with_what_was_there(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let member = bounded(harness, &topic).await;
    harness.publish(messages(&topic, &["later"])).await;
    assert_eq!(member.drain().await, ["1", "2"]);
    member.close().await;
    assert_eq!(harness.drain("g", &topic).await, ["later"]);
}

/// It waits for the retries of messages that it took.
pub(crate) async fn waits_for_its_own_retries(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let member = bounded(harness, &topic).await;
    let mut taken = member.take(2).await;
    member.retry(taken.remove(0), harness.delay()).await;
    member.ack(taken.remove(0)).await;
    assert_eq!(member.drain().await, ["1"]);
}

/// It does not wait for deliveries in flight to others.
pub(crate) async fn does_not_wait_for_others(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let other = harness.join("g", &topic).await;
    let held = other.one().await;
    let member = bounded(harness, &topic).await;
    let rest: &[&str] = if harness.shares_a_topic() {
        &["2"]
    } else {
        &[]
    };
    assert_eq!(member.drain().await, rest);
    assert_eq!(text(&held.stored.message), "1");
    other.ack(held).await;
}

/// It does not wait for retries of messages that others took.
pub(crate) async fn leaves_later_retries_of_others(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let other = harness.join("g", &topic).await;
    let taken = other.one().await;
    assert_eq!(texts(std::slice::from_ref(&taken)), ["1"]);
    other.retry(taken, Duration::from_mins(10)).await;
    if !harness.shares_a_topic() {
        other.close().await;
    }
    let member = bounded(harness, &topic).await;
    assert_eq!(member.drain().await, ["2"]);
}
