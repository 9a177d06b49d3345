//! The relay, beside the slower of reading the rows and publishing the events.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::setup::{OURS, RAW, Setup};
use crate::{
    Plan, events, kafka, nats,
    rounds::{Target, compare},
};

/// Relays until nothing is left; returns how long it took, the start of the program included.
fn relay(mut pf: Command, from: &str) -> Duration {
    pf.args(["--from", from, "--until-end"]);
    let start = Instant::now();
    let status = pf.stdout(Stdio::null()).status().unwrap();
    let time = start.elapsed();
    assert!(status.success());
    time
}

pub fn to_kafka(plan: &Plan) {
    let (database, broker) = (Setup::new(), kafka::setup::Setup::new());
    let events = events::events(plan.events);
    let ours = |_| {
        database.fill(OURS, plan.events);
        let time = relay(broker.pf(0, &["outbox", "relay"]), &database.url());
        let raw = broker.raw();
        assert_eq!(raw.count_records(&kafka::setup::ours(0)), plan.events);
        raw.empty(&kafka::setup::ours(0));
        time
    };
    let raw = |_| {
        database.fill(RAW, plan.events);
        let drained = database.drain(plan.events);
        let client = broker.raw();
        let start = Instant::now();
        client.publish(kafka::setup::RAW, &events);
        let published = start.elapsed();
        assert_eq!(client.count(kafka::setup::RAW), plan.events);
        client.empty(kafka::setup::RAW);
        drained.max(published)
    };
    compare(
        "outbox relay to kafka",
        Target::Speed(0.5),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}

pub fn to_nats(plan: &Plan) {
    let (database, server) = (Setup::new(), nats::setup::Setup::new());
    let events = events::events(plan.events);
    let count = async |raw: &crate::raw::nats::Raw, stream: &str| {
        let subject = nats::setup::subject(stream);
        assert_eq!(raw.count(stream, &subject).await, plan.events as u64);
        raw.empty(stream).await;
    };
    let ours = |_| {
        database.fill(OURS, plan.events);
        let time = relay(server.pf(&["outbox", "relay"]), &database.url());
        server.raw(async |raw| count(raw, nats::setup::OURS).await);
        time
    };
    let raw = |_| {
        database.fill(RAW, plan.events);
        let drained = database.drain(plan.events);
        let published = server.raw(async |raw| {
            let start = Instant::now();
            raw.publish(&nats::setup::subject(nats::setup::RAW), &events)
                .await;
            let time = start.elapsed();
            count(raw, nats::setup::RAW).await;
            time
        });
        drained.max(published)
    };
    compare(
        "outbox relay to nats",
        Target::Speed(0.4),
        plan.rounds,
        Box::new(ours),
        Box::new(raw),
    );
}
