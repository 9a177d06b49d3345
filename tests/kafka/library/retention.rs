//! Records that retention removes while they are being read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use protoflow::{
    event::Stored,
    transport::{
        Delivery, ErrorKind, Settlement, SubscribeRequest, Subscription, Tail, TailFrom,
        TailRequest, TransportError, Verdict,
    },
};
use test_support::kafka::{Broker, raw::Record};
use tokio::time::timeout;

use super::{
    connect::Connect as _,
    shelf::{Shelf, topic},
};

/// Together more than any client reads ahead.
const RECORDS: usize = 400;
const SIZE: usize = 100_000;
/// The first that retention leaves.
const LEFT: usize = 390;
const PATIENCE: Duration = Duration::from_secs(30);

/// What was read, and what was told of what could not be.
#[derive(Default)]
struct Seen {
    numbers: Vec<usize>,
    gaps: Vec<String>,
}

impl Seen {
    fn note(&mut self, stored: &Stored) {
        let payload = stored.message.payload.as_ref().unwrap();
        let digits = payload.iter().take_while(|byte| byte.is_ascii_digit());
        let number = digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'));
        self.numbers.push(number);
    }

    fn miss(&mut self, failed: &TransportError) {
        if !failed.is_transient() {
            assert_eq!(failed.kind(), ErrorKind::Gap, "{failed}");
            self.gaps.push(failed.to_string());
        }
    }

    fn is_complete(&self) -> bool {
        self.numbers.last() == Some(&(RECORDS - 1))
    }

    /// Everything came that was there, and what did not is told.
    fn judge(self) {
        let before = self.numbers.iter().take_while(|number| **number < LEFT);
        let before = before.count();
        assert!(before < LEFT, "retention was faster than the reader");
        let all: Vec<usize> = (0..before).chain(LEFT..RECORDS).collect();
        assert_eq!(self.numbers, all);
        let missed = format!("retention removed {} records", LEFT - before);
        assert!(
            matches!(&self.gaps[..], [told] if told.contains(&missed)),
            "{missed}: {:?}",
            self.gaps
        );
    }
}

fn big(number: usize) -> Record {
    Record {
        payload: Some(format!("{number:03}{}", "x".repeat(SIZE)).into_bytes()),
        ..Record::default()
    }
}

async fn large() -> Shelf {
    let shelf = Shelf::new(1).await;
    shelf.make("order", &[]);
    let records: Vec<_> = (0..RECORDS).map(big).collect();
    shelf.raw.write(&shelf.name("order"), &records);
    shelf
}

fn remove(shelf: &Shelf) {
    let name = shelf.name("order");
    let left = i64::try_from(LEFT).unwrap();
    shelf.aside(|raw| raw.remove_before(&name, 0, left));
}

async fn handle(group: &dyn Subscription, seen: &mut Seen) {
    assert!(handle_more(group, seen).await, "it ended");
}

/// Handles what comes next; reports whether it has not ended.
async fn handle_more(group: &dyn Subscription, seen: &mut Seen) -> bool {
    let deliveries = match timeout(PATIENCE, group.next(100)).await.unwrap() {
        Ok(deliveries) => deliveries,
        Err(failed) => {
            seen.miss(&failed);
            return true;
        }
    };
    let has_more = !deliveries.is_empty();
    let mut settlements = Vec::new();
    for delivery in deliveries {
        seen.note(&delivery.stored);
        let verdict = Verdict::Ack;
        settlements.push(Settlement { delivery, verdict });
    }
    let settled = group.settle(settlements).await;
    assert!(settled.iter().all(Result::is_ok));
    has_more
}

fn request(group: &str) -> SubscribeRequest {
    SubscribeRequest::new(group.parse().unwrap(), vec![topic("order").into()])
}

async fn join(shelf: &Shelf, group: &str) -> Arc<dyn Subscription> {
    shelf.transport.subscribe(request(group)).await.unwrap()
}

#[tokio::test]
async fn a_member_goes_on_behind_what_was_removed_while_it_worked() {
    overtake(large().await).await;
}

#[tokio::test]
async fn so_does_one_that_gives_up_all_its_partitions_together() {
    let mut shelf = large().await;
    let parameters = format!("{}&partition.assignment.strategy=range", shelf.parameters);
    let transport = Broker::shared().connect(&parameters, false).await;
    shelf.transport = transport.unwrap();
    overtake(shelf).await;
}

async fn overtake(shelf: Shelf) {
    let group = join(&shelf, "slow").await;
    let mut seen = Seen::default();
    handle(&*group, &mut seen).await;
    remove(&shelf);
    while !seen.is_complete() {
        handle(&*group, &mut seen).await;
    }
    seen.judge();
    group.close().await.unwrap();
}

async fn show(tail: &mut dyn Tail, seen: &mut Seen) {
    match timeout(PATIENCE, tail.next(100)).await.unwrap() {
        Ok(stored) => {
            assert_ne!(stored, [], "it ended");
            for stored in &stored {
                seen.note(stored);
            }
        }
        Err(failed) => seen.miss(&failed),
    }
}

