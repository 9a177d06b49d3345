//! Keys: in order among themselves, freely beside each other.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use protoflow::{
    Event, EventExt, HandlerError,
    event::{Message, Stored, event},
};

use crate::harness::{Bench, TOPIC, accept, topic};

async fn keyed(bench: &Bench, events: usize, keys: usize) {
    for number in 0..events {
        let key = format!("key-{}", number % keys);
        let event = event(TOPIC, "/shop")
            .id(number.to_string())
            .extension("partitionkey", key);
        bench.publish(event.build().unwrap()).await;
    }
}

fn key_and_number(event: &Event) -> (String, usize) {
    use cloudevents::AttributesReader;
    let key = event.extension("partitionkey").unwrap().to_string();
    (key, event.id().parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_key_is_handled_in_order_by_one_job_at_a_time() {
    let mut bench = Bench::new().await;
    keyed(&bench, 300, 7).await;
    bench.options.jobs = 16;
    let seen: Arc<Mutex<HashMap<String, Vec<usize>>>> = Arc::default();
    let busy: Arc<Mutex<Vec<String>>> = Arc::default();
    let most = Arc::new(AtomicUsize::new(0));
    let (log, active, peak) = (Arc::clone(&seen), Arc::clone(&busy), Arc::clone(&most));
    let summary = bench
        .run(move |event: Event| {
            let (log, active, peak) = (Arc::clone(&log), Arc::clone(&active), Arc::clone(&peak));
            async move {
                let (key, number) = key_and_number(&event);
                {
                    let mut active = active.lock().unwrap();
                    assert!(!active.contains(&key), "{key} runs already");
                    active.push(key.clone());
                    peak.fetch_max(active.len(), Ordering::SeqCst);
                }
                if number % 3 != 0 {
                    tokio::time::sleep(Duration::from_millis(50 - number as u64 % 50)).await;
                }
                active.lock().unwrap().retain(|other| *other != key);
                log.lock().unwrap().entry(key).or_default().push(number);
                Ok(())
            }
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.dead_lettered), (300, 0));
    assert_eq!(most.load(Ordering::SeqCst), 7, "keys run beside each other");
    for numbers in seen.lock().unwrap().values() {
        assert!(numbers.is_sorted(), "{numbers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_without_a_key_run_side_by_side() {
    let mut bench = Bench::new().await;
    for number in 0..64 {
        let event = event(TOPIC, "/shop")
            .id(number.to_string())
            .build()
            .unwrap();
        bench.publish(event).await;
    }
    bench.options.jobs = 8;
    let start = tokio::time::Instant::now();
    bench
        .run(|_: Stored| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(start.elapsed().as_secs(), 8);
}

async fn order_of_runs(ordered: bool) -> Vec<(usize, u32)> {
    let mut bench = Bench::new().await;
    keyed(&bench, 4, 1).await;
    bench.options.request.ordered = ordered;
    let seen: Arc<Mutex<Vec<(usize, u32)>>> = Arc::default();
    let log = Arc::clone(&seen);
    let summary = bench
        .run(move |event: Event| {
            let (_, number) = key_and_number(&event);
            log.lock().unwrap().push((number, event.attempt()));
            async move {
                match (number, event.attempt()) {
                    (1, 1..3) => Err(HandlerError::retry("not yet")),
                    _ => Ok(()),
                }
            }
        })
        .await
        .unwrap();
    assert_eq!(summary.acked, 4);
    let seen = seen.lock().unwrap();
    seen.clone()
}

#[tokio::test(start_paused = true)]
async fn a_retry_holds_up_nothing_unless_order_is_wanted() {
    assert_eq!(
        order_of_runs(false).await,
        [(0, 1), (1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]
    );
    assert_eq!(
        order_of_runs(true).await,
        [(0, 1), (1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn messages_keep_their_bytes() {
    let mut bench = Bench::new().await;
    bench.options.plain = true;
    let mut message = Message::new(topic(), &b"\0\xff"[..]);
    message.headers.push("a", None);
    message.key = Some(bytes::Bytes::new());
    bench.publish_raw(message.clone()).await;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!(summary.acked, 1);
    bench.options.request.group = "again".parse().unwrap();
    bench.options.plain = false;
    let summary = bench
        .run(move |taken: Message| {
            let same = taken == message;
            async move {
                if same {
                    Ok(())
                } else {
                    Err(HandlerError::skip("changed"))
                }
            }
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.skipped), (1, 0));
}
