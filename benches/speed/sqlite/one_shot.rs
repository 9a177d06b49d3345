//! One event by one process, cold.

use std::process::Command;

use super::setup::{self, Setup};
use crate::{
    Plan,
    events::{self, TOPIC},
    program::repeat,
    rounds::{Target, compare},
};

/// Processes per round.
const TIMES: usize = 50;

pub fn publish(plan: &Plan) {
    let setup = Setup::new();
    let data = String::from_utf8(events::event(1)).unwrap();
    let (our_store, raw_store) = (setup.empty_store("ours.db"), setup.empty_store("raw.db"));
    let insert = format!("insert into messages(topic, time, payload) values(1, 1, '{data}')");
    let ours = |_| repeat(TIMES, || setup::pf(&our_store, &["publish", TOPIC, &data]));
    let raw = |_| {
        repeat(TIMES, || {
            let mut sqlite3 = Command::new("sqlite3");
            sqlite3.arg(&raw_store).arg(&insert);
            sqlite3
        })
    };
    compare(
        "one-shot publish",
        Target::Time(1.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
