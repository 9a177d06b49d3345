//! What counting and tracing cost: consuming with metrics or spans beside the same without.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use protoflow::runtime::SPAN_TARGET;
use tracing::Subscriber;
use tracing_subscriber::{
    Layer, Registry,
    filter::filter_fn,
    layer::{Identity, SubscriberExt as _},
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
    beside(plan, "consume counted, beside not", 0.97, &|consumed| {
        metrics::with_local_recorder(&Counting, consumed)
    });
}

/// In process, with a subscriber that keeps spans while they are open.
pub fn seen(plan: &Plan) {
    beside(
        plan,
        "consume with spans, beside without",
        0.9,
        &|consumed| tracing::subscriber::with_default(only_spans(Identity::new()), consumed),
    );
}

/// The same, with a layer that gives spans an identity and nothing that takes them.
pub fn traced(plan: &Plan) {
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("bench");
    let layer = || tracing_opentelemetry::layer().with_tracer(tracer.clone());
    beside(
        plan,
        "consume with traces, beside without",
        0.9,
        &|consumed| tracing::subscriber::with_default(only_spans(layer()), consumed),
    );
}

/// Returns a subscriber for the spans of messages alone.
fn only_spans<L: Layer<Registry> + Send + Sync>(layer: L) -> impl Subscriber + Send + Sync {
    let is_span = filter_fn(|metadata| metadata.target() == SPAN_TARGET);
    tracing_subscriber::registry().with(layer.with_filter(is_span))
}

/// Consumes in some way, beside the same as it is.
fn beside(plan: &Plan, name: &str, least: f64, way: &dyn Fn(&dyn Fn() -> Duration) -> Duration) {
    let setup = Setup::new();
    let template = setup.store("template.db", &events::events(plan.events));
    let consumed = || {
        let store = setup.copy(&template, "ours.db");
        let (time, summary) = block_on(async {
            let transport = setup::open(&store).await;
            let consumed = consume(transport.clone(), "bench", Idle::EVENTS).await;
            transport.close().await.unwrap();
            consumed
        });
        Idle::EVENTS.check(&summary, plan.events as u64);
        time
    };
    compare(
        name,
        Target::Speed(least),
        plan.rounds,
        Box::new(|_| way(&consumed)),
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
