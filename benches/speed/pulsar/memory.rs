//! Resident memory over a million events.

use std::{fs::File, process::Stdio};

use super::setup::Setup;
use crate::{Plan, events, program::watch};

/// The most that a process may hold, in MiB.
const LIMIT: f64 = 64.0;

pub fn flat(plan: &Plan) {
    let count = plan.events * 5;
    let setup = Setup::new(1);
    let input = setup.path("input");
    std::fs::write(&input, events::events(count).join(&b'\n')).unwrap();
    let mut publish = setup.pf(0, &["publish", "--ndjson"]);
    publish.stdin(File::open(&input).unwrap());
    watch("pulsar memory of publish", LIMIT, publish.spawn().unwrap());
    let arguments = ["tail", "-o", "event", "--since", "2h", "--until-end"];
    watch_program(&setup, "tail", &arguments);
    for role in ["consume-messages", "consume-events", "bury"] {
        let child = setup.child(role, &setup.url(0)).spawn().unwrap();
        watch(&format!("pulsar memory of {role}"), LIMIT, child);
    }
    assert_eq!(
        setup.count(&setup.in_round(0, "order.created-bury-DLQ")),
        count
    );
    watch_program(&setup, "dlq list", &["dlq", "list", "-o", "json"]);
}

fn watch_program(setup: &Setup, name: &str, arguments: &[&str]) {
    let mut program = setup.pf(0, arguments);
    let child = program.stdout(Stdio::null()).spawn();
    watch(&format!("pulsar memory of {name}"), LIMIT, child.unwrap());
}
