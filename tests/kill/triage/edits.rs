//! Kills between the steps of an edit: each dead letter is replayed once, as edited, and its original stays archived.

use std::collections::HashSet;

use test_support::{kafka, nats, pulsar, wait::wait_while};

use super::fixture::{json, output};
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

/// An editor that adds a member to the data of the events here.
const EDITOR: &str = r#"sed -i 's/"data": {}/"data": {"edited": true}/'"#;

/// The points of every replay with which one can be killed before its end.
const OF_JOBS: [&str; 5] = [
    "triage.planned",
    "triage.enlisted",
    "triage.leased",
    "triage.advanced",
    "triage.released",
];
/// Those of a step on each transport.
const OF_SQLITE: [&str; 2] = ["sqlite.replay.before", "sqlite.replay.after"];
const OF_NATS: [&str; 2] = ["nats.replay_committed", "nats.originals_archived"];
const OF_KAFKA: [&str; 1] = ["kafka.replay_committed"];
const OF_PULSAR: [&str; 4] = [
    "pulsar.replay_announced",
    "pulsar.replay_published",
    "pulsar.originals_archived",
    "pulsar.replay_committed",
];

/// Returns the points at which a command is killed: of an edited replay, and of an edit by hand.
fn points(of_step: &[&'static str]) -> Vec<&'static str> {
    [&OF_JOBS[..], of_step, &EDITS].concat()
}

/// Fills a store with dead letters and returns how many there are.
fn fill(store: &mut Store, point: &str) -> usize {
    assert!(store.publish(40, None, |_| {}).success());
    wait_while(|| store.judge.not_due() > 0);
    let consumer = store.consumer(false);
    store.run(consumer);
    store.mend();
    let dead = store.judge.read().dead.len();
    assert!(dead > 0, "{point}");
    dead
}

fn kill(store: &Store, arguments: &[&str], point: &str) {
    let mut killed = store.pf(arguments);
    killed.env("EDITOR", EDITOR);
    let status = killed.env("PF_FAILPOINT", format!("{point}:1")).status();
    assert!(!status.unwrap().success(), "nothing reached {point}");
    store.judge.after_a_kill();
}

/// Checks that each dead letter was replayed once, and that so many originals are left.
fn judge(store: &Store, dead: usize, originals: usize, point: &str) {
    let held = store.judge.read();
    let letters: HashSet<_> = held.replays.iter().map(|(_, letter)| letter).collect();
    let lost = dead - letters.len();
    let doubled = held.replays.len() - letters.len();
    println!("{point}: {dead} dead letters edited, lost {lost}, doubled {doubled}");
    assert_eq!((lost, doubled), (0, 0), "{point}");
    assert_eq!(held.dead.len(), originals, "{point}: they are archived");
    let listed = output(store, &["dlq", "list", "-o", "json"]);
    assert!(listed.status.success(), "{point}");
    assert!(
        json(&listed.stdout).is_empty(),
        "{point}: nothing else is a dead letter"
    );
}

fn survive(point: &str, mut store: Store) {
    if EDITS.contains(&point) {
        return survive_by_hand(point, store);
    }
    let dead = fill(&mut store, point);
    kill(&store, &EDIT, point);
    assert!(store.pf(&EDIT).status().unwrap().success(), "{point}");
    judge(&store, dead, dead, point);
}

fn survive_by_hand(point: &str, mut store: Store) {
    let dead = fill(&mut store, point);
    let listed = output(&store, &["dlq", "list", "-o", "json"]);
    let first = json(&listed.stdout).remove(0);
    let id = first["dead_letter"]["id"].as_str().unwrap().to_owned();
    let edit = ["dlq", "edit", &id];
    kill(&store, &edit, point);
    // Once the edited one is stored, the original is not found any more.
    let again = store.pf(&edit).env("EDITOR", EDITOR).status().unwrap();
    assert_eq!(again.success(), point != "triage.edit_stored", "{point}");
    let replay = store.pf(&["dlq", "replay", "--all", "--yes"]).status();
    assert!(replay.unwrap().success(), "{point}");
    judge(&store, dead, 1, point);
}

#[test]
fn an_edit_survives_each_of_its_points() {
    for point in points(&OF_SQLITE) {
        survive(point, Store::new(Box::new(Sqlite::new())));
    }
}

#[test]
fn an_edit_on_nats_survives_each_of_its_points() {
    let broker = nats::Broker::start();
    side_by_side(&points(&OF_NATS), |point| {
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
    side_by_side(&points(&OF_KAFKA), |point| {
        survive(point, Store::new(Box::new(Kafka::new(broker, point))));
    });
}

#[test]
fn an_edit_on_pulsar_survives_each_of_its_points() {
    let broker = pulsar::Broker::shared();
    side_by_side(&points(&OF_PULSAR), |point| {
        survive(point, Store::new(Box::new(Pulsar::new(broker, true))));
    });
}
