//! Listing, counting, replaying and verifying dead letters.

use std::time::{Duration, Instant};

use protoflow::{runtime::Triage, transport::Selection};

use super::setup::{OUR_LETTERS, OUR_STATE, OURS, RAW, RAW_LETTERS, Setup, subject};
use crate::{
    Plan, events,
    program::{block_on, open},
    raw::nats::{Parcel, Raw},
    rounds::{Target, compare},
    triage::{self, CHECK, EDIT, RATE, RATED, STATS, beside_a_reader, run_quietly},
};

pub fn list(plan: &Plan) {
    let count = plan.events / 2;
    let setup = Setup::filled(&events::events(count));
    setup.letters(count);
    let ours = |_| {
        block_on(async {
            let triage = Triage::new(open(&setup.url()).await);
            let start = Instant::now();
            let mut letters = triage.list(Selection::default()).await.unwrap();
            let mut seen = 0;
            loop {
                let page = letters.next(500).await.unwrap();
                if page.is_empty() {
                    break;
                }
                seen += page.len();
            }
            assert_eq!(seen, count);
            start.elapsed()
        })
    };
    let raw = |_| {
        setup.raw(async |raw| {
            let start = Instant::now();
            let mut seen = 0;
            raw.scan(OUR_LETTERS, ">", async |message| {
                seen += usize::from(!message.payload.is_empty());
            })
            .await;
            assert_eq!(seen, count);
            start.elapsed()
        })
    };
    compare(
        "nats dlq list",
        Target::Speed(0.7),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn stats(plan: &Plan) {
    command(plan, "nats dlq stats", &STATS);
}

pub fn check(plan: &Plan) {
    command(plan, "nats dlq check", &CHECK);
}

/// Runs a command over dead letters beside a raw reader of the same.
fn command(plan: &Plan, name: &str, command: &[&str]) {
    let count = plan.events / 2;
    let setup = Setup::filled(&events::events(count));
    setup.letters(count);
    beside_a_reader(
        name,
        plan.rounds,
        || setup.pf(command),
        || read(&setup, OUR_LETTERS, count),
    );
}

/// Reads a stream with a raw client.
fn read(setup: &Setup, stream: &str, count: usize) {
    setup.raw(async |raw| assert_eq!(raw.read_all(stream).await.0, count));
}

pub fn replay(plan: &Plan) {
    let replay = ["dlq", "replay", "--all", "--yes"];
    beside_a_copy(plan, ("nats dlq replay", 0.8), &replay, None);
}

pub fn edit(plan: &Plan) {
    let replay = ["dlq", "replay", "--all", "--yes", "--edit", EDIT];
    let edit = Some(triage::edited as fn(&[u8]) -> Vec<u8>);
    beside_a_copy(plan, ("nats dlq replay --edit", 0.4), &replay, edit);
}

/// Replays dead letters beside a raw copy loop.
fn beside_a_copy(
    plan: &Plan,
    (name, target): (&str, f64),
    command: &[&str],
    edit: Option<crate::events::Edit>,
) {
    let count = plan.events / 2;
    let setup = Setup::filled(&events::events(count));
    let letters = setup.letters(count);
    // The originals of edited ones stay, archived.
    let left = if edit.is_some() { count } else { 0 };
    let ours = |_| {
        prepare(&setup, OUR_LETTERS, &letters, str::to_owned);
        restore(&setup);
        // It warns that other groups see the events again.
        let time = run_quietly(setup.pf(command));
        setup.raw(async |raw| check_replayed(raw, (OURS, OUR_LETTERS), (count, left)).await);
        time
    };
    let raw = |_| {
        prepare(&setup, RAW_LETTERS, &letters, |subject| {
            format!("{RAW_LETTERS}.{subject}")
        });
        setup.raw(async |raw| {
            let start = Instant::now();
            raw.replay(RAW, RAW_LETTERS, &subject(RAW), edit).await;
            let time: Duration = start.elapsed();
            check_replayed(raw, (RAW, RAW_LETTERS), (count, 0)).await;
            time
        })
    };
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

/// Takes out of the archive what an earlier round put into it.
fn restore(setup: &Setup) {
    run_quietly(setup.pf(&["dlq", "restore", "--all"]));
}

pub fn verify(plan: &Plan) {
    let count = plan.events / 2;
    let setup = Setup::filled(&events::events(count));
    setup.letters(count);
    setup.raw(async |raw| raw.empty(OURS).await);
    run_quietly(setup.pf(&["dlq", "replay", "--all", "--yes"]));
    let job = triage::last_job(setup.pf(&["dlq", "log", "-o", "json"]));
    beside_a_reader(
        "nats dlq verify",
        plan.rounds,
        || setup.pf(&["dlq", "jobs", "show", &job, "--verify"]),
        || {
            // What was to be replayed, what is left, and what is there.
            setup.raw(async |raw| assert!(raw.read_all(OUR_STATE).await.0 > 0));
            setup.raw(async |raw| assert_eq!(raw.count_all(OUR_LETTERS).await, 0));
            read(&setup, OURS, count);
        },
    );
}

pub fn rate(_: &Plan) {
    let setup = Setup::filled(&events::events(RATED));
    setup.letters(RATED);
    setup.raw(async |raw| raw.empty(OURS).await);
    let rate = RATE.to_string();
    run_quietly(setup.pf(&["dlq", "replay", "--all", "--yes", "--rate", &rate]));
    let (count, first, last) = setup.raw(async |raw| raw.read_all(OURS).await);
    assert_eq!(count, RATED);
    triage::judge_rate("nats dlq replay --rate", first, last);
}

/// Empties the streams of events and stores the letters again.
fn prepare(setup: &Setup, place: &str, letters: &[Parcel], subject: impl Fn(&str) -> String) {
    setup.raw(async |raw| {
        raw.empty(OURS).await;
        raw.empty(RAW).await;
        raw.empty(place).await;
        let letters = letters.iter().cloned();
        raw.store(letters.map(|(name, headers, payload)| (subject(&name), headers, payload)))
            .await;
    });
}

/// Makes sure that every letter is an event again and nothing but so many originals is left.
async fn check_replayed(raw: &Raw, (stream, place): (&str, &str), (count, left): (usize, usize)) {
    assert_eq!(raw.count_all(place).await, left as u64);
    assert_eq!(raw.count(stream, &subject(stream)).await, count as u64);
    assert_eq!(raw.count_all(stream).await, count as u64);
}
