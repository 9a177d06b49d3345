//! Listing, counting, replaying and verifying dead letters.

use std::time::Instant;

use super::setup::Setup;
use crate::{
    Plan, events,
    rounds::{Target, compare},
    triage::{self, CHECK, LIST, STATS, beside_a_reader, run},
};

pub fn list(plan: &Plan) {
    command(plan, "pulsar dlq list", &LIST);
}

pub fn stats(plan: &Plan) {
    command(plan, "pulsar dlq stats", &STATS);
}

pub fn check(plan: &Plan) {
    command(plan, "pulsar dlq check", &CHECK);
}

/// Runs a command over dead letters beside a raw reader of the same.
fn command(plan: &Plan, name: &str, command: &[&str]) {
    let setup = Setup::new(1);
    setup.letters(0, &events::events(plan.events));
    let letters = setup.our_letters(0);
    beside_a_reader(
        name,
        plan.rounds,
        || setup.pf(0, command),
        || setup.raw(async |raw| assert_eq!(raw.count(&letters).await, plan.events)),
    );
}

pub fn replay(plan: &Plan) {
    let count = plan.events / 2;
    let events = events::events(count);
    let setup = Setup::new(plan.rounds);
    for round in 0..plan.rounds {
        setup.letters(round, &events);
        let letters = raw_letters(&setup, round);
        setup.raw(async |raw| raw.bury(&letters, &events).await);
    }
    let ours = |round| {
        let time = run(setup.pf(round, &["dlq", "replay", "--all", "--yes"]));
        assert_eq!(setup.count(&setup.our_replays(round)), count);
        time
    };
    let raw = |round| {
        let (letters, target) = (raw_letters(&setup, round), setup.raw_topic(round));
        let time = setup.raw(async |raw| {
            let start = Instant::now();
            assert_eq!(raw.replay(&letters, &target).await, count);
            start.elapsed()
        });
        assert_eq!(setup.count(&target), count);
        assert_eq!(setup.backlog(&letters, "replay"), 0);
        time
    };
    compare(
        "pulsar dlq replay",
        Target::Speed(0.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn verify(plan: &Plan) {
    let count = plan.events / 2;
    let setup = Setup::new(1);
    setup.letters(0, &events::events(count));
    run(setup.pf(0, &["dlq", "replay", "--all", "--yes"]));
    let job = triage::last_job(setup.pf(0, &["dlq", "log", "-o", "json"]));
    let replays = setup.our_replays(0);
    beside_a_reader(
        "pulsar dlq verify",
        plan.rounds,
        || setup.pf(0, &["dlq", "jobs", "show", &job, "--verify"]),
        || setup.raw(async |raw| assert_eq!(raw.count(&replays).await, count)),
    );
}

fn raw_letters(setup: &Setup, round: usize) -> String {
    format!("{}-DLQ", setup.raw_topic(round))
}
