//! Consuming in process with a handler that does nothing.

use std::time::Instant;

use super::setup::Setup;
use crate::{
    Plan, events,
    handler::{Idle, consume},
    program::{block_on, open},
    rounds::{Target, compare},
};

pub fn message(plan: &Plan) {
    run(plan, "pulsar consume, messages", 0.6, Idle::MESSAGES);
}

pub fn event(plan: &Plan) {
    run(plan, "pulsar consume, decoded events", 0.4, Idle::EVENTS);
}

fn run(plan: &Plan, name: &str, target: f64, handler: Idle) {
    let setup = Setup::filled(&events::events(plan.events));
    let ours = |round| {
        let group = format!("g{round}");
        let (time, summary) = block_on(async {
            let transport = open(&setup.url(0)).await;
            let consumed = consume(transport.clone(), &group, handler).await;
            transport.close().await.unwrap();
            consumed
        });
        handler.check(&summary, plan.events as u64);
        assert_eq!(setup.backlog(&setup.ours(0), &group), 0);
        time
    };
    let raw = |round| {
        let (topic, group) = (setup.raw_topic(0), format!("g{round}"));
        let time = setup.raw(async |raw| {
            let start = Instant::now();
            raw.consume(&topic, &group, plan.events).await;
            start.elapsed()
        });
        assert_eq!(setup.backlog(&topic, &group), 0);
        time
    };
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
