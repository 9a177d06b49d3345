//! Topics that are created anew, or whose broker lost the end of them, while they are being read.

use std::{sync::Arc, time::Duration};

use protoflow::transport::{Delivery, Subscription, Verdict};
use test_support::kafka::Broker;
use tokio::time::timeout;

use super::{
    reading::{Seen, TIMEOUT, handle, handle_more, join, large, request, small},
    shelf::Shelf,
};

#[tokio::test]
async fn a_member_goes_on_in_a_topic_that_is_made_anew() {
    let shelf = Shelf::new(1).await;
    let name = shelf.name("order");
    let group = begin(&shelf, &name).await;
    shelf.aside(|raw| raw.remove(&name));
    shelf.make("order", &[]);
    go_on(&shelf, &name, &*group).await;
}

#[tokio::test]
async fn a_bounded_member_ends_with_a_topic_that_is_made_anew() {
    for left in [5, 200] {
        // On a busy machine the member may look too early every time; each time it ended as it should.
        for _ in 0..20 {
            if is_read_anew(left).await {
                break;
            }
        }
    }
}

/// Makes a topic anew under a bounded member, which ends; reports whether it found the new records. If it looked before
/// they were there, there was nothing left to wait for, and it told of the gap.
async fn is_read_anew(left: usize) -> bool {
    let shelf = large().await;
    let name = shelf.name("order");
    let mut request = request("bounded");
    request.until_end = true;
    let group = shelf.transport.subscribe(request).await.unwrap();
    let mut seen = Seen::default();
    while seen.numbers.is_empty() {
        handle(&*group, &mut seen).await;
    }
    let new: Vec<_> = (0..left).map(small).collect();
    let writer = shelf.raw.writer();
    shelf.aside(|raw| raw.remove(&name));
    shelf.make("order", &[]);
    writer.write(&name, &new);
    while handle_more(&*group, &mut seen).await {}
    group.close().await.unwrap();
    let is_read = seen.numbers.last() == Some(&(left - 1));
    let looked_before = || {
        seen.gaps
            .iter()
            .any(|gap| gap.contains("(0 records so far)"))
    };
    assert!(is_read || looked_before(), "{:?}", seen.gaps);
    is_read
}

#[tokio::test]
async fn a_bounded_member_needs_nothing_of_a_topic_that_it_has_passed() {
    let shelf = Shelf::new(1).await;
    let name = shelf.name("order");
    shelf.make("order", &[]);
    let records: Vec<_> = (0..20).map(small).collect();
    shelf.raw.write(&name, &records);
    let mut request = request("passed");
    request.until_end = true;
    let group = shelf.transport.subscribe(request).await.unwrap();
    let mut held = Vec::new();
    while held.len() < 20 {
        held.extend(group.next(100).await.unwrap());
    }
    // Behind its end.
    shelf.raw.write(&name, &records);
    shelf.aside(|raw| raw.remove(&name));
    shelf.make("order", &[]);
    shelf.raw.write(&name, &records[..5]);
    // Longer than it takes to look again.
    let more = timeout(Duration::from_secs(16), group.next(100)).await;
    assert!(more.is_err(), "{more:?}");
    let verdict = |delivery: Delivery| delivery.conclude(Verdict::Ack);
    let settled = group.settle(held.into_iter().map(verdict).collect()).await;
    assert!(settled.iter().all(Result::is_ok));
    let more = timeout(TIMEOUT, group.next(100)).await.unwrap();
    assert_eq!(more.unwrap().len(), 0);
    group.close().await.unwrap();
}

#[tokio::test]
async fn a_member_reads_a_log_again_of_which_its_broker_lost_the_end() {
    let broker = Broker::start();
    let shelf = Shelf::of(&broker, 1).await;
    let name = shelf.name("order");
    let group = begin(&shelf, &name).await;
    broker.kill();
    broker.lose(&name, 0);
    broker.restart();
    let gaps = go_on(&shelf, &name, &*group).await;
    let told = "ends at offset";
    assert!(gaps.iter().all(|gap| gap.contains(told)), "{gaps:?}");
    assert!(!gaps.is_empty(), "nothing is told");
}

/// Lets a member read some.
async fn begin(shelf: &Shelf, name: &str) -> Arc<dyn Subscription> {
    shelf.make("order", &[]);
    let old: Vec<_> = (0..20).map(small).collect();
    shelf.raw.write(name, &old);
    let group = join(shelf, "steady").await;
    let mut seen = Seen::default();
    while seen.numbers.len() < 20 {
        handle(&*group, &mut seen).await;
    }
    group
}

/// Writes others that are fewer, and waits until the member has read each of them once; returns what it tells.
async fn go_on(shelf: &Shelf, name: &str, group: &dyn Subscription) -> Vec<String> {
    let new: Vec<_> = (20..25).map(small).collect();
    shelf.raw.write(name, &new);
    let mut seen = Seen::default();
    while seen.numbers.last() != Some(&24) {
        handle(group, &mut seen).await;
    }
    assert_eq!(seen.numbers, (20..25).collect::<Vec<_>>());
    group.close().await.unwrap();
    seen.gaps
}
