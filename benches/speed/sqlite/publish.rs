//! Publishing a stream from a pipe.

use std::time::Instant;

use super::setup::{self, Setup};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::pipe,
    raw,
    rounds::{Target, compare},
};

/// Messages per transaction, as the product batches them.
const BATCH: usize = 1000;

pub fn ndjson(plan: &Plan) {
    let events = events::events(plan.events);
    run(
        plan,
        "publish --ndjson",
        &["publish", "--ndjson"],
        &events,
        &events,
    );
}

pub fn lines(plan: &Plan) {
    let data: Vec<Vec<u8>> = (0..plan.events)
        .map(|number| format!(r#"{{"order":"{number:011}","total":129.5}}"#).into_bytes())
        .collect();
    let stored = events::events(plan.events);
    run(
        plan,
        "publish --lines",
        &["publish", TOPIC, "--lines"],
        &data,
        &stored,
    );
}

fn run(plan: &Plan, name: &str, arguments: &[&str], input: &[Vec<u8>], stored: &[Vec<u8>]) {
    let setup = Setup::new();
    let file = setup.path("input");
    std::fs::write(&file, input.join(&b'\n')).unwrap();
    let ours = |_| {
        let store = setup.empty_store("ours.db");
        let time = pipe(&file, setup::pf(&store, arguments));
        assert_eq!(
            raw::sqlite::count(&raw::sqlite::open(&store), "messages"),
            plan.events as u64
        );
        time
    };
    let raw = |_| {
        let store = setup.empty_store("raw.db");
        let mut connection = raw::sqlite::open(&store);
        let start = Instant::now();
        raw::sqlite::insert(&mut connection, TOPIC, stored, BATCH);
        let time = start.elapsed();
        assert_eq!(
            raw::sqlite::count(&connection, "messages"),
            plan.events as u64
        );
        time
    };
    compare(
        name,
        Target::Speed(0.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
