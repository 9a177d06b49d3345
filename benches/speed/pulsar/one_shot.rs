//! One event by one process, cold.

use super::setup::Setup;
use crate::{Plan, events::TOPIC, program::one_shot};

pub fn publish(plan: &Plan) {
    let setup = Setup::new(1);
    let count = one_shot(
        "pulsar one-shot publish",
        plan.rounds,
        |data| setup.pf(0, &["publish", TOPIC, data]),
        |data| {
            let mut child = setup.child("publish", &setup.raw_topic(0));
            child.arg(data);
            child
        },
    );
    for topic in [setup.ours(0), setup.raw_topic(0)] {
        assert_eq!(setup.count(&topic), count);
    }
}
