//! A transport that fails: nothing is lost, and everything is told.

use std::{sync::Arc, time::Duration};

use protoflow::{
    Event,
    runtime::{ConsumeError, End, Stop},
    transport::{ErrorKind, Transport},
};
use tokio::time::Instant;

use crate::{
    flaky::{Flaky, fail},
    harness::{Bench, accept, refuse},
};

fn flaky(bench: &Bench) -> (Flaky, Arc<dyn Transport>) {
    let flaky = Flaky::new(&bench.transport);
    (flaky.clone(), Arc::new(flaky))
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_once_and_waited_out() {
    let bench = Bench::with_events(5).await;
    let (script, transport) = flaky(&bench);
    fail(&script.next, [ErrorKind::Unavailable; 9]);
    let start = Instant::now();
    let summary = bench.run_on(transport, accept).await.unwrap();
    assert_eq!((summary.acked, summary.end), (5, Some(End::Reached)));
    assert_eq!(bench.log.count("trouble"), 1);
    assert!(
        start.elapsed() > Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn each_outage_is_told() {
    let bench = Bench::with_events(1).await;
    let (script, transport) = flaky(&bench);
    fail(&script.next, [ErrorKind::Unavailable]);
    bench.run_on(Arc::clone(&transport), accept).await.unwrap();
    fail(&script.next, [ErrorKind::Unavailable]);
    bench.run_on(transport, accept).await.unwrap();
    assert_eq!(bench.log.count("trouble"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_gap_is_told_and_passed_over() {
    let bench = Bench::with_events(2).await;
    let (script, transport) = flaky(&bench);
    fail(&script.next, [ErrorKind::Gap]);
    assert_eq!(bench.run_on(transport, accept).await.unwrap().acked, 2);
    assert_eq!(bench.log.lines()[0], "gap: flaky: as asked for");
}

#[tokio::test(start_paused = true)]
async fn a_lasting_failure_stops_the_consumer() {
    let bench = Bench::with_events(2).await;
    let (script, transport) = flaky(&bench);
    fail(&script.next, [ErrorKind::Denied]);
    let error = bench.run_on(transport, accept).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Transport(error) if error.kind() == ErrorKind::Denied));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_cannot_be_stored_stops_the_consumer_and_is_not_lost() {
    let mut bench = Bench::with_events(1).await;
    bench.options.policy.max_attempts = 1;
    let (script, transport) = flaky(&bench);
    fail(&script.dead_letter, [ErrorKind::Full]);
    let error = bench.run_on(transport, refuse).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Transport(error) if error.kind() == ErrorKind::Full));
    assert_eq!(bench.log.count("unsettled"), 1);
    assert!(bench.letters().await.is_empty());
    assert_eq!(bench.run(refuse).await.unwrap().dead_lettered, 1);
}

#[tokio::test(start_paused = true)]
async fn an_outage_while_a_dead_letter_is_stored_stops_nothing() {
    let mut bench = Bench::with_events(1).await;
    bench.options.policy.max_attempts = 1;
    let (script, transport) = flaky(&bench);
    fail(&script.dead_letter, [ErrorKind::Unavailable]);
    let summary = bench.run_on(transport, refuse).await.unwrap();
    assert_eq!((summary.dead_lettered, bench.letters().await.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_that_fails_does_not_count() {
    let mut bench = Bench::with_events(3).await;
    let (script, transport) = flaky(&bench);
    fail(&script.ack, [ErrorKind::Unavailable]);
    bench.options.request.until_end = false;
    bench.options.count = Some(3);
    let summary = bench.run_on(transport, accept).await.unwrap();
    assert_eq!((summary.acked, summary.end), (3, Some(End::Counted)));
    assert_eq!(
        (bench.log.count("unsettled"), bench.log.count("acked")),
        (1, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn a_consumer_without_events_can_be_stopped_during_an_outage() {
    let mut bench = Bench::new().await;
    bench.options.request.until_end = false;
    bench.stop = Stop::default();
    let (script, transport) = flaky(&bench);
    fail(&script.next, [ErrorKind::Unavailable; 1000]);
    let drain = bench.stop.drain.clone();
    let later = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drain.cancel();
    };
    let (summary, ()) = tokio::join!(bench.run_on(transport, accept), later);
    assert_eq!(summary.unwrap().end, Some(End::Drained));
}

#[tokio::test(start_paused = true)]
async fn a_drain_after_an_outage_waits_without_spinning() {
    let bench = Bench::with_events(1).await;
    let (script, transport) = flaky(&bench);
    fail(&script.next, [ErrorKind::Unavailable]);
    let drain = bench.stop.drain.clone();
    let slow = move |_: Event| {
        drain.cancel();
        async {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(())
        }
    };
    let summary = bench.run_on(transport, slow).await.unwrap();
    assert_eq!((summary.acked, summary.end), (1, Some(End::Drained)));
}
