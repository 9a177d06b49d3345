//! Publishing a stream from a pipe.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use super::setup::{OURS, RAW, Setup, subject};
use crate::{
    Plan, events,
    program::{is_installed, pipe},
    rounds::{Target, compare, skip},
};

pub fn ndjson(plan: &Plan) {
    let events = events::events(plan.events);
    let setup = Setup::new();
    let file = setup.path("input");
    std::fs::write(&file, events.join(&b'\n')).unwrap();
    let raw = |_| {
        setup.raw(async |raw| {
            let start = Instant::now();
            raw.publish(&subject(RAW), &events).await;
            let time = start.elapsed();
            check(raw, RAW, plan.events).await;
            time
        })
    };
    compare(
        "nats publish --ndjson",
        Target::Speed(0.8),
        plan.rounds,
        Box::new(|_| ours(&setup, &file, plan.events)),
        Box::new(raw),
    );
}

/// Beside the official tool.
pub fn tool(plan: &Plan) {
    let name = "nats publish, beside `nats pub`";
    if !is_installed("nats") {
        return skip(name, "the `nats` tool is not installed");
    }
    let count = plan.events / 4;
    let setup = Setup::new();
    let file = setup.path("input");
    std::fs::write(&file, events::events(count).join(&b'\n')).unwrap();
    let tool = |_| {
        let mut nats = Command::new("nats");
        nats.args(["--server", &setup.server(), "pub", &subject(RAW)])
            .args([
                "--jetstream",
                "--send-on=newline",
                "--force-stdin",
                "--quiet",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let time = pipe(&file, nats);
        setup.raw(async |raw| check(raw, RAW, count).await);
        time
    };
    compare(
        name,
        Target::Speed(3.0),
        plan.rounds,
        Box::new(|_| ours(&setup, &file, count)),
        Box::new(tool),
    );
}

fn ours(setup: &Setup, file: &std::path::Path, events: usize) -> std::time::Duration {
    let time = pipe(file, setup.pf(&["publish", "--ndjson"]));
    setup.raw(async |raw| check(raw, OURS, events).await);
    time
}

/// Makes sure that so many were stored, and removes them.
async fn check(raw: &crate::raw::nats::Raw, stream: &str, events: usize) {
    assert_eq!(raw.count(stream, &subject(stream)).await, events as u64);
    raw.empty(stream).await;
}
