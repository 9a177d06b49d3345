//! Several processes on one store, some of which die.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use protoflow::transport::Verdict;

#[cfg(feature = "failpoints")]
use crate::store::{read, text};
use crate::{
    child::Child,
    store::{Store, publish, request, settle, take, texts, within},
};

#[tokio::test(flavor = "multi_thread")]
async fn processes_publish_and_consume_at_once() {
    let dir = Store::new();
    let children: Vec<_> = (0..3)
        .map(|_| Child::start("publish", &dir.path()))
        .collect();
    let transport = dir.open().await;
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let mut seen = HashSet::new();
    while seen.len() < 600 {
        let taken = within(20, consumer.next(50)).await.unwrap();
        for delivery in &taken {
            assert!(seen.insert(delivery.stored.position.clone()), "twice");
        }
        settle(&*consumer, taken, Verdict::Ack).await;
    }
    for child in children {
        assert_eq!(child.output().len(), 200);
    }
    consumer.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_consumer_is_noticed_at_once() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(&*transport, "t", &["1"]).await;
    let mut child = Child::start("hold", &dir.path());
    assert_eq!(child.line(), "taken");
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    let start = Instant::now();
    child.kill();
    let taken = take(&*consumer, 1).await;
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(taken[0].attempts.crashed, 1);
    settle(&*consumer, taken, Verdict::Ack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_the_process_down_too_often_is_archive_note() {
    let dir = Store::new();
    let transport = dir.open().await;
    publish(&*transport, "t", &["poison"]).await;
    for _ in 0..5 {
        let mut child = Child::start("hold", &dir.path());
        assert_eq!(child.line(), "taken");
        child.kill();
    }
    let mut bounded = request("g", "t");
    bounded.until_end = true;
    let consumer = transport.subscribe(bounded).await.unwrap();
    assert!(within(5, consumer.next(10)).await.unwrap().is_empty());
    let mut scan = transport
        .dead_letters()
        .scan(&<_>::default())
        .await
        .unwrap();
    let letters = scan.next(10).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].record.kind.as_str(), "crashed");
    assert_eq!(
        (letters[0].record.crashes, letters[0].record.attempts),
        (5, 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_is_heard_of_soon() {
    let dir = Store::new();
    let transport = dir.open().await;
    let consumer = transport.subscribe(request("g", "t")).await.unwrap();
    // Another transport on the same file shares nothing with the first but the file.
    let other = dir.open().await;
    let mut delays = Vec::new();
    for n in 0..21 {
        let text = n.to_string();
        let waiting = take(&*consumer, 1);
        let publishing = async {
            publish(&*other, "t", &[&text]).await;
            Instant::now()
        };
        let (taken, published) = tokio::join!(waiting, publishing);
        delays.push(published.elapsed());
        assert_eq!(texts(&taken), [text]);
        settle(&*consumer, taken, Verdict::Ack).await;
    }
    delays.sort();
    assert!(delays[10] < Duration::from_millis(20), "{delays:?}");
}

#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn killed_between_effect_and_answer_nothing_is_lost_or_doubled() {
    for (point, action, left) in [
        ("sqlite.publish.before:3", "publish", 2),
        ("sqlite.publish.after:3", "publish", 3),
    ] {
        let dir = Store::new();
        let child = Child::start_with(action, &dir.path(), &[("PF_FAILPOINT", point)]);
        assert_eq!(child.output(), ["0", "1"], "{point}");
        let stored = read(&*dir.open().await, "t").await;
        assert_eq!(stored.len(), left, "{point}");
    }
    for (point, comes_again) in [
        ("sqlite.claim.before", true),
        ("sqlite.claim.after", true),
        ("sqlite.settle.before", true),
        ("sqlite.settle.after", false),
    ] {
        let dir = Store::new();
        let transport = dir.open().await;
        publish(&*transport, "t", &["1"]).await;
        let child = Child::start_with("ack", &dir.path(), &[("PF_FAILPOINT", point)]);
        assert!(!child.output().contains(&"settled".to_owned()), "{point}");
        let mut bounded = request("g", "t");
        bounded.until_end = true;
        let consumer = transport.subscribe(bounded).await.unwrap();
        let again = within(5, consumer.next(10)).await.unwrap();
        assert_eq!(again.len(), usize::from(comes_again), "{point}");
        let first = again.iter().map(|delivery| text(&delivery.stored));
        assert!(first.eq(std::iter::repeat_n("1".to_owned(), again.len())));
        settle(&*consumer, again, Verdict::Ack).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_store_can_be_made_by_several_at_once() {
    for _ in 0..40 {
        let dir = Store::new();
        let made = (0..4).map(async |_| {
            let transport = dir.open().await;
            publish(&*transport, "t", &["1"]).await;
            read(&*transport, "t").await.len()
        });
        let seen = futures_util::future::join_all(made).await;
        assert_eq!(seen.into_iter().max(), Some(4));
    }
}
