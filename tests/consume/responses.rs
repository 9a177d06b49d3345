//! Events that a handler answers with: stored before their cause is acknowledged.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use protoflow::{
    Event, EventExt, HandlerError,
    event::{Envelope, Stored, event},
    runtime::ConsumeError,
    transport::{ErrorKind, TailFrom, TailRequest, Transport},
};

use crate::{
    flaky::{Flaky, fail, script},
    harness::{Bench, TOPIC, accept, number},
};

async fn charge(order: Event) -> Result<Event, HandlerError> {
    Ok(order.respond("payment.done", "/payment").build()?)
}

async fn payments(bench: &Bench) -> Vec<Stored> {
    let request = TailRequest {
        patterns: vec!["payment.*".parse().unwrap()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = bench.transport.tail(request).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = tail.next(100).await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

#[tokio::test(start_paused = true)]
async fn responses_carry_correlation_and_trace() {
    let bench = Bench::new().await;
    let order = event(TOPIC, "/shop")
        .correlation_id("req-1")
        .traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    bench.publish(order.build().unwrap()).await;
    let bare = |_: Event| async { Ok(vec![event("payment.asked", "/payment").build()?]) };
    assert_eq!(bench.run(bare).await.unwrap().acked, 1);
    let stored = payments(&bench).await;
    let envelope = Envelope::read(&stored[0].message).unwrap();
    assert_eq!(envelope.correlation_id().as_deref(), Some("req-1"));
    let trace = envelope.traceparent().unwrap();
    assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_ne!(trace.parent_id(), "00f067aa0ba902b7");
}

#[tokio::test(start_paused = true)]
async fn every_cause_has_its_response() {
    let mut bench = Bench::with_events(700).await;
    bench.options.jobs = 4;
    assert_eq!(bench.run(charge).await.unwrap().acked, 700);
    assert_eq!(payments(&bench).await.len(), 700);
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_waited_out_and_nothing_is_doubled() {
    let bench = Bench::with_events(10).await;
    let flaky = Flaky::new(&bench.transport);
    fail(&flaky.publish, [ErrorKind::Unavailable; 25]);
    let summary = bench.run_on(Arc::new(flaky), charge).await.unwrap();
    assert_eq!(
        (summary.acked, summary.retried, summary.returned),
        (10, 0, 0)
    );
    assert_eq!(payments(&bench).await.len(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_cause_whose_response_cannot_be_stored_goes_back_uncounted() {
    let mut bench = Bench::with_events(1).await;
    bench.options.request.lease = Duration::from_secs(20);
    let flaky = Flaky::new(&bench.transport);
    fail(&flaky.publish, [ErrorKind::Unavailable; 12]);
    let summary = bench.run_on(Arc::new(flaky), charge).await.unwrap();
    assert_eq!(
        (summary.acked, summary.retried, summary.returned),
        (1, 0, 1)
    );
    assert_eq!(bench.log.count("unsettled"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_the_store_refuses_is_a_failed_run() {
    let bench = Bench::with_events(1).await;
    let flaky = Flaky::new(&bench.transport);
    fail(&flaky.publish, [ErrorKind::TooLarge]);
    let transport: Arc<dyn Transport> = Arc::new(flaky);
    let summary = bench.run_on(transport, charge).await.unwrap();
    assert_eq!((summary.acked, summary.retried), (1, 1));
    assert_eq!(bench.log.count("retry in 1s: flaky: as asked for"), 1);
}

/// Two causes whose responses go into one batch: what becomes of one says nothing about the other.
#[tokio::test(start_paused = true)]
async fn results_are_not_taken_for_those_of_another_cause() {
    let mut bench = Bench::with_events(2).await;
    bench.options.jobs = 2;
    let mut flaky = Flaky::new(&bench.transport);
    flaky.slowness = Duration::from_secs(1);
    // The first cause's first response is refused, its second passes; the second cause's is not stored.
    let of_first = [Some(ErrorKind::TooLarge), None];
    script(&flaky.publish, of_first);
    script(&flaky.publish, [Some(ErrorKind::Unavailable)]);
    let answer = |order: Event| async move {
        let again = order.attempt() > 1;
        let count = if number(&order) == 0 && !again { 2 } else { 1 };
        let response = || order.respond("payment.done", "/payment").build();
        Ok((0..count)
            .map(|_| response())
            .collect::<Result<Vec<_>, _>>()?)
    };
    let summary = bench.run_on(Arc::new(flaky), answer).await.unwrap();
    assert_eq!((summary.acked, summary.retried), (2, 1));
    // One that passed beside the refused one, and one per cause.
    assert_eq!(payments(&bench).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn silence_of_the_store_is_no_confirmation() {
    let bench = Bench::with_events(4).await;
    let flaky = Flaky::new(&bench.transport);
    flaky.silent.store(3, Ordering::SeqCst);
    let summary = bench.run_on(Arc::new(flaky), charge).await.unwrap();
    assert_eq!(summary.acked, 4);
    assert_eq!(payments(&bench).await.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_bars_us_spends_no_attempt_and_stops_the_consumer() {
    let bench = Bench::with_events(1).await;
    let flaky = Flaky::new(&bench.transport);
    fail(&flaky.publish, [ErrorKind::Denied]);
    let error = bench.run_on(Arc::new(flaky), charge).await.unwrap_err();
    assert!(matches!(error, ConsumeError::Transport(error) if error.kind() == ErrorKind::Denied));
    let first = |order: Event| async move {
        assert_eq!(order.attempt(), 1);
        Ok(())
    };
    let summary = bench.run(first).await.unwrap();
    assert_eq!((summary.acked, summary.retried), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_response_is_held_back_for_as_long_as_it_asks() {
    let bench = Bench::with_events(1).await;
    let remind = |order: Event| async move {
        let reminder = order.respond("payment.reminder", "/payment");
        let mut reminder = reminder.build()?;
        reminder.set_extension("pf_delay_ms", 3_600_000);
        Ok(reminder)
    };
    assert_eq!(bench.run(remind).await.unwrap().acked, 1);
    assert!(payments(&bench).await.is_empty(), "it was seen too early");
    let mut pending = bench.transport.schedules().scan().await.unwrap();
    let pending = pending.next(10).await.unwrap();
    let left = pending[0].due.duration_since(std::time::SystemTime::now());
    assert!(left.unwrap() > Duration::from_mins(59));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_no_event_makes_a_dead_letter() {
    let bench = Bench::with_events(1).await;
    let nowhere = |_: Event| async {
        let mut response = event("payment.done", "/payment").build()?;
        cloudevents::AttributesWriter::set_type(&mut response, "not a topic");
        Ok(response)
    };
    assert_eq!(bench.run(nowhere).await.unwrap().dead_lettered, 1);
    assert_eq!(bench.run(accept).await.unwrap().acked, 0);
}
