//! A group name that serves several topics: retries have a topic for each.

use std::time::Duration;

use protoflow::transport::Verdict;

use super::shop::{Seen, Shop, retry, settle, take};

#[tokio::test(flavor = "multi_thread")]
async fn names_that_read_the_same_stay_apart() {
    let shop = Shop::new("").await;
    let pairs = [("a.b", "c"), ("a", "b.c")];
    for (_, topic) in pairs {
        shop.create(topic).await;
        shop.publish(topic, &[topic]).await;
    }
    let mut members = Vec::new();
    for (group, topic) in pairs {
        let member = shop.join(group, topic).await;
        let delivery = take(&*member, 1).await.remove(0);
        settle(&*member, delivery, retry(Duration::from_millis(500))).await;
        members.push((member, topic));
    }
    for (member, topic) in members.into_iter().rev() {
        let delivery = take(&*member, 1).await.remove(0);
        let seen = Seen::of(&delivery);
        assert_eq!((&*seen.text, seen.failed), (topic, 1));
        settle(&*member, delivery, Verdict::Ack).await;
        member.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_comes_later_has_retries_too() {
    let shop = Shop::new("").await;
    shop.create("in.a").await;
    let member = shop.join("g", "in.*").await;
    shop.create("in.b").await;
    shop.publish("in.b", &["b"]).await;
    for attempt in [1, 2] {
        let delivery = take(&*member, 1).await.remove(0);
        assert_eq!(
            (
                delivery.stored.message.topic.as_str(),
                delivery.attempts.attempt()
            ),
            ("in.b", attempt)
        );
        if attempt == 1 {
            settle(&*member, delivery, retry(Duration::ZERO)).await;
        }
    }
    member.close().await.unwrap();
    let other = shop.drain("g", "in.a").await;
    assert!(other.is_empty(), "{other:?}");
}
