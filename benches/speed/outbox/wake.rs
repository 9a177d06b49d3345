//! From the commit of a row to its event at a subscriber, and what a relay takes that has nothing to do.

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use protoflow::outbox::postgres::enqueue;

use super::setup::{Setup, entry};
use crate::{
    Plan, nats,
    program::block_on,
    rounds::report,
    sqlite::delay::{spread, ticks},
};

const SAMPLES: usize = 60;

pub fn polling(_: &Plan) {
    let (database, server) = (Setup::new(), nats::setup::Setup::new());
    let mut relay = server.pf(&["outbox", "relay", "--from", &database.url()]);
    let mut relay = relay.stdout(Stdio::null()).spawn().unwrap();
    let times = block_on(async {
        let client = async_nats::connect(server.server()).await.unwrap();
        let subject = nats::setup::subject(nats::setup::OURS);
        let mut arrivals = client.subscribe(subject).await.unwrap();
        client.flush().await.unwrap();
        let mut writer = database.client().await;
        let mut times = Vec::new();
        for number in 0..=SAMPLES {
            let transaction = writer.transaction().await.unwrap();
            enqueue(&transaction, &entry(number)).await.unwrap();
            transaction.commit().await.unwrap();
            let committed = Instant::now();
            arrivals.next().await.unwrap();
            times.push(committed.elapsed());
            // At no particular moment of the relay's own pauses.
            let pause = fastrand::u64(150..350);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        // The first one waited for the start of the relay.
        times.split_off(1)
    });
    let (middle, p99) = spread(times);
    report(
        "outbox wake, committed to published",
        &format!("median {middle:.1?}, p99 {p99:.1?}"),
        "<= 150 ms",
        middle <= Duration::from_millis(150),
    );
    let before = ticks(relay.id());
    let pause = Duration::from_secs(20);
    thread::sleep(pause);
    let share = (ticks(relay.id()) - before) / 100.0 / pause.as_secs_f64();
    relay.kill().unwrap();
    relay.wait().unwrap();
    report(
        "outbox wake, idle processor share",
        &format!("{:.2} %", share * 100.0),
        "< 1 %",
        share < 0.01,
    );
}
