//! Publishing a stream: in order, in batches, every message accounted for.

use std::{sync::Arc, time::Duration};

use protoflow::{
    event::Message,
    runtime::{Publisher, PublisherOptions},
    transport::{ErrorKind, Outgoing, Receipt, Result, TailFrom, TailRequest, Transport},
};
use tokio::time::Instant;

use crate::{
    flaky::{Flaky, fail},
    harness::{Bench, topic},
};

type Told = Vec<(usize, Result<Receipt>)>;

async fn flaky() -> Flaky {
    let bench = Bench::new().await;
    let mut flaky = Flaky::new(&bench.transport);
    flaky.slowness = Duration::from_millis(10);
    flaky
}

fn publisher(flaky: &Flaky) -> Publisher<usize> {
    let patient = PublisherOptions {
        linger: Duration::from_secs(1),
        ..PublisherOptions::default()
    };
    Publisher::new(Arc::new(flaky.clone()), patient)
}

fn message(number: usize) -> Outgoing {
    Message::new(topic(), number.to_string()).into()
}

async fn push(publisher: &mut Publisher<usize>, numbers: std::ops::Range<usize>) -> Told {
    let mut told = Vec::new();
    for number in numbers {
        told.extend(publisher.push(message(number), number).await);
    }
    told
}

fn tags(told: &Told) -> Vec<usize> {
    told.iter().map(|(tag, _)| *tag).collect()
}

async fn stored(flaky: &Flaky) -> Vec<String> {
    let request = TailRequest {
        patterns: vec![topic().into()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = flaky.tail(request).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = tail.next(1000).await.unwrap();
        if some.is_empty() {
            return all;
        }
        let texts = some.iter().map(|stored| stored.message.bytes().to_vec());
        all.extend(texts.map(|bytes| String::from_utf8(bytes).unwrap()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_result_is_told_as_unknown() {
    let flaky = flaky().await;
    flaky.silent.store(1, std::sync::atomic::Ordering::SeqCst);
    let mut publisher = publisher(&flaky);
    push(&mut publisher, 0..3).await;
    let told = publisher.finish().await;
    assert_eq!(tags(&told), [0, 1, 2]);
    let kinds = told
        .iter()
        .map(|(_, result)| result.as_ref().unwrap_err().kind());
    assert!(kinds.into_iter().all(|kind| kind == ErrorKind::Ambiguous));
}

#[tokio::test(start_paused = true)]
async fn everything_is_stored_and_told_in_order() {
    let flaky = flaky().await;
    let mut publisher = publisher(&flaky);
    let mut told = push(&mut publisher, 0..2500).await;
    told.extend(publisher.finish().await);
    assert_eq!(tags(&told), (0..2500).collect::<Vec<_>>());
    assert!(told.iter().all(|(_, result)| result.is_ok()));
    assert_eq!(*flaky.batches.lock().unwrap(), [1000, 1000, 500]);
    let numbers: Vec<String> = (0..2500).map(|number| number.to_string()).collect();
    assert_eq!(stored(&flaky).await, numbers);
}

#[tokio::test(start_paused = true)]
async fn a_full_window_waits_for_the_oldest_batch() {
    let flaky = flaky().await;
    let mut publisher = publisher(&flaky);
    let start = Instant::now();
    assert!(push(&mut publisher, 0..4000).await.is_empty());
    assert_eq!(
        start.elapsed(),
        Duration::ZERO,
        "four batches are in flight"
    );
    let told = push(&mut publisher, 4000..5000).await;
    assert!(start.elapsed() >= Duration::from_millis(10));
    assert_eq!(told.len(), 1000);
    assert_eq!(publisher.finish().await.len(), 4000);
}

#[tokio::test(start_paused = true)]
async fn large_messages_make_small_batches() {
    let flaky = flaky().await;
    let mut publisher = publisher(&flaky);
    let large = vec![b'x'; 300_000];
    for number in 0..8 {
        let message = Message::new(topic(), large.clone());
        publisher.push(message.into(), number).await;
    }
    assert_eq!(publisher.finish().await.len(), 8);
    assert_eq!(*flaky.batches.lock().unwrap(), [4, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_trickle_is_not_held_back() {
    let flaky = flaky().await;
    let mut publisher = publisher(&flaky);
    publisher.push(message(0), 0).await;
    tokio::time::advance(Duration::from_secs(1)).await;
    publisher.push(message(1), 1).await;
    assert_eq!(*flaky.batches.lock().unwrap(), [2]);
    publisher.push(message(2), 2).await;
    assert_eq!(tags(&publisher.flush().await), [0, 1, 2]);
    assert!(publisher.is_idle());
    assert!(publisher.flush().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_with_its_tag() {
    let flaky = flaky().await;
    fail(&flaky.publish, [ErrorKind::TooLarge]);
    let mut publisher = publisher(&flaky);
    push(&mut publisher, 0..3).await;
    let told = publisher.finish().await;
    let refused = told.iter().filter(|(_, result)| result.is_err());
    assert_eq!(refused.map(|(tag, _)| *tag).collect::<Vec<_>>(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_loses_nothing() {
    let flaky = flaky().await;
    let mut publisher = publisher(&flaky);
    push(&mut publisher, 0..3).await;
    let flush = tokio::time::timeout(Duration::from_millis(1), publisher.flush());
    assert!(flush.await.is_err());
    assert_eq!(tags(&publisher.flush().await), [0, 1, 2]);
    assert_eq!(stored(&flaky).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn in_order_one_message_of_a_key_is_under_way() {
    let flaky = flaky().await;
    let options = PublisherOptions {
        linger: Duration::from_secs(1),
        ordered: true,
        ..PublisherOptions::default()
    };
    let mut publisher = Publisher::new(Arc::new(flaky.clone()), options);
    let mut told = Vec::new();
    for (number, key) in ["a", "b", "c", "a", "a", "d"].into_iter().enumerate() {
        let mut message = Message::new(topic(), number.to_string());
        message.key = Some(key.into());
        told.extend(publisher.push(message.into(), number).await);
    }
    assert_eq!(tags(&told), [0, 1, 2, 3], "what was overtaken is confirmed");
    told.extend(publisher.finish().await);
    assert_eq!(tags(&told), [0, 1, 2, 3, 4, 5]);
    assert_eq!(*flaky.batches.lock().unwrap(), [3, 1, 2]);
}
