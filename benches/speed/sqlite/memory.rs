//! Resident memory over a million events.

use std::{
    fs::File,
    path::Path,
    process::{Command, Stdio},
};

use super::setup::{self, Setup};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::watch,
};

/// The most that a command may hold, in MiB.
const LIMIT: f64 = 48.0;

pub fn flat(plan: &Plan) {
    let events = events::events(plan.events * 5);
    let setup = Setup::new();
    let input = setup.path("input");
    std::fs::write(&input, events.join(&b'\n')).unwrap();
    drop(events);
    let store = setup.empty_store("memory.db");
    let publish = setup::pf(&store, &["publish", "--ndjson"])
        .stdin(File::open(&input).unwrap())
        .spawn();
    watch("memory of publish", LIMIT, publish.unwrap());
    let tail = setup::pf(
        &store,
        &["tail", "-o", "json", "--since", "1h", "--until-end"],
    )
    .stdout(Stdio::null())
    .spawn();
    watch("memory of tail", LIMIT, tail.unwrap());
    watch(
        "memory of consume",
        LIMIT,
        consumer(&store).spawn().unwrap(),
    );
}

fn consumer(store: &Path) -> Command {
    let bench = std::env::current_exe().unwrap();
    let mut command = setup::pf(
        store,
        &[
            "consume",
            TOPIC,
            "--group",
            "bench",
            "--until-end",
            "--worker",
        ],
    );
    command.arg("--").arg(bench).arg("--answer-lines");
    command
}
