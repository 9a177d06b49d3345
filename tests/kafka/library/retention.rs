//! Records that retention removes while they are being read.

use std::time::{Duration, Instant};

use protoflow::transport::{Tail, TailFrom, TailRequest};
use test_support::kafka::{Broker, records::Record};
use tokio::time::timeout;

use super::{
    connect::Connect as _,
    reading::{RECORDS, Seen, TIMEOUT, big, handle, join, large, remove, small},
    shelf::{Shelf, topic},
};

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
    match timeout(TIMEOUT, tail.next(100)).await.unwrap() {
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
