//! One event by one process, cold.

use super::setup::{RAW, Setup, ours};
use crate::{Plan, events::TOPIC, program::one_shot};

pub fn publish(plan: &Plan) {
    let setup = Setup::new();
    let count = one_shot(
        "kafka one-shot publish",
        plan.rounds,
        |data| setup.pf(0, &["publish", TOPIC, data]),
        |data| {
            let mut child = setup.child("publish");
            child.arg(data);
            child
        },
    );
    for topic in [&*ours(0), RAW] {
        assert_eq!(setup.raw().count(topic), count);
    }
}
