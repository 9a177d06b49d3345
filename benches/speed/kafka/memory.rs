//! Resident memory over a million events.

use std::{cell::Cell, fs::File, process::Stdio, thread, time::Duration};

use super::{
    firing::{PROBES, firing, schedule},
    stage::{Stage, ours},
};
use crate::{
    Plan, events,
    program::{watch, watch_while},
};

/// The most that a process may hold, in MiB, and while so many events wait.
const LIMIT: f64 = 64.0;
const WAITING_LIMIT: f64 = 160.0;

pub fn flat(plan: &Plan) {
    let count = plan.events * 5;
    let stage = Stage::new();
    let input = stage.path("input");
    std::fs::write(&input, events::events(count).join(&b'\n')).unwrap();
    let mut publish = stage.pf(0, &["publish", "--ndjson"]);
    publish.stdin(File::open(&input).unwrap());
    watch("kafka memory of publish", LIMIT, publish.spawn().unwrap());
    let arguments = ["tail", "-o", "event", "--since", "1h", "--until-end"];
    let mut tail = stage.pf(0, &arguments);
    let tail = tail.stdout(Stdio::null()).spawn().unwrap();
    watch("kafka memory of tail", LIMIT, tail);
    for role in ["consume-messages", "consume-events", "consume-mixed"] {
        let child = stage.child(role).spawn().unwrap();
        watch(&format!("kafka memory of {role}"), LIMIT, child);
    }
}

/// While events wait.
pub fn waiting(plan: &Plan) {
    let count = plan.events * 5;
    let stage = Stage::new();
    schedule(&stage, 0, 0..count, |_| Duration::from_hours(24));
    schedule(&stage, 0, 0..PROBES, |_| Duration::from_millis(1));
    let firing = firing(&stage, 0);
    thread::scope(|scope| {
        let raw = stage.raw();
        let fired = scope.spawn(move || raw.follow(&ours(0), PROBES, |_| {}));
        let more = Cell::new(100);
        let name = format!("kafka memory, {count} wait");
        watch_while(&name, WAITING_LIMIT, firing, || {
            // A while longer than until everything was read.
            if fired.is_finished() {
                more.set(more.get() - 1);
            }
            more.get() > 0
        });
    });
}
