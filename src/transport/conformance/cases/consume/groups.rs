//! Consumers of a group share one position; groups are independent.

use std::time::Duration;

use tokio::time::timeout;

use crate::transport::conformance::harness::{
    Harness,
    member::Member,
    message::{message, messages, text, texts},
    refusals,
};
use crate::transport::{StartFrom, SubscribeRequest};

/// Consumers of one group, each on its own connection, share the messages: each is delivered once.
pub(crate) async fn consumers_share_the_work(harness: &Harness) {
    let topic = harness.topic("a").await;
    let again = harness.again().await;
    let first = harness.join("g", &topic).await;
    let second = Member::join(&*again, harness.request("g", &topic)).await;
    let names: Vec<String> = (10..30).map(|number| number.to_string()).collect();
    harness
        .publish(names.iter().map(|name| message(&topic, name)))
        .await;
    let mut seen = Vec::new();
    while seen.len() < names.len() {
        let (member, taken) = tokio::select! {
            taken = first.next(3) => (&first, taken),
            taken = second.next(3) => (&second, taken),
        };
        seen.extend(texts(&taken));
        for delivery in taken {
            member.ack(delivery).await;
        }
    }
    first.close().await;
    second.close().await;
    seen.extend(harness.drain("g", &topic).await);
    seen.sort();
    assert_eq!(seen, names, "every message once");
}

/// Each of two groups gets every message.
pub(crate) async fn two_groups_both_see_all(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2", "3"])).await;
    assert_eq!(harness.drain("g", &topic).await, ["1", "2", "3"]);
    assert_eq!(harness.drain("h", &topic).await, ["1", "2", "3"]);
}

/// A group that comes back continues from its position.
pub(crate) async fn a_group_goes_on_where_it_was(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    assert_eq!(harness.drain("g", &topic).await, ["1", "2"]);
    harness.publish(messages(&topic, &["3"])).await;
    let again = harness.again().await;
    let member = Member::join(&*again, harness.request("g", &topic)).await;
    assert_eq!(text(&member.one().await.stored.message), "3");
}

/// A new group starts with the oldest message.
pub(crate) async fn starts_with_the_earliest(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join("g", &topic).await;
    harness.publish(messages(&topic, &["2"])).await;
    assert_eq!(texts(&member.take(2).await), ["1", "2"]);
}

/// A group that starts with new messages gets those stored after it joined.
pub(crate) async fn starts_with_the_new(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["old"])).await;
    let request = SubscribeRequest {
        from: StartFrom::New,
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request).await;
    harness.publish(messages(&topic, &["new"])).await;
    assert_eq!(text(&member.one().await.stored.message), "new");
}

/// A group that starts at a time gets messages stored at that time or later.
pub(crate) async fn starts_at_a_time(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["old"])).await;
    let time = harness.wait_for_another_time(&topic).await;
    let request = SubscribeRequest {
        from: StartFrom::Time(time),
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request).await;
    assert_eq!(text(&member.one().await.stored.message), "another time");
}

/// The start counts only when the group is created.
pub(crate) async fn the_start_counts_only_once(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.join("g", &topic).await.close().await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let request = SubscribeRequest {
        from: StartFrom::New,
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request.clone()).await;
    member.ack(member.one().await).await;
    member.close().await;
    let request = SubscribeRequest {
        from: StartFrom::Earliest,
        until_end: true,
        ..request
    };
    assert_eq!(harness.join_as(request).await.drain().await, ["2"]);
}

/// A consumer of several topics gets the events of each, and of no other.
pub(crate) async fn reads_several_topics(harness: &Harness) {
    let (first, other) = (harness.topic("a").await, harness.topic("b").await);
    let second = harness.topic("c").await;
    for topic in [&first, &other, &second] {
        harness.publish([message(topic, topic.as_str())]).await;
    }
    let request = SubscribeRequest {
        patterns: vec![first.clone().into(), second.clone().into()],
        until_end: true,
        ..harness.request("g", &first)
    };
    let mut read = harness.join_as(request).await.drain().await;
    read.sort_unstable();
    assert_eq!(read, [first.as_str(), second.as_str()]);
}

/// A pattern matches topics created after joining too.
pub(crate) async fn reads_what_patterns_choose(harness: &Harness) {
    if refusals::patterns(harness).await {
        return;
    }
    let first = harness.topic("in.a").await;
    let request = SubscribeRequest {
        patterns: vec![harness.pattern("in.*")],
        ..harness.request("g", &first)
    };
    let member = harness.join_as(request).await;
    harness.publish([message(&first, "in.a")]).await;
    assert_eq!(text(&member.one().await.stored.message), "in.a");
    for name in ["out.a", "in.a.b", "in.b"] {
        let topic = harness.topic(name).await;
        harness.publish([message(&topic, name)]).await;
    }
    assert_eq!(text(&member.one().await.stored.message), "in.b");
}

/// A message that matches several patterns is delivered once.
pub(crate) async fn delivers_once_what_matches_twice(harness: &Harness) {
    if refusals::patterns(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    let request = SubscribeRequest {
        patterns: vec![harness.pattern("*"), topic.clone().into()],
        until_end: true,
        ..harness.request("g", &topic)
    };
    assert_eq!(harness.join_as(request).await.drain().await, ["1", "2"]);
}

/// At most `max_in_flight` deliveries are in flight.
pub(crate) async fn never_exceeds_what_may_be_in_flight(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness
        .publish(messages(&topic, &["1", "2", "3", "4", "5"]))
        .await;
    let request = SubscribeRequest {
        max_in_flight: 2,
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request).await;
    let mut held = member.take(2).await;
    let more = timeout(harness.delay(), member.next(5)).await;
    assert!(more.is_err(), "a third was handed out while two are held");
    member.ack(held.remove(0)).await;
    let next = member.next(5).await;
    assert_eq!(texts(&next), ["3"], "one was settled, one may follow");
}

/// A dropped call of `next` loses nothing.
pub(crate) async fn loses_nothing_when_dropped(harness: &Harness) {
    let topic = harness.topic("a").await;
    let member = harness.join("g", &topic).await;
    let mut taken = Vec::new();
    for (text, patience) in [("1", 0), ("2", 1), ("3", 5)] {
        let wait = timeout(Duration::from_millis(patience), member.next(10));
        taken.extend(wait.await.into_iter().flatten());
        harness.publish([message(&topic, text)]).await;
    }
    while taken.len() < 3 {
        taken.extend(member.next(10).await);
    }
    assert_eq!(texts(&taken), ["1", "2", "3"]);
}