#[tokio::test]
async fn a_tail_goes_on_behind_what_was_removed_while_it_read() {
    let shelf = large().await;
    let request = TailRequest {
        patterns: vec![topic("order").into()],
        from: TailFrom::Earliest,
        until_end: false,
    };
    let mut tail = shelf.transport.tail(request).await.unwrap();
    let mut seen = Seen::default();
    show(&mut *tail, &mut seen).await;
    remove(&shelf);
    while !seen.is_complete() {
        show(&mut *tail, &mut seen).await;
    }
    seen.judge();
}

#[tokio::test]
async fn a_tail_goes_on_when_one_of_its_topics_is_removed() {
    let shelf = Shelf::new(1).await;
    for topic in ["order.a", "order.b"] {
        shelf.make(topic, &[]);
        shelf.raw.write(&shelf.name(topic), &[small(1)]);
    }
    let request = TailRequest {
        patterns: vec!["order.*".parse().unwrap()],
        from: TailFrom::Earliest,
        until_end: false,
    };
    let mut tail = shelf.transport.tail(request).await.unwrap();
    let mut seen = Seen::default();
    while seen.numbers.len() < 2 {
        show(&mut *tail, &mut seen).await;
    }
    let (gone, left) = (shelf.name("order.a"), shelf.name("order.b"));
    shelf.aside(|raw| raw.remove(&gone));
    // Longer than the client takes to learn of it.
    let end = Instant::now() + Duration::from_secs(12);
    let mut number = 2;
    while Instant::now() < end {
        shelf.raw.write(&left, &[small(number)]);
        while seen.numbers.last() != Some(&number) {
            show(&mut *tail, &mut seen).await;
        }
        number += 1;
    }
}

#[tokio::test]
async fn every_gap_is_told_before_anything_is_handed_out() {
    let shelf = Shelf::new(1).await;
    let name = shelf.name("order");
    shelf.aside(|raw| raw.make(&name, 3, &[]));
    let record = |number: usize| Record {
        partition: Some(i32::try_from(number % 3).unwrap()),
        ..small(number)
    };
    let records: Vec<_> = (0..30).map(record).collect();
    shelf.raw.write(&name, &records[..3]);
    let group = join(&shelf, "away").await;
    let mut seen = Seen::default();
    while seen.numbers.len() < 3 {
        handle(&*group, &mut seen).await;
    }
    group.close().await.unwrap();
    shelf.raw.write(&name, &records[3..]);
    for partition in 0..3 {
        shelf.aside(|raw| raw.remove_before(&name, partition, 9));
    }
    let group = join(&shelf, "away").await;
    for count in 1..=3 {
        handle(&*group, &mut seen).await;
        assert_eq!((seen.numbers.len(), seen.gaps.len()), (3, count));
    }
    while seen.numbers.len() < 6 {
        handle(&*group, &mut seen).await;
    }
    group.close().await.unwrap();
}

fn small(number: usize) -> Record {
    Record {
        payload: Some(format!("{number:03}").into_bytes()),
        ..Record::default()
    }
}

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
        let mut tries = 0;
        while !is_read_anew(left).await {
            tries += 1;
            assert!(
                tries < 20,
                "the member always looked before they were there"
            );
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
            .any(|gap| gap.contains("of 0 records so far"))
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
    let more = timeout(PATIENCE, group.next(100)).await.unwrap();
    assert_eq!(more.unwrap().len(), 0);
    group.close().await.unwrap();
}

#[tokio::test]
async fn a_gap_is_found_beside_partitions_that_are_busy_or_end_with_a_transaction() {
    let shelf = Shelf::new(1).await;
    let name = shelf.name("order");
    shelf.aside(|raw| raw.make(&name, 3, &[]));
    let of = |partition: i32, mut record: Record| {
        record.partition = Some(partition);
        record
    };
    let first: Vec<_> = (0..RECORDS).map(|number| of(0, big(number))).collect();
    shelf.raw.write(&name, &first);
    let together: Vec<_> = (0..10).map(|number| of(1, small(number + 400))).collect();
    shelf.raw.write_together(&name, &together, true);
    shelf.raw.write_together(&name, &[of(1, small(999))], false);
    let group = join(&shelf, "mixed").await;
    let mut seen = Seen::default();
    while !seen.numbers.contains(&0) || !seen.numbers.contains(&409) {
        handle(&*group, &mut seen).await;
    }
    remove(&shelf);
    let mut busy = 500;
    while !seen.numbers.contains(&(RECORDS - 1)) {
        shelf.raw.write(&name, &[of(2, small(busy))]);
        busy += 1;
        handle(&*group, &mut seen).await;
    }
    while !seen.numbers.contains(&(busy - 1)) {
        handle(&*group, &mut seen).await;
    }
    group.close().await.unwrap();
    let others: Vec<usize> = seen
        .numbers
        .iter()
        .copied()
        .filter(|n| *n >= RECORDS)
        .collect();
    let mut sorted = others.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (400..410).chain(500..busy).collect::<Vec<_>>());
    seen.numbers.retain(|number| *number < RECORDS);
    seen.judge();
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
