//! Groups: order, leases, retries, deaths.

use std::time::{Duration, Instant};

use protoflow::transport::{ErrorKind, Verdict};

use crate::store::{
    Store, message, publish, read, request, retry, settle, store, take, text, texts, within,
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_published_is_read_and_consumed_in_order() {
    let dir = Store::new();
    let one = dir.open().await;
    publish(&*one, "order.created", &["1", "2", "3"]).await;
    let other = dir.open().await;
    assert_eq!(
        read(&*other, "order.*")
            .await
            .iter()
            .map(text)
            .collect::<Vec<_>>(),
        ["1", "2", "3"]
    );
    let consumer = other.subscribe(request("g", "order.*")).await.unwrap();
    let taken = take(&*consumer, 3).await;
    assert_eq!(texts(&taken), ["1", "2", "3"]);
    settle(&*consumer, taken, Verdict::Ack).await;
    consumer.close().await.unwrap();
    let mut again = request("g", "order.*");
    again.until_end = true;
    let consumer = other.subscribe(again).await.unwrap();
    assert!(within(5, consumer.next(10)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_with_one_consumer_at_a_time() {
    let dir = Store::new();
    let one = dir.open().await;
    let other = dir.open().await;
    let batch = ["a1", "a2", "b1", "a3"];
    let batch = batch
        .iter()
        .map(|text| message("t", Some(&text[..1]), text).into());
    store(&*one, batch.collect()).await;
    let first = one.subscribe(request("g", "t")).await.unwrap();
    let second = other.subscribe(request("g", "t")).await.unwrap();
    let held = take(&*first, 1).await;
    assert_eq!(texts(&held), ["a1"]);
    let taken = take(&*second, 1).await;
    assert_eq!(texts(&taken), ["b1"], "key `a` is with the first");
    settle(&*first, held, Verdict::Ack).await;
    let rest = take(&*second, 2).await;
    assert_eq!(texts(&rest), ["a2", "a3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_counts_and_a_return_does_not() {
    let dir = Store::new();
    let store = dir.open().await;
    publish(&*store, "t", &["1"]).await;
    let mut bounded = request("g", "t");
    bounded.until_end = true;
    let consumer = store.subscribe(bounded).await.unwrap();
    let taken = take(&*consumer, 1).await;
    settle(&*consumer, taken, Verdict::Return).await;
    let taken = take(&*consumer, 1).await;
    assert_eq!(taken[0].attempts.attempt(), 1);
    let start = Instant::now();
    settle(&*consumer, taken, retry(Duration::from_millis(200))).await;
    let taken = take(&*consumer, 1).await;
    assert!(start.elapsed() >= Duration::from_millis(200));
    assert_eq!(taken[0].attempts.attempt(), 2);
    assert!(taken[0].attempts.first_failed.is_some());
    settle(&*consumer, taken, Verdict::Ack).await;
    assert!(within(5, consumer.next(1)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_consumer_is_noticed_at_once_and_counted() {
    let dir = Store::new();
    let one = dir.open().await;
    let other = dir.open().await;
    publish(&*one, "t", &["1"]).await;
    let dying = one.subscribe(request("g", "t")).await.unwrap();
    let living = other.subscribe(request("g", "t")).await.unwrap();
    drop(take(&*dying, 1).await);
    let start = Instant::now();
    drop(dying);
    let taken = take(&*living, 1).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (taken[0].attempts.failed, taken[0].attempts.crashed),
        (0, 1)
    );
    settle(&*living, taken, Verdict::Ack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ran_out_is_lost_and_no_crash() {
    let dir = Store::new();
    let one = dir.open().await;
    publish(&*one, "t", &["1"]).await;
    let mut short = request("g", "t");
    short.lease = Duration::from_millis(50);
    let slow = one.subscribe(short).await.unwrap();
    let held = take(&*slow, 1).await;
    let quick = one.subscribe(request("g", "t")).await.unwrap();
    let taken = take(&*quick, 1).await;
    assert_eq!(taken[0].attempts.crashed, 0, "its holder lives");
    let late = held
        .into_iter()
        .map(|delivery| delivery.conclude(Verdict::Ack));
    let late = slow.settle(late.collect()).await;
    assert_eq!(late[0].as_ref().unwrap_err().kind(), ErrorKind::Lost);
    settle(&*quick, taken, Verdict::Ack).await;
}
