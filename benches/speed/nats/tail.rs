//! Reading what is stored, to a pipe.

use std::{
    cell::RefCell,
    process::{Command, Stdio},
    time::Duration,
};

use super::stage::{OURS, Stage, subject};
use crate::{
    Plan, events,
    program::{Whose, is_installed, processor_time, read},
    rounds::{Target, compare, median, report, skip},
};

const ARGUMENTS: [&str; 6] = ["tail", "-o", "event", "--since", "1h", "--until-end"];

pub fn event(plan: &Plan) {
    let stage = Stage::filled(&events::events(plan.events));
    let spent = RefCell::new((Vec::new(), Vec::new()));
    let ours = |_| {
        let before = processor_time(Whose::Children);
        let time = read(stage.pf(&ARGUMENTS), plan.events);
        let after = processor_time(Whose::Children);
        spent.borrow_mut().0.push(after - before);
        time
    };
    let raw = |_| {
        let before = processor_time(Whose::Children);
        let time = read(stage.child("tail"), plan.events);
        let after = processor_time(Whose::Children);
        spent.borrow_mut().1.push(after - before);
        time
    };
    compare(
        "nats tail -o event",
        Target::Speed(0.8),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
    let (ours, raw) = spent.take();
    let count = u32::try_from(plan.events).unwrap();
    let (ours, raw) = (median(ours) / count, median(raw) / count);
    println!(
        "{:<34} {ours:.2?} per event, raw {raw:.2?}",
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
    let stage = Stage::filled(&events::events(count));
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        ours.push(spent(stage.pf(&ARGUMENTS), count));
        theirs.push(spent(nats_sub(&stage, count), count));
    }
    let (ours, theirs) = (median(ours), median(theirs));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let figure = format!("ours {ours:.3?}, theirs {theirs:.3?}, ratio {ratio:.2}");
    report(name, &figure, "<= 1.5", ratio <= 1.5);
}

fn spent(program: Command, lines: usize) -> Duration {
    let before = processor_time(Whose::Children);
    read(program, lines);
    processor_time(Whose::Children) - before
}

fn nats_sub(stage: &Stage, count: usize) -> Command {
    let mut nats = Command::new("nats");
    nats.args(["--server", &stage.server(), "sub", &subject(OURS), "--raw"])
        .args(["--stream", OURS, "--all", "--count"])
        .arg(count.to_string())
        .stderr(Stdio::null());
    nats
}
