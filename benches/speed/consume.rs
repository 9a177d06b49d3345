//! Consuming in process with a handler that does nothing.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use protoflow::{
    RetryPolicy,
    event::decode,
    runtime::{ConsumeOptions, Consumer, Handler, Outcome, Run, Stop, Summary, fingerprint},
    transport::{Delivery, Failure, SubscribeRequest},
};

use crate::{
    Plan,
    raw::{self, sqlite::Fate},
    rounds::{Target, compare},
    stage::{self, Stage, TOPIC},
};

/// Messages per claim, as the product batches them: a third of the 1,000 that may be in flight.
const BATCH: usize = 333;

pub fn message(plan: &Plan) {
    run(plan, "consume, messages", 0.5, || Idle {
        decoded: false,
        mixed: false,
    });
}

pub fn event(plan: &Plan) {
    run(plan, "consume, decoded events", 0.5, || Idle {
        decoded: true,
        mixed: false,
    });
}

pub fn mixed(plan: &Plan) {
    run(plan, "consume, 10 % retry 1 % dead", 0.35, || Idle {
        decoded: false,
        mixed: true,
    });
}

fn run(plan: &Plan, name: &str, target: f64, handler: impl Fn() -> Idle) {
    let stage = Stage::new();
    let template = stage.store("template.db", &stage::events(plan.events));
    let mixed = handler().mixed;
    let ours = |_| {
        let store = stage.copy(&template, "ours.db");
        let (time, summary) = stage::block_on(consume(&store, handler()));
        check(&summary, plan.events as u64, mixed);
        time
    };
    let raw = |_| {
        let store = stage.copy(&template, "raw.db");
        let mut connection = raw::sqlite::open(&store);
        let start = Instant::now();
        let fate = |seq: i64, again: bool| if mixed { fate(seq, again) } else { Fate::Ack };
        let marked = raw::sqlite::claim_and_mark(&mut connection, BATCH, fate);
        assert_eq!(marked, plan.events as u64);
        start.elapsed()
    };
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

async fn consume(store: &Path, handler: Idle) -> (Duration, Summary) {
    let transport = stage::open(store).await;
    let mut request = SubscribeRequest::new("bench".parse().unwrap(), vec![TOPIC.parse().unwrap()]);
    request.until_end = true;
    let policy = RetryPolicy {
        base: Duration::ZERO,
        ..RetryPolicy::default()
    };
    let options = ConsumeOptions {
        policy,
        ..ConsumeOptions::new(request)
    };
    let start = Instant::now();
    let consumer = Consumer::new(transport.clone(), options, handler, Arc::new(()));
    let summary = consumer.run(Stop::default()).await.unwrap();
    let time = start.elapsed();
    transport.close().await.unwrap();
    (time, summary)
}

fn check(summary: &Summary, events: u64, mixed: bool) {
    assert_eq!(summary.acked + summary.dead_lettered, events);
    assert_eq!(summary.dead_lettered, if mixed { events / 100 } else { 0 });
    assert_eq!(summary.retried, if mixed { events / 10 } else { 0 });
}

/// Every tenth is tried twice, every hundredth dies.
fn fate(number: i64, again: bool) -> Fate {
    match number % 100 {
        0 => Fate::Dead,
        n if n % 10 == 5 && !again => Fate::Retry,
        _ => Fate::Ack,
    }
}

struct Idle {
    decoded: bool,
    mixed: bool,
}

#[async_trait]
impl Handler for Idle {
    async fn handle(&self, delivery: &Delivery, run: &Run) -> Outcome {
        if self.decoded {
            std::hint::black_box(decode(&delivery.stored.message).unwrap());
        }
        if !self.mixed {
            return Outcome::Ack(Vec::new());
        }
        match fate(
            delivery.stored.position.as_str().parse().unwrap(),
            run.attempt > 1,
        ) {
            Fate::Ack => Outcome::Ack(Vec::new()),
            Fate::Retry => Outcome::Retry(None, failure()),
            Fate::Dead => Outcome::DeadLetter(failure()),
        }
    }
}

fn failure() -> Failure {
    Failure {
        class: "refused".into(),
        message: "card declined".into(),
        detail: None,
        duration: None,
        fingerprint: fingerprint("refused", "card declined"),
    }
}
