//! Members with a name that come back: the group gives such a one what it had before, and does not share out anew, even
//! if it reads other topics by now.

use std::{sync::Arc, time::Duration};

use protoflow::transport::{Delivery, SubscribeRequest, Subscription, Verdict};
use test_support::kafka::Member;

use super::shop::{COMPACTED, Shop, retry, settle};

/// How long something that has to come may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// For how long nothing comes that must not.
const SILENCE: Duration = Duration::from_secs(2);
const NEWER: &str = "&group.protocol=consumer";

impl Shop {
    /// Joins under a name.
    async fn join_named(&self, name: &str, topics: &[&str]) -> Arc<dyn Subscription> {
        self.join_as(self.named(name, topics)).await
    }

    fn named(&self, name: &str, topics: &[&str]) -> SubscribeRequest {
        SubscribeRequest {
            patterns: topics.iter().map(|topic| topic.parse().unwrap()).collect(),
            instance: Some(name.to_owned()),
            ..self.request("g", "a")
        }
    }
}

/// Takes the next message, which has to be this one, and lets it be tried again.
async fn is_given(member: &dyn Subscription, text: &str) {
    for attempt in [1, 2] {
        let delivery = next(member).await;
        let message = &delivery.stored.message;
        assert_eq!(message.bytes(), text.as_bytes(), "attempt {attempt}");
        assert_eq!(delivery.attempts.attempt(), attempt);
        let verdict = match attempt {
            1 => retry(Duration::ZERO),
            _ => Verdict::Ack,
        };
        settle(member, delivery, verdict).await;
    }
}

async fn next(member: &dyn Subscription) -> Delivery {
    let taken = tokio::time::timeout(TIMEOUT, member.next(1)).await;
    let mut taken = taken.unwrap().unwrap();
    taken.pop().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_reads_more_than_before_gets_all_of_it() {
    reads_more(&Shop::new("").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_under_the_newer_protocol_too() {
    reads_more(&Shop::new(NEWER).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_does_with_other_strategies_too() {
    reads_more(&Shop::new("&partition.assignment.strategy=range").await).await;
}

async fn reads_more(shop: &Shop) {
    shop.create("a").await;
    shop.create("b").await;
    shop.publish("a", &["of a"]).await;
    let first = shop.join_named("one", &["a"]).await;
    is_given(&*first, "of a").await;
    // As when it is killed.
    drop(first);
    shop.publish("b", &["of b"]).await;
    let again = shop.join_named("one", &["a", "b"]).await;
    is_given(&*again, "of b").await;
    shop.publish("a", &["more of a"]).await;
    is_given(&*again, "more of a").await;
    again.close().await.unwrap();
    // After an orderly end it is known for a while too.
    shop.create("c").await;
    shop.publish("c", &["of c"]).await;
    let request = SubscribeRequest {
        until_end: true,
        ..shop.named("one", &["a", "b", "c"])
    };
    let bounded = shop.join_as(request).await;
    is_given(&*bounded, "of c").await;
    let rest = tokio::time::timeout(TIMEOUT, bounded.next(1)).await;
    assert!(rest.unwrap().unwrap().is_empty());
    bounded.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_of_an_earlier_version_gets_its_retries() {
    let shop = Shop::new("").await;
    shop.create("a").await;
    shop.aside(|raw| raw.make(&shop.legacy("g"), 2, &COMPACTED));
    let earlier = foreign(&shop, "one", &[&shop.name("a"), &shop.legacy("g")], 4);
    drop(earlier);
    shop.publish("a", &["of a"]).await;
    let member = shop.join_named("one", &["a"]).await;
    is_given(&*member, "of a").await;
    member.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_reads_less_than_before_leaves_the_rest_to_others() {
    reads_less(&Shop::new("").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_it_under_the_newer_protocol_too() {
    reads_less(&Shop::new(NEWER).await).await;
}

async fn reads_less(shop: &Shop) {
    shop.create("a").await;
    shop.create("b").await;
    let first = shop.join_named("one", &["a", "b"]).await;
    shop.publish("b", &["of b"]).await;
    let delivery = next(&*first).await;
    settle(&*first, delivery, retry(Duration::ZERO)).await;
    drop(first);
    let again = shop.join_named("one", &["a"]).await;
    // What is to be tried again is not for it.
    let other = tokio::time::timeout(SILENCE, again.next(1)).await;
    assert!(other.is_err(), "{other:?}");
    shop.publish("a", &["of a"]).await;
    is_given(&*again, "of a").await;
    let other = shop.join("g", "b").await;
    let delivery = next(&*other).await;
    assert_eq!(delivery.stored.message.bytes(), b"of b");
    assert_eq!(delivery.attempts.attempt(), 2);
    settle(&*other, delivery, Verdict::Ack).await;
    other.close().await.unwrap();
    again.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shared_out_anew_where_everything_has_an_owner() {
    let shop = Shop::new("").await;
    shop.create("a").await;
    shop.create("b").await;
    let first = shop.join_named("one", &["a"]).await;
    let watcher = foreign(&shop, "two", &[&shop.name("b")], 2);
    shop.publish("a", &["of a"]).await;
    is_given(&*first, "of a").await;
    let before = watcher.rebalances();
    drop(first);
    let again = shop.join_named("one", &["a"]).await;
    shop.publish("a", &["more of a"]).await;
    is_given(&*again, "more of a").await;
    let more = tokio::time::timeout(SILENCE, again.next(1)).await;
    assert!(more.is_err(), "{more:?}");
    assert_eq!(watcher.rebalances(), before);
    again.close().await.unwrap();
}

/// Joins with another client under a name: dropped, it does not leave its group.
fn foreign(shop: &Shop, name: &str, topics: &[&str], partitions: usize) -> Member {
    let settings = [
        ("group.instance.id", name),
        ("heartbeat.interval.ms", "500"),
    ];
    shop.foreign("g", &settings, topics, partitions)
}
