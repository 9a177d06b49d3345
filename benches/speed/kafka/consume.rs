//! Consuming in process with a handler that does nothing.

use std::time::Instant;

use super::setup::{RAW, RAW_LETTERS, RAW_RETRIES, Setup, our_letters, ours, shop};
use crate::{
    Plan, events,
    handler::{Idle, consume, consume_marking},
    program::{block_on, open},
    raw::Fate,
    rounds::{Target, compare},
};

pub fn message(plan: &Plan) {
    run(plan, "kafka consume, messages", 0.35, Idle::MESSAGES);
}

pub fn event(plan: &Plan) {
    run(plan, "kafka consume, decoded events", 0.15, Idle::EVENTS);
}

pub fn mixed(plan: &Plan) {
    run(plan, "kafka consume, 10 % retry 1 % dead", 0.1, Idle::MIXED);
}

/// Marking what was handled, beside the same without marks.
pub fn dedup(plan: &Plan) {
    let setup = Setup::filled(&events::events(plan.events));
    let side = |marks: bool| {
        let setup = &setup;
        move |round: usize| {
            let group = format!("{}{round}", if marks { "marks" } else { "plain" });
            let (time, summary) = block_on(async {
                let transport = open(&setup.url(0)).await;
                let consumed = if marks {
                    consume_marking(transport.clone(), &group, Idle::MESSAGES).await
                } else {
                    consume(transport.clone(), &group, Idle::MESSAGES).await
                };
                transport.close().await.unwrap();
                consumed
            });
            Idle::MESSAGES.check(&summary, plan.events as u64);
            assert_eq!(setup.raw().lag(&group, &ours(0)), 0);
            time
        }
    };
    compare(
        "kafka consume with marks, beside without",
        Target::Speed(0.6),
        plan.rounds,
        Box::new(side(true)),
        Box::new(side(false)),
    );
}

fn run(plan: &Plan, name: &str, target: f64, handler: Idle) {
    let setup = Setup::filled(&events::events(plan.events));
    let count = plan.events as u64;
    let letters = (1..=count).filter(|&n| (handler.fates)(n, false) == Fate::Dead);
    let letters = letters.count();
    let ours = |round| {
        let group = format!("g{round}");
        let (time, summary) = block_on(async {
            let transport = open(&setup.url(0)).await;
            let consumed = consume(transport.clone(), &group, handler).await;
            transport.close().await.unwrap();
            consumed
        });
        handler.check(&summary, count);
        let raw = setup.raw();
        assert_eq!(raw.lag(&group, &ours(0)), 0);
        assert_eq!(raw.count(&our_letters(0)), letters);
        raw.empty(&our_letters(0));
        time
    };
    let raw = |round| {
        let group = format!("raw{round}");
        let raw = setup.raw();
        let start = Instant::now();
        raw.consume(&shop(&group, handler), plan.events);
        let time = start.elapsed();
        assert_eq!(raw.lag(&group, RAW), 0);
        assert_eq!(raw.count(RAW_LETTERS), letters);
        raw.empty(RAW_LETTERS);
        raw.empty(RAW_RETRIES);
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
