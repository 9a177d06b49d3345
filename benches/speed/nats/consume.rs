//! Consuming in process with a handler that does nothing, and letting everything die.

use std::{
    cell::RefCell,
    time::{Duration, Instant},
};

use super::setup::{OUR_LETTERS, OUR_RUNS, OURS, RAW, RAW_LETTERS, RAW_RUNS, Setup, shop, subject};
use crate::{
    Plan, events,
    handler::{BATCH, Idle, consume, consume_marking},
    program::{Whose, block_on, noting, open},
    raw::Fate,
    rounds::{Target, compare, median, report},
};

/// An eighth of the processor time that the Go library's loop takes for an event.
const PROCESSOR: Duration = Duration::from_nanos(63_000 / 8);

pub fn message(plan: &Plan) {
    run(plan, "nats consume, messages", 0.75, Idle::MESSAGES);
}

pub fn event(plan: &Plan) {
    run(plan, "nats consume, decoded events", 0.5, Idle::EVENTS);
}

pub fn mixed(plan: &Plan) {
    run(plan, "nats consume, 10 % retry 1 % dead", 0.4, Idle::MIXED);
}

pub fn deadly(plan: &Plan) {
    let plan = Plan {
        events: plan.events / 4,
        ..plan.clone()
    };
    run(&plan, "nats dead-lettering", 0.8, Idle::DEADLY);
}

/// Marking what was handled, beside the same without marks.
pub fn dedup(plan: &Plan) {
    let setup = Setup::filled(&events::events(plan.events));
    let side = |marks: bool| {
        let setup = &setup;
        move |round: usize| {
            let group = format!("{}{round}", if marks { "marks" } else { "plain" });
            let (time, summary) = block_on(async {
                let transport = open(&setup.url()).await;
                let consumed = if marks {
                    consume_marking(transport.clone(), &group, Idle::MESSAGES).await
                } else {
                    consume(transport.clone(), &group, Idle::MESSAGES).await
                };
                transport.close().await.unwrap();
                consumed
            });
            Idle::MESSAGES.check(&summary, plan.events as u64);
            setup.raw(async |raw| {
                raw.end_group(OURS, &group).await;
                raw.empty(OUR_RUNS).await;
            });
            time
        }
    };
    compare(
        "nats consume with marks, beside without",
        Target::Speed(0.6),
        plan.rounds,
        Box::new(side(true)),
        Box::new(side(false)),
    );
}

fn run(plan: &Plan, name: &str, target: f64, handler: Idle) {
    let setup = Setup::filled(&events::events(plan.events));
    let spent = RefCell::new(Vec::new());
    let raw_spent = RefCell::new(Vec::new());
    compare(
        name,
        Target::Speed(target),
        plan.rounds,
        Box::new(|round| ours(&setup, plan, round, handler, &spent)),
        Box::new(|round| raw(&setup, plan, round, handler, &raw_spent)),
    );
    if letters(plan, handler) > 0 {
        return;
    }
    let each =
        |spent: RefCell<Vec<Duration>>| median(spent.take()) / u32::try_from(plan.events).unwrap();
    let (each, raw) = (each(spent), each(raw_spent));
    report(
        &format!("{name}, processor"),
        &format!("{each:.2?} per event, raw {raw:.2?}"),
        &format!("<= {PROCESSOR:.2?}"),
        each <= PROCESSOR,
    );
}

/// Counts the letters that a handler makes.
fn letters(plan: &Plan, handler: Idle) -> u64 {
    let all = 1..=plan.events as u64;
    all.filter(|&n| (handler.fates)(n, false) == Fate::Dead)
        .count() as u64
}

type Spent = RefCell<Vec<Duration>>;

fn ours(setup: &Setup, plan: &Plan, round: usize, handler: Idle, spent: &Spent) -> Duration {
    let group = format!("g{round}");
    let (time, summary) = noting(spent, Whose::Ours, || {
        block_on(async {
            let transport = open(&setup.url()).await;
            let consumed = consume(transport.clone(), &group, handler).await;
            transport.close().await.unwrap();
            consumed
        })
    });
    handler.check(&summary, plan.events as u64);
    setup.raw(async |raw| {
        raw.end_group(OURS, &group).await;
        assert_eq!(raw.count_all(OUR_LETTERS).await, letters(plan, handler));
        raw.empty(OUR_LETTERS).await;
        raw.empty(OUR_RUNS).await;
    });
    time
}

fn raw(setup: &Setup, plan: &Plan, round: usize, handler: Idle, spent: &Spent) -> Duration {
    let (group, subject) = (format!("g{round}"), subject(RAW));
    let shop = shop(&group, &subject, handler.fates);
    let time = noting(spent, Whose::Ours, || {
        setup.raw(async |raw| {
            let start = Instant::now();
            raw.consume(&shop, BATCH, plan.events as u64).await;
            start.elapsed()
        })
    });
    setup.raw(async |raw| {
        raw.end_group(RAW, &group).await;
        assert_eq!(raw.count_all(RAW_LETTERS).await, letters(plan, handler));
        raw.empty(RAW_LETTERS).await;
        raw.empty(RAW_RUNS).await;
    });
    time
}
