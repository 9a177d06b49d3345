//! One event by one process, cold.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use crate::{
    Plan,
    rounds::{Target, compare},
    stage::{self, Stage, TOPIC},
};

/// Processes per round.
const TIMES: usize = 50;

pub fn publish(plan: &Plan) {
    let stage = Stage::new();
    let data = String::from_utf8(stage::event(1)).unwrap();
    let (our_store, raw_store) = (stage.empty_store("ours.db"), stage.empty_store("raw.db"));
    let insert = format!("insert into messages(topic, time, payload) values(1, 1, '{data}')");
    let ours = |_| {
        let start = Instant::now();
        for _ in 0..TIMES {
            let status = stage::pf(&our_store, &["publish", TOPIC, &data])
                .stdout(Stdio::null())
                .status();
            assert!(status.unwrap().success());
        }
        start.elapsed()
    };
    let raw = |_| {
        let start = Instant::now();
        for _ in 0..TIMES {
            assert!(
                Command::new("sqlite3")
                    .arg(&raw_store)
                    .arg(&insert)
                    .status()
                    .unwrap()
                    .success()
            );
        }
        start.elapsed()
    };
    compare(
        "one-shot publish",
        Target::Time(1.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
