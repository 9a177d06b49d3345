//! Resident memory over a million events.

use std::{fs::File, process::Stdio};

use super::setup::{OUR_LETTERS, OURS, Setup, subject};
use crate::{Plan, events, program::watch};

/// The most that a process may hold, in MiB.
const LIMIT: f64 = 40.0;

pub fn flat(plan: &Plan) {
    let count = plan.events * 5;
    let setup = Setup::new();
    let input = setup.path("input");
    std::fs::write(&input, events::events(count).join(&b'\n')).unwrap();
    let mut publish = setup.pf(&["publish", "--ndjson"]);
    publish.stdin(File::open(&input).unwrap());
    watch("nats memory of publish", LIMIT, publish.spawn().unwrap());
    watch_program(
        &setup,
        "tail",
        &["tail", "-o", "event", "--since", "1h", "--until-end"],
    );
    for role in [
        "consume-messages",
        "consume-events",
        "consume-mixed",
        "bury",
    ] {
        let child = setup.child(role).spawn().unwrap();
        watch(&format!("nats memory of {role}"), LIMIT, child);
    }
    watch_program(&setup, "dlq list", &["dlq", "list"]);
    watch_program(&setup, "dlq replay", &["dlq", "replay", "--all", "--yes"]);
    setup.raw(async |raw| {
        assert_eq!(raw.count_all(OUR_LETTERS).await, 0);
        let stored = raw.count(OURS, &subject(OURS)).await;
        // Those of the two groups in which something died were published again.
        assert_eq!(stored, (2 * count + count / 100) as u64);
    });
}

fn watch_program(setup: &Setup, name: &str, arguments: &[&str]) {
    let mut program = setup.pf(arguments);
    let child = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    watch(&format!("nats memory of {name}"), LIMIT, child.unwrap());
}
