//! How a consumer ends, and what it leaves behind.

use std::{sync::Arc, time::Duration};

use protoflow::{
    Event, HandlerError,
    runtime::{BreakerOptions, ConsumeError, End, Handler, Outcome, Run, describe_failure},
    transport::Delivery,
};
use tokio::{sync::mpsc, time::Instant};

use crate::{
    flaky::Flaky,
    harness::{Bench, accept, number, numbered, refuse},
};

/// Runs for as long as it is let.
async fn hang(_: Event) -> Result<(), HandlerError> {
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn a_count_takes_no_more_than_it_needs() {
    let mut bench = Bench::with_events(50).await;
    bench.options.request.until_end = false;
    bench.options.count = Some(10);
    bench.options.jobs = 4;
    let summary = bench.run(accept).await.unwrap();
    assert_eq!((summary.acked, summary.returned), (10, 0));
    assert_eq!(summary.end, Some(End::Counted));
    bench.options.count = Some(15);
    assert_eq!(bench.run(accept).await.unwrap().acked, 15);
    bench.options.count = None;
    bench.options.request.until_end = true;
    assert_eq!(bench.run(accept).await.unwrap().acked, 25);
}

#[tokio::test(start_paused = true)]
async fn a_count_is_of_final_outcomes() {
    let mut bench = Bench::with_events(3).await;
    bench.options.request.until_end = false;
    bench.options.count = Some(3);
    let summary = bench
        .run(|event: Event| async move {
            match number(&event) {
                0 => Err(HandlerError::retry("again")),
                1 => Err(HandlerError::skip("not for us")),
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
        (1, 1, 2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_due_later_stays_stored_when_the_time_is_up() {
    let mut bench = Bench::with_events(1).await;
    bench.options.request.until_end = false;
    bench.options.timeout = Some(Duration::from_mins(1));
    let hour = Duration::from_hours(1);
    let start = Instant::now();
    let later =
        move |_: Event| async move { Err::<(), _>(HandlerError::retry_after(hour, "busy")) };
    let summary = bench.run(later).await.unwrap();
    assert_eq!((summary.retried, summary.end), (1, Some(End::TimedOut)));
    assert!(start.elapsed() < Duration::from_secs(62));
    bench.options.timeout = None;
    bench.options.count = Some(1);
    assert_eq!(bench.run(accept).await.unwrap().acked, 1);
    assert!(start.elapsed() >= hour);
}

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_what_runs_and_gives_back_the_rest() {
    let mut bench = Bench::with_events(10).await;
    bench.options.jobs = 2;
    let drain = bench.stop.drain.clone();
    let summary = bench
        .run(move |_: Event| {
            drain.cancel();
            async {
                tokio::time::sleep(Duration::from_secs(5)).await;
                Ok(())
            }
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.returned), (2, 8));
    assert_eq!(summary.end, Some(End::Drained));
    assert_eq!(bench.log.count("draining 2"), 1);
    let mut again = bench;
    again.stop = protoflow::runtime::Stop::default();
    let attempts = again.run(|event: Event| async move {
        use protoflow::EventExt;
        assert_eq!(event.attempt(), 1);
        Ok(())
    });
    assert_eq!(attempts.await.unwrap().acked, 8);
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_wait_longer_than_its_grace() {
    let mut bench = Bench::with_events(3).await;
    bench.options.grace = Duration::from_secs(10);
    bench.stop.drain.cancel();
    assert_eq!(bench.run(hang).await.unwrap().end, Some(End::Drained));

    bench.stop = protoflow::runtime::Stop::default();
    let drain = bench.stop.drain.clone();
    let start = Instant::now();
    let summary = bench
        .run(move |event: Event| {
            drain.cancel();
            hang(event)
        })
        .await
        .unwrap();
    assert_eq!((summary.returned, summary.end), (3, Some(End::Aborted)));
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_abort_gives_back_uncounted_what_runs() {
    let mut bench = Bench::with_events(3).await;
    bench.options.jobs = 2;
    let abort = bench.stop.abort.clone();
    let start = Instant::now();
    let summary = bench
        .run(move |event: Event| {
            if number(&event) == 1 {
                abort.cancel();
            }
            hang(event)
        })
        .await
        .unwrap();
    assert_eq!((summary.returned, summary.end), (3, Some(End::Aborted)));
    assert!(start.elapsed() < Duration::from_millis(100));

    bench.stop = protoflow::runtime::Stop::default();
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!(
        (summary.retried, summary.dead_lettered),
        (6, 3),
        "no attempt was counted"
    );
}

/// Fails when it is told to end, as a command does that is killed.
struct Killed;

#[async_trait::async_trait]
impl Handler for Killed {
    async fn handle(&self, _: &Delivery, run: &Run) -> Outcome {
        run.abort.cancelled().await;
        Outcome::Retry(None, describe_failure("signal 15", "killed", None))
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_fails_because_of_an_abort_is_no_attempt() {
    let mut bench = Bench::with_events(1).await;
    let abort = bench.stop.abort.clone();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        abort.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run(Killed), later);
    assert_eq!(
        (summary.as_ref().unwrap().returned, summary.unwrap().retried),
        (1, 0)
    );
    bench.stop = protoflow::runtime::Stop::default();
    assert_eq!(bench.run(refuse).await.unwrap().retried, 2);
}

/// Does not listen when it is told to end.
struct Deaf;

#[async_trait::async_trait]
impl Handler for Deaf {
    async fn handle(&self, _: &Delivery, _: &Run) -> Outcome {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_leaves_a_deaf_handler_behind() {
    let bench = Bench::with_events(1).await;
    let abort = bench.stop.abort.clone();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        abort.cancel();
    };
    let start = Instant::now();
    let (summary, ()) = tokio::join!(bench.run(Deaf), later);
    let summary = summary.unwrap();
    assert_eq!((summary.returned, summary.end), (1, Some(End::Aborted)));
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!(bench.log.count("returned"), 1);
}

/// Cannot be run.
struct Missing;

#[async_trait::async_trait]
impl Handler for Missing {
    async fn handle(&self, _: &Delivery, _: &Run) -> Outcome {
        Outcome::Unusable(describe_failure("spawn", "no such command: chrage", None))
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_cannot_be_run_costs_no_attempt() {
    let bench = Bench::with_events(5).await;
    let error = bench.run(Missing).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Unusable(_)), "{error}");
    assert_eq!(bench.log.count("returned"), 5);
    assert_eq!(bench.run(accept).await.unwrap().acked, 5);
}

#[tokio::test(start_paused = true)]
async fn a_bounded_run_breaks_when_everything_fails() {
    let mut bench = Bench::with_events(100).await;
    bench.options.policy.max_attempts = 1;
    let summary = bench.run(refuse).await.unwrap();
    assert_eq!(
        (summary.dead_lettered, summary.end),
        (20, Some(End::BreakerOpened))
    );
    bench.options.breaker = BreakerOptions::never();
    assert_eq!(bench.run(refuse).await.unwrap().dead_lettered, 80);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_lets_one_event_through_per_pause() {
    let mut bench = Bench::with_events(30).await;
    bench.options.request.until_end = false;
    bench.options.policy.max_attempts = 1;
    let (told, mut runs) = mpsc::unbounded_channel();
    let start = Instant::now();
    let handler = move |_: Event| {
        let now = start.elapsed();
        let _ = told.send(now);
        async move {
            match now.as_secs() {
                0..10 => Err(HandlerError::retry("the database is down")),
                _ => Ok(()),
            }
        }
    };
    let stop = bench.stop.drain.clone();
    let watch = async {
        let mut times = Vec::new();
        while times.len() < 30 {
            times.push(runs.recv().await.unwrap().as_secs());
        }
        stop.cancel();
        times
    };
    let (summary, times) = tokio::join!(bench.run(handler), watch);
    assert_eq!(&times[..20], &[0; 20]);
    assert_eq!(&times[20..24], &[1, 3, 7, 15], "one per back-off, then all");
    assert_eq!((summary.unwrap().dead_lettered, times[29]), (23, 15));
    assert_eq!(
        (
            bench.log.count("breaker opened"),
            bench.log.count("breaker closed")
        ),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn an_end_includes_what_came_while_it_ran_only_if_it_was_there_before() {
    let bench = std::sync::Arc::new(Bench::with_events(3).await);
    let feeder = std::sync::Arc::clone(&bench);
    let summary = bench
        .run(move |_: Event| {
            let feeder = std::sync::Arc::clone(&feeder);
            async move {
                feeder.publish(numbered(99)).await;
                Ok(())
            }
        })
        .await
        .unwrap();
    assert_eq!((summary.acked, summary.end), (3, Some(End::Reached)));
}

#[tokio::test(start_paused = true)]
async fn a_limit_and_a_stop_hold_while_a_group_lets_nobody_in() {
    let mut bench = Bench::with_events(1).await;
    let mut closed = Flaky::new(&bench.transport);
    closed.is_closed = true;
    let closed = Arc::new(closed);
    bench.options.timeout = Some(Duration::from_secs(7));
    let start = Instant::now();
    let summary = bench.run_on(closed.clone(), accept).await.unwrap();
    assert_eq!(summary.end, Some(End::TimedOut));
    assert_eq!(start.elapsed().as_secs(), 7);
    bench.options.timeout = None;
    bench.stop.drain.cancel();
    let summary = bench.run_on(closed.clone(), accept).await.unwrap();
    assert_eq!(summary.end, Some(End::Drained));
    bench.stop.abort.cancel();
    let summary = bench.run_on(closed, accept).await.unwrap();
    assert_eq!(summary.end, Some(End::Aborted));
}
