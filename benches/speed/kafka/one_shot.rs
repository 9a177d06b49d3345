//! One event by one process, cold.

use super::setup::{RAW, Setup, ours};
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
    let one = |_| repeat(TIMES, || setup.pf(0, &["publish", TOPIC, &data]));
    let raw = |_| {
        repeat(TIMES, || {
            let mut child = setup.child("publish");
            child.arg(&data);
            child
        })
    };
    compare(
        "kafka one-shot publish",
        Target::Time(1.5),
        plan.rounds,
        Box::new(one),
        Box::new(raw),
    );
    for topic in [&*ours(0), RAW] {
        assert_eq!(setup.raw().count(topic), TIMES * plan.rounds);
    }
}
