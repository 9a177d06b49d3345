//! Publishing a stream from a pipe.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::setup::{RAW, Setup, ours};
use crate::{
    Plan, events,
    program::{Whose, is_there, pipe, processor_time},
    rounds::{Target, compare, median, report, skip},
};

pub fn ndjson(plan: &Plan) {
    let events = events::events(plan.events);
    let setup = Setup::new();
    let file = setup.path("input");
    std::fs::write(&file, events.join(&b'\n')).unwrap();
    let raw = |_| {
        let raw = setup.raw();
        let start = Instant::now();
        raw.publish(RAW, &events);
        let time = start.elapsed();
        check(&setup, RAW, plan.events);
        time
    };
    compare(
        "kafka publish --ndjson",
        Target::Speed(0.7),
        plan.rounds,
        Box::new(|_| publish(&setup, &file, plan.events)),
        Box::new(raw),
    );
}

/// The processor time, beside that of the usual tool.
pub fn tool(plan: &Plan) {
    let name = "kafka publish, processor beside kcat";
    if !is_there("kcat", "-V") {
        return skip(name, "`kcat` is not installed");
    }
    let count = plan.events;
    let setup = Setup::new();
    let file = setup.path("input");
    std::fs::write(&file, events::events(count).join(&b'\n')).unwrap();
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        our_times.push(spent(|| publish(&setup, &file, count)));
        their_times.push(spent(|| {
            let time = pipe(&file, kcat(&setup));
            check(&setup, RAW, count);
            time
        }));
    }
    let (ours, theirs) = (median(our_times), median(their_times));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let figure = format!("ours {ours:.3?}, theirs {theirs:.3?}, ratio {ratio:.2}");
    report(name, &figure, "<= 6", ratio <= 6.0);
}

fn kcat(setup: &Setup) -> Command {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", &setup.server(), "-P", "-t", RAW, "-X", "acks=all"])
        .stdout(Stdio::null());
    kcat
}

fn spent(run: impl FnOnce() -> Duration) -> Duration {
    let before = processor_time(Whose::Children);
    run();
    processor_time(Whose::Children).saturating_sub(before)
}

fn publish(setup: &Setup, file: &Path, events: usize) -> Duration {
    let time = pipe(file, setup.pf(0, &["publish", "--ndjson"]));
    check(setup, &ours(0), events);
    time
}

/// Makes sure that so many were stored, and removes them.
fn check(setup: &Setup, topic: &str, events: usize) {
    assert_eq!(setup.raw().count(topic), events);
    setup.raw().empty(topic);
}
