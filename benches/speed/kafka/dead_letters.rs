//! Listing, counting, replaying and verifying dead letters.

use std::time::{Duration, Instant};

use protoflow::{runtime::Triage, transport::Selection};

use super::setup::{Setup, our_letters, prefix};
use crate::{
    Plan, events,
    program::{block_on, open},
    rounds::{Target, compare},
    triage::{self, CHECK, EDIT, LIST, RATE, RATED, beside_a_reader, run},
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

pub fn list(plan: &Plan) {
    command(plan, "kafka dlq list", &LIST);
}

pub fn check(plan: &Plan) {
    command(plan, "kafka dlq check", &CHECK);
}

/// Runs a command over dead letters beside a raw reader of the same.
fn command(plan: &Plan, name: &str, command: &[&str]) {
    let setup = Setup::new();
    setup.letters(0, &events::events(plan.events));
    beside_a_reader(
        name,
        plan.rounds,
        || setup.pf(0, command),
        || assert_eq!(setup.raw().count_records(&our_letters(0)), plan.events),
    );
}

pub fn replay(plan: &Plan) {
    let replay = ["dlq", "replay", "--all", "--yes"];
    beside_a_copy(plan, ("kafka dlq replay", 0.7), &replay, None);
}

pub fn edit(plan: &Plan) {
    let replay = ["dlq", "replay", "--all", "--yes", "--edit", EDIT];
    let edit = Some(triage::edited as fn(&[u8]) -> Vec<u8>);
    beside_a_copy(plan, ("kafka dlq replay --edit", 0.4), &replay, edit);
}

/// Replays dead letters beside a raw copy loop.
fn beside_a_copy(
    plan: &Plan,
    (name, target): (&str, f64),
    command: &[&str],
    edit: Option<crate::events::Edit>,
) {
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
        let time = run(setup.pf(round, command));
        let waiting = waiting(&setup, round);
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
        let copied = raw.replay(&raw_letters(round), (&delays, &receipts), edit);
        let time = start.elapsed();
        assert_eq!(copied, count);
        raw.wait_until_seen(&delays);
        assert_eq!(raw.count_records(&delays), count);
        time
    };
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn verify(plan: &Plan) {
    let count = plan.events / 2;
    let setup = Setup::new();
    setup.letters(0, &events::events(count));
    run(setup.pf(0, &["dlq", "replay", "--all", "--yes"]));
    setup.raw().wait_until_seen(&waiting(&setup, 0));
    let job = triage::last_job(setup.pf(0, &["dlq", "log", "-o", "json"]));
    beside_a_reader(
        "kafka dlq verify",
        plan.rounds,
        || setup.pf(0, &["dlq", "jobs", "show", &job, "--verify"]),
        || {
            // What was to be replayed, what is left, and what is there.
            assert!(setup.raw().count_records(&state(&setup, 0)) > 0);
            setup.raw().count_records(&our_letters(0));
            assert_eq!(setup.raw().count_records(&waiting(&setup, 0)), count);
        },
    );
}

pub fn rate(_: &Plan) {
    let setup = Setup::new();
    setup.letters(0, &events::events(RATED));
    let rate = RATE.to_string();
    run(setup.pf(0, &["dlq", "replay", "--all", "--yes", "--rate", &rate]));
    setup.raw().wait_until_seen(&waiting(&setup, 0));
    let (first, last): (Duration, Duration) = setup.raw().span(&waiting(&setup, 0));
    triage::judge_rate("kafka dlq replay --rate", first, last);
}

fn raw_letters(round: usize) -> String {
    format!("raw{round}.dlq")
}

/// Returns the topic of our replays of a round.
fn waiting(setup: &Setup, round: usize) -> String {
    let start = format!("{}pf.bench.", prefix(round));
    setup.raw().topic(|name| name.starts_with(&start))
}

/// Returns the topic of the state of triage of a round.
fn state(setup: &Setup, round: usize) -> String {
    let start = prefix(round);
    setup
        .raw()
        .topic(|name| name.starts_with(&start) && name.ends_with("pf.state"))
}
