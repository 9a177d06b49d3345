//! Counting and replaying dead letters.

use std::{process::Stdio, time::Instant};

use protoflow::{runtime::Triage, transport::Selection};

use super::setup::{Setup, open, our_letters, prefix};
use crate::{
    Plan, events,
    program::block_on,
    rounds::{Target, compare},
};

pub fn stats(plan: &Plan) {
    let setup = Setup::new();
    setup.letters(0, &events::events(plan.events));
    let ours = |_| {
        block_on(async {
            let transport = open(&setup.url(0)).await;
            let triage = Triage::new(transport.clone());
            let start = Instant::now();
            let counts = triage.stats(Selection::default()).await.unwrap();
            let time = start.elapsed();
            let count: u64 = counts.rows.iter().map(|row| row.count).sum();
            assert_eq!(count, plan.events as u64);
            transport.close().await.unwrap();
            time
        })
    };
    let raw = |_| {
        let start = Instant::now();
        assert_eq!(setup.raw().count_records(&our_letters(0)), plan.events);
        start.elapsed()
    };
    compare(
        "kafka dlq stats",
        Target::Speed(0.4),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn replay(plan: &Plan) {
    let count = plan.events / 2;
    let events = events::events(count);
    let setup = Setup::new();
    for round in 0..plan.rounds {
        setup.letters(round, &events);
        // Those that were replayed are gone.
        setup.raw().make(&raw_letters(round), &[]);
        setup.raw().bury(&raw_letters(round), &events);
    }
    let ours = |round| {
        let start = Instant::now();
        let mut pf = setup.pf(round, &["dlq", "replay", "--all", "--yes"]);
        pf.stdout(Stdio::null());
        assert!(pf.status().unwrap().success());
        let time = start.elapsed();
        let waiting = format!("{}pf.bench.delay", prefix(round));
        setup.raw().wait_until_seen(&waiting);
        assert_eq!(setup.raw().count_records(&waiting), count);
        time
    };
    let raw = |round| {
        let (delays, receipts) = (format!("raw{round}.delay"), format!("raw{round}.state"));
        let raw = setup.raw();
        raw.make(&delays, &[("cleanup.policy", "compact")]);
        raw.make(&receipts, &[("cleanup.policy", "compact")]);
        let start = Instant::now();
        assert_eq!(raw.replay(&raw_letters(round), &delays, &receipts), count);
        let time = start.elapsed();
        raw.wait_until_seen(&delays);
        assert_eq!(raw.count_records(&delays), count);
        time
    };
    compare(
        "kafka dlq replay",
        Target::Speed(0.7),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

fn raw_letters(round: usize) -> String {
    format!("raw{round}.dlq")
}
