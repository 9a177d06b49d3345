//! Reading what is stored, to a pipe.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use super::setup::{Setup, ours};
use crate::{
    Plan, events,
    program::{Whose, is_there, processor_time, read},
    rounds::{Target, compare, median, report, skip},
};

const ARGUMENTS: [&str; 6] = ["tail", "-o", "event", "--since", "1h", "--until-end"];

/// The processor time, and the time until the end is found, beside those of the usual tool.
pub fn tool(plan: &Plan) {
    let name = "kafka tail, processor beside kcat";
    if !is_there("kcat", "-V") {
        return skip(name, "`kcat` is not installed");
    }
    let setup = Setup::filled(&events::events(plan.events));
    let spent = |program, events| {
        let before = processor_time(Whose::Children);
        read(program, events);
        processor_time(Whose::Children).saturating_sub(before)
    };
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        our_times.push(spent(setup.pf(0, &ARGUMENTS), plan.events));
        their_times.push(spent(kcat(&setup), plan.events));
    }
    let (our_time, their_time) = (median(our_times), median(their_times));
    let ratio = our_time.as_secs_f64() / their_time.as_secs_f64();
    let figure = format!("ours {our_time:.3?}, theirs {their_time:.3?}, ratio {ratio:.2}");
    report(name, &figure, "<= 4", ratio <= 4.0);
    end(plan);
}

fn end(plan: &Plan) {
    let few = 100;
    let setup = Setup::filled(&events::events(few));
    let repeat = |program: &dyn Fn() -> Command| -> Duration {
        (0..10).map(|_| read(program(), few)).sum::<Duration>() / 10
    };
    compare(
        "kafka tail, end found beside kcat",
        Target::Time(1.0),
        plan.rounds,
        Box::new(|_| repeat(&|| setup.pf(0, &ARGUMENTS))),
        Box::new(|_| repeat(&|| kcat(&setup))),
    );
}

fn kcat(setup: &Setup) -> Command {
    let mut kcat = Command::new("kcat");
    kcat.args(["-b", &setup.server(), "-C", "-e", "-t", &ours(0)])
        .stderr(Stdio::null());
    kcat
}
