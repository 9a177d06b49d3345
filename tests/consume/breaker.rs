//! An open breaker is never silent: the observer is notified, and without one there is a log.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use protoflow::{
    Event,
    runtime::{BreakerOptions, Consumer, HandlerError, IntoHandler as _},
};
use tokio::time::Instant;
use tracing::{
    Level, Metadata,
    field::{Field, Visit},
    span,
};

use crate::harness::{Bench, refuse};

/// Keeps the messages of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Message<'a>(&'a Warnings);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Message(self));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// Consumes for ten seconds with a handler that fails at first; returns what was logged without an observer.
async fn logged(bench: &mut Bench) -> Vec<String> {
    bench.options.request.until_end = false;
    bench.options.policy.max_attempts = 1;
    let start = Instant::now();
    let handler = move |_: Event| async move {
        match start.elapsed().as_secs() {
            0..2 => Err(HandlerError::dead_letter("no such customer")),
            _ => Ok(()),
        }
    };
    let warnings = Warnings::default();
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let transport = Arc::clone(&bench.transport);
    let options = bench.options.clone();
    let handler = handler.into_handler(transport.encoding());
    let consumer = Consumer::new(transport, options, handler, Arc::new(()));
    let stop = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        bench.stop.drain.cancel();
    };
    let (summary, ()) = tokio::join!(consumer.run(bench.stop.clone()), stop);
    summary.unwrap();
    let logged = warnings.0.lock().unwrap();
    logged.clone()
}

#[tokio::test(start_paused = true)]
async fn a_breaker_without_an_observer_is_logged() {
    let mut bench = Bench::with_events(30).await;
    let logged = logged(&mut bench).await;
    let reason = "dead letters: no such customer";
    assert_eq!(
        logged,
        [
            format!(
                "breaker opened, nearly every event fails: 20 of the last 20 {reason}; the next event is let through in 1s"
            ),
            format!(
                "breaker stays open: 21 of the last 21 {reason}; the next event is let through in 2s"
            ),
            "breaker closed: events succeed again".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn limits_decide_when_it_opens() {
    let mut bench = Bench::with_events(30).await;
    bench.options.breaker = BreakerOptions::never();
    assert!(logged(&mut bench).await.is_empty());
    let mut bench = Bench::with_events(30).await;
    bench.options.breaker.in_a_row = 3;
    assert!(logged(&mut bench).await[0].contains("3 of the last 3 dead letters"));
}

#[tokio::test(start_paused = true)]
async fn a_bounded_run_reports_that_it_stops() {
    let mut bench = Bench::with_events(30).await;
    bench.options.policy.max_attempts = 1;
    bench.run(refuse).await.unwrap();
    let lines = bench.log.lines();
    let opened = lines.iter().find(|line| line.starts_with("breaker opened"));
    assert!(
        opened.unwrap().ends_with(" failed"),
        "no next event: {opened:?}"
    );
}
