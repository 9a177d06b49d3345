//! Kills between the steps of an edit: each dead letter is replayed once, as edited, and its original stays archived.

use std::collections::HashSet;

use test_support::{kafka, nats, pulsar, wait::wait_while};

use crate::{
    kafka::Kafka,
    nats::Nats,
    points::{EDITS, side_by_side},
    pulsar::Pulsar,
    sqlite::Sqlite,
    store::Store,
};

const EDIT: [&str; 6] = [
    "dlq",
    "replay",
    "--all",
    "--edit",
    ".event.data.edited = true",
    "--yes",
];

fn survive(point: &str, mut store: Store) {
    assert!(store.publish(40, None, |_| {}).success());
    wait_while(|| store.judge.not_due() > 0);
    let consumer = store.consumer(false);
    store.run(consumer);
    store.mend();
    let dead = store.judge.read().dead.len();
    assert!(dead > 0, "{point}");
    let mut killed = store.pf(&EDIT);
    let status = killed.env("PF_FAILPOINT", format!("{point}:1")).status();
    assert!(!status.unwrap().success(), "nothing reached {point}");
    store.judge.after_a_kill();
    assert!(store.pf(&EDIT).status().unwrap().success(), "{point}");
    let held = store.judge.read();
    let letters: HashSet<_> = held.replays.iter().map(|(_, letter)| letter).collect();
    let lost = dead - letters.len();
    let doubled = held.replays.len() - letters.len();
    println!("{point}: {dead} dead letters edited, lost {lost}, doubled {doubled}");
    assert_eq!((lost, doubled), (0, 0), "{point}");
    assert_eq!(held.dead.len(), dead, "{point}: the originals are archived");
}

#[test]
fn an_edit_survives_each_of_its_points() {
    for point in EDITS {
        survive(point, Store::new(Box::new(Sqlite::new())));
    }
}

#[test]
fn an_edit_on_nats_survives_each_of_its_points() {
    let broker = nats::Broker::start();
    side_by_side(&EDITS, |point| {
        let stream = point.replace('.', "-");
        survive(
            point,
            Store::new(Box::new(Nats::prepared(&broker, &stream))),
        );
    });
}

#[test]
fn an_edit_on_kafka_survives_each_of_its_points() {
    let broker = kafka::Broker::shared();
    side_by_side(&EDITS, |point| {
        survive(point, Store::new(Box::new(Kafka::new(broker, point))));
    });
}

#[test]
fn an_edit_on_pulsar_survives_each_of_its_points() {
    let broker = pulsar::Broker::shared();
    side_by_side(&EDITS, |point| {
        survive(point, Store::new(Box::new(Pulsar::new(broker, true))));
    });
}
