//! A retry is delivered when due, to the group that failed, and does not hold up other messages.

use std::time::{Duration, Instant};

use crate::transport::conformance::harness::{
    Harness,
    member::Member,
    message::{keyed, keyed_messages, message, messages, text, texts},
    refusals,
};
use crate::transport::{SubscribeRequest, Verdict};

/// It is not delivered early.
pub(crate) async fn is_not_early(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join("g", &topic).await;
    let delivery = member.one().await;
    let start = Instant::now();
    member.retry(delivery, harness.delay()).await;
    let again = member.one().await;
    assert!(start.elapsed() >= harness.delay(), "it was early");
    assert_eq!(again.attempts.failed, 1);
}

/// Neither another group nor a tail gets it.
pub(crate) async fn is_seen_by_its_group_only(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let other = harness.join("other", &topic).await;
    other.ack(other.one().await).await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, Duration::ZERO).await;
    let again = member.one().await;
    assert_eq!(again.attempts.attempt(), 2);
    harness.publish(messages(&topic, &["marker"])).await;
    assert_eq!(text(&other.one().await.stored.message), "marker");
    assert_eq!(harness.texts(&topic).await, ["1", "marker"]);
}

/// Later messages of its key and of other keys are delivered while it waits.
pub(crate) async fn holds_up_nothing(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish([keyed(&topic, "k", "1")]).await;
    let member = harness.join("g", &topic).await;
    member
        .retry(member.one().await, Duration::from_mins(10))
        .await;
    let later = [
        keyed(&topic, "k", "2"),
        keyed(&topic, "l", "3"),
        message(&topic, "4"),
    ];
    harness.publish(later).await;
    let mut taken = texts(&member.take(3).await);
    taken.sort();
    assert_eq!(taken, ["2", "3", "4"]);
}

/// In an ordered subscription later messages of its key wait for it, and only those.
pub(crate) async fn holds_its_key_if_ordered(harness: &Harness) {
    if refusals::ordered_retry(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    harness
        .publish(keyed_messages(&topic, "k", &["1", "2"]))
        .await;
    harness.publish([keyed(&topic, "l", "other")]).await;
    let request = SubscribeRequest {
        ordered: true,
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request).await;
    let mut seen = Vec::new();
    while seen.len() < 4 {
        for delivery in member.next(10).await {
            let name = text(&delivery.stored.message);
            if name == "1" && delivery.attempts.failed == 0 {
                seen.push("1 fails".to_owned());
                member.retry(delivery, harness.delay()).await;
            } else if name == "2" && !seen.contains(&"1".to_owned()) {
                let waits = seen.last().is_some_and(|last| last == "1 fails");
                assert!(waits, "the key was not held: {seen:?}");
                member.settle(delivery, Verdict::Return).await;
            } else {
                seen.push(name);
                member.ack(delivery).await;
            }
        }
        assert!(seen.len() < 4 || seen[3] == "2", "{seen:?}");
    }
    assert_eq!(seen, ["1 fails", "other", "1", "2"]);
}

/// It is stored: a crash of the consumer after the settlement does not lose it.
pub(crate) async fn survives_a_crash(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let again = harness.again().await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, harness.delay()).await;
    drop(member);
    let member = Member::join(&*again, harness.request("g", &topic)).await;
    let attempts = member.one().await.attempts;
    assert_eq!((attempts.failed, attempts.crashed), (1, 0));
}
