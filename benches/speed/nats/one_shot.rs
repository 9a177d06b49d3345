//! One event by one process, cold.

use super::setup::{OURS, RAW, Setup, subject};
use crate::{Plan, events::TOPIC, program::one_shot};

pub fn publish(plan: &Plan) {
    let setup = Setup::new();
    let count = one_shot(
        "nats one-shot publish",
        plan.rounds,
        |data| setup.pf(&["publish", TOPIC, data]),
        |data| {
            let mut child = setup.child("publish");
            child.arg(data);
            child
        },
    );
    setup.raw(async |raw| {
        for stream in [OURS, RAW] {
            assert_eq!(raw.count(stream, &subject(stream)).await, count as u64);
        }
    });
}
