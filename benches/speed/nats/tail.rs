//! Reading what is stored, to a pipe.

use std::{
    cell::RefCell,
    process::{Command, Stdio},
};

use super::setup::{OURS, Setup, subject};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::{Whose, is_installed, noting, read},
    rounds::{Target, compare, median, report, skip},
};

const ARGUMENTS: [&str; 7] = ["tail", TOPIC, "-o", "event", "--since", "1h", "--until-end"];

pub fn event(plan: &Plan) {
    let setup = Setup::filled(&events::events(plan.events));
    let (spent, raw_spent) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let side = |program, spent| noting(spent, Whose::Children, || read(program, plan.events));
    compare(
        "nats tail -o event",
        Target::Speed(0.8),
        plan.rounds,
        Box::new(|_| side(setup.pf(&ARGUMENTS), &spent)),
        Box::new(|_| side(setup.child("tail"), &raw_spent)),
    );
    let count = u32::try_from(plan.events).unwrap();
    let (ours, raw) = (
        median(spent.take()) / count,
        median(raw_spent.take()) / count,
    );
    println!(
        "{:<38} {ours:.2?} per event, raw {raw:.2?}",
        "nats tail, processor"
    );
}

/// The processor time, beside that of the official tool.
pub fn tool(plan: &Plan) {
    let name = "nats tail, processor beside `nats sub`";
    if !is_installed("nats") {
        return skip(name, "the `nats` tool is not installed");
    }
    let count = plan.events;
    let setup = Setup::filled(&events::events(count));
    let (ours, theirs) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    for _ in 0..plan.rounds {
        noting(&ours, Whose::Children, || read(setup.pf(&ARGUMENTS), count));
        noting(&theirs, Whose::Children, || {
            read(nats_sub(&setup, count), count)
        });
    }
    let (ours, theirs) = (median(ours.take()), median(theirs.take()));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let figure = format!("ours {ours:.3?}, theirs {theirs:.3?}, ratio {ratio:.2}");
    report(name, &figure, "<= 1.5", ratio <= 1.5);
}

fn nats_sub(setup: &Setup, count: usize) -> Command {
    let mut nats = Command::new("nats");
    nats.args(["--server", &setup.server(), "sub", &subject(OURS), "--raw"])
        .args(["--stream", OURS, "--all", "--count"])
        .arg(count.to_string())
        .stderr(Stdio::null());
    nats
}
