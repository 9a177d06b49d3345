//! One event by one process, cold.

use super::setup::{OURS, RAW, Setup, subject};
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
    let ours = |_| repeat(TIMES, || setup.pf(&["publish", TOPIC, &data]));
    let raw = |_| {
        repeat(TIMES, || {
            let mut child = setup.child("publish");
            child.arg(&data);
            child
        })
    };
    compare(
        "nats one-shot publish",
        Target::Time(1.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
    setup.raw(async |raw| {
        for stream in [OURS, RAW] {
            let stored = raw.count(stream, &subject(stream)).await;
            assert_eq!(stored, (TIMES * plan.rounds) as u64);
        }
    });
}
