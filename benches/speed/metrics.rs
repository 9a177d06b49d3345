//! What counting costs: consuming with metrics beside the same without.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

use crate::{
    Plan,
    events::{self, TOPIC},
    handler::{Idle, consume},
    program::block_on,
    rounds::{Target, compare},
    sqlite::setup::{self, Setup},
};

/// Counts everything, as a recorder of a program does.
struct Counting;

#[derive(Default)]
struct Sum(AtomicU64, AtomicU64);

impl HistogramFn for Sum {
    fn record(&self, seconds: f64) {
        use std::sync::atomic::Ordering::Relaxed;
        self.0.fetch_add(1, Relaxed);
        self.1.fetch_add(
            Duration::from_secs_f64(seconds).subsec_nanos().into(),
            Relaxed,
        );
    }
}

impl Recorder for Counting {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Arc::new(AtomicU64::new(0)).into()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Arc::new(AtomicU64::new(0)).into()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Arc::new(Sum::default()).into()
    }
}

/// In process, with a handler that does nothing.
pub fn counted(plan: &Plan) {
    let setup = Setup::new();
    let template = setup.store("template.db", &events::events(plan.events));
    let consumed = || {
        let store = setup.copy(&template, "ours.db");
        let (time, summary) = block_on(async {
            let transport = setup::open(&store).await;
            let consumed = consume(transport.clone(), "bench", Idle::MESSAGES).await;
            transport.close().await.unwrap();
            consumed
        });
        Idle::MESSAGES.check(&summary, plan.events as u64);
        time
    };
    compare(
        "consume counted, beside not",
        Target::Speed(0.97),
        plan.rounds,
        Box::new(|_| metrics::with_local_recorder(&Counting, consumed)),
        Box::new(|_| consumed()),
    );
}

/// `pf consume --worker`, with `--metrics` beside without.
pub fn served(plan: &Plan) {
    let setup = Setup::new();
    let template = setup.store("template.db", &events::events(plan.events));
    let bench = std::env::current_exe().unwrap();
    let program = bench.to_str().unwrap();
    let side = |flags: &'static [&'static str]| {
        let (setup, template) = (&setup, &template);
        move |_| {
            let store = setup.copy(template, "ours.db");
            let arguments = [
                "consume",
                TOPIC,
                "--group",
                "bench",
                "--until-end",
                "--worker",
            ];
            let start = Instant::now();
            let status = setup::pf(&store, &arguments)
                .args(flags)
                .args(["--", program, "--answer-lines"])
                .status();
            assert!(status.unwrap().success());
            start.elapsed()
        }
    };
    compare(
        "pf consume --metrics, beside without",
        Target::Speed(0.97),
        plan.rounds,
        Box::new(side(&["--metrics", ":0"])),
        Box::new(side(&[])),
    );
}
