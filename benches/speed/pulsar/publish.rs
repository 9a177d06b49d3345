//! Publishing a stream from a pipe.

use std::time::Instant;

use super::setup::Setup;
use crate::{
    Plan, events,
    program::pipe,
    rounds::{Target, compare},
};

pub fn ndjson(plan: &Plan) {
    let events = events::events(plan.events);
    let setup = Setup::new(plan.rounds);
    let file = setup.path("input");
    std::fs::write(&file, events.join(&b'\n')).unwrap();
    let ours = |round| {
        let time = pipe(&file, setup.pf(round, &["publish", "--ndjson"]));
        assert_eq!(setup.count(&setup.ours(round)), plan.events);
        time
    };
    let raw = |round| {
        let topic = setup.raw_topic(round);
        let time = setup.raw(async |raw| {
            let start = Instant::now();
            raw.publish(&topic, &events).await;
            start.elapsed()
        });
        assert_eq!(setup.count(&topic), plan.events);
        time
    };
    compare(
        "pulsar publish --ndjson",
        Target::Speed(0.7),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
