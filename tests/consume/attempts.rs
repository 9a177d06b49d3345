//! Failed runs: counted, retried, given up.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use protoflow::{
    Event, HandlerError,
    event::{EventExt, event},
    runtime::{End, Summary},
    transport::DeadLetterKind,
};
use tokio::time::Instant;

use crate::harness::{Bench, TOPIC, accept, number, numbered, refuse};

#[tokio::test(start_paused = true)]
async fn everything_is_handled_once() {
    let bench = Bench::with_events(2500).await;
    let summary = bench.run(accept).await.unwrap();
    let expected = Summary {
        acked: 2500,
        end: Some(End::Reached),
        ..Summary::default()
    };
    assert_eq!(summary, expected);
    assert_eq!(bench.log.count("acked"), 2500);
}

#[tokio::test(start_paused = true)]
async fn a_failing_event_is_retried_with_pauses_and_given_up() {
    let bench = Bench::with_events(1).await;
    let start = Instant::now();
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!((summary.retried, summary.dead_lettered), (2, 1));
    assert_eq!(
        bench.log.lines(),
        [
            "retry in 1s: run 1 failed",
            "retry in 2s: run 2 failed",
            "dead (exhausted): run 3 failed"
        ]
    );
    assert!(start.elapsed() >= Duration::from_secs(3));
    let letters = bench.letters().await;
    assert_eq!(letters[0].record.attempts, 3);
    assert!(letters[0].record.failure.duration.is_some());
}

#[tokio::test(start_paused = true)]
async fn the_handler_decides() {
    let bench = Bench::with_events(4).await;
    let summary = bench
        .run(|event: Event| async move {
            match (number(&event), event.attempt()) {
                (0, 1) => Err(HandlerError::retry_after(Duration::from_secs(90), "busy")),
                (1, _) => Err(HandlerError::dead_letter("no such product")),
                (2, _) => Err(HandlerError::skip("a test order")),
                _ => Ok(()),
            }
        })
        .await
        .unwrap();
    assert_eq!(
        (
            summary.acked,
            summary.skipped,
            summary.retried,
            summary.dead_lettered
        ),
        (2, 1, 1, 1)
    );
    let mut lines = bench.log.lines();
    lines.sort();
    assert_eq!(
        lines,
        [
            "acked",
            "acked",
            "dead (permanent): no such product",
            "retry in 90s: busy",
            "skipped: a test order"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_run() {
    let bench = Bench::with_events(2).await;
    let summary = bench
        .run(|event: Event| async move {
            assert!(number(&event) != 0 || event.attempt() > 1, "no stock");
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.retried), (2, 1));
    assert_eq!(bench.log.count("retry in 1s: no stock"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_has_failed() {
    let mut bench = Bench::with_events(1).await;
    bench.options.handler_timeout = Some(Duration::from_secs(7));
    let summary = bench
        .run(|event: Event| async move {
            if event.attempt() == 1 {
                std::future::pending::<()>().await;
            }
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.retried), (1, 1));
    assert_eq!(bench.log.count("retry in 1s: took longer than 7s"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_long_run_keeps_its_lease() {
    let bench = Bench::with_events(3).await;
    let runs = std::sync::Arc::new(AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&runs);
    let summary = bench
        .run(move |_: Event| {
            counter.fetch_add(1, Ordering::SeqCst);
            async {
                tokio::time::sleep(Duration::from_secs(500)).await;
                Ok(())
            }
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, runs.load(Ordering::SeqCst)), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_event_may_bring_its_own_number_of_attempts() {
    let mut bench = Bench::new().await;
    let patient = event(TOPIC, "/shop").max_attempts(5).build().unwrap();
    bench.publish(patient).await;
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!((summary.retried, summary.dead_lettered), (4, 1));

    bench.options.event_decides_attempts = false;
    bench.options.request.group = "other".parse().unwrap();
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!((summary.retried, summary.dead_lettered), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn an_expired_event_is_not_run() {
    let bench = Bench::new().await;
    for year in ["1999", "2999"] {
        let event =
            event(TOPIC, "/shop").extension("expirytime", format!("{year}-01-01T00:00:00Z"));
        bench.publish(event.build().unwrap()).await;
    }
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.dead_lettered), (1, 1));
    let letters = bench.letters().await;
    assert_eq!(letters[0].record.kind, DeadLetterKind::Expired);
    assert_eq!(letters[0].record.attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn a_few_messages_that_are_no_events_become_dead_letters() {
    let bench = Bench::new().await;
    for _ in 0..19 {
        bench.publish_text("garbage").await;
    }
    bench.publish(numbered(1)).await;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.dead_lettered), (1, 19));
    assert_eq!(bench.letters().await[0].record.kind, DeadLetterKind::Decode);
}

#[tokio::test(start_paused = true)]
async fn a_single_bad_message_does_not_wait_for_an_event() {
    let bench = Bench::new().await;
    bench.publish_text("garbage").await;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!(
        (summary.dead_lettered, summary.end),
        (1, Some(End::Reached))
    );
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_events_stops_the_consumer_and_loses_nothing() {
    let bench = Bench::new().await;
    for _ in 0..25 {
        bench.publish_text("garbage").await;
    }
    let error = bench.run(accept).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the first 20 messages are not CloudEvents"),
        "{error}"
    );
    assert!(bench.letters().await.is_empty());
    assert_eq!(
        bench.log.count("returned"),
        bench.log.lines().len() - bench.log.count("draining")
    );

    let mut bench = bench;
    bench.options.plain = true;
    assert_eq!(bench.run(accept).await.unwrap().acked, 25);
}
