//! Resident memory over a million events.

use std::{cell::Cell, fs::File, process::Stdio, thread, time::Duration};

use super::{
    delay::{PROBES, firing, schedule},
    setup::{Setup, ours},
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
    let setup = Setup::new();
    let input = setup.path("input");
    std::fs::write(&input, events::events(count).join(&b'\n')).unwrap();
    let mut publish = setup.pf(0, &["publish", "--ndjson"]);
    publish.stdin(File::open(&input).unwrap());
    watch("kafka memory of publish", LIMIT, publish.spawn().unwrap());
    let arguments = ["tail", "-o", "event", "--since", "1h", "--until-end"];
    let mut tail = setup.pf(0, &arguments);
    let tail = tail.stdout(Stdio::null()).spawn().unwrap();
    watch("kafka memory of tail", LIMIT, tail);
    for role in ["consume-messages", "consume-events", "consume-mixed"] {
        let child = setup.child(role).spawn().unwrap();
        watch(&format!("kafka memory of {role}"), LIMIT, child);
    }
}

/// While events wait.
pub fn waiting(plan: &Plan) {
    let count = plan.events * 5;
    let setup = Setup::new();
    schedule(&setup, 0, 0..count, |_| Duration::from_hours(24));
    schedule(&setup, 0, 0..PROBES, |_| Duration::from_millis(1));
    let firing = firing(&setup, 0);
    thread::scope(|scope| {
        let raw = setup.raw();
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
