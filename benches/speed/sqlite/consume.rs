//! Consuming in process with a handler that does nothing.

use std::time::Instant;

use super::setup::{self, Setup};
use crate::{
    Plan, events,
    handler::{BATCH, Idle, consume, consume_marking},
    program::block_on,
    raw,
    rounds::{Target, compare},
};

pub fn message(plan: &Plan) {
    run(plan, "consume, messages", 0.5, Idle::MESSAGES);
}

pub fn event(plan: &Plan) {
    run(plan, "consume, decoded events", 0.5, Idle::EVENTS);
}

pub fn mixed(plan: &Plan) {
    run(plan, "consume, 10 % retry 1 % dead", 0.35, Idle::MIXED);
}

/// Marking what was handled, beside the same without marks.
pub fn dedup(plan: &Plan) {
    let setup = Setup::new();
    let template = setup.store("template.db", &events::events(plan.events));
    let side = |marks: bool| {
        let (setup, template) = (&setup, &template);
        move |_| {
            let store = setup.copy(template, "ours.db");
            let (time, summary) = block_on(async {
                let transport = setup::open(&store).await;
                let consumed = if marks {
                    consume_marking(transport.clone(), "bench", Idle::MESSAGES).await
                } else {
                    consume(transport.clone(), "bench", Idle::MESSAGES).await
                };
                transport.close().await.unwrap();
                consumed
            });
            Idle::MESSAGES.check(&summary, plan.events as u64);
            time
        }
    };
    compare(
        "consume with marks, beside without",
        Target::Speed(0.6),
        plan.rounds,
        Box::new(side(true)),
        Box::new(side(false)),
    );
}

fn run(plan: &Plan, name: &str, target: f64, handler: Idle) {
    let setup = Setup::new();
    let template = setup.store("template.db", &events::events(plan.events));
    let ours = |_| {
        let store = setup.copy(&template, "ours.db");
        let (time, summary) = block_on(async {
            let transport = setup::open(&store).await;
            let consumed = consume(transport.clone(), "bench", handler).await;
            transport.close().await.unwrap();
            consumed
        });
        handler.check(&summary, plan.events as u64);
        time
    };
    let raw = |_| {
        let store = setup.copy(&template, "raw.db");
        let mut connection = raw::sqlite::open(&store);
        let start = Instant::now();
        let fate = |seq: i64, again: bool| (handler.fates)(seq.unsigned_abs(), again);
        let marked = raw::sqlite::claim_and_mark(&mut connection, BATCH, fate);
        assert_eq!(marked, plan.events as u64);
        start.elapsed()
    };
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
