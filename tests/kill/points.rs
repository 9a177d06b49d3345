//! Every fail point in the source is reached and survived.

use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use test_support::pulsar;
use test_support::{kafka, nats, wait::wait_while};

use crate::pulsar::Pulsar;
use crate::{
    handled_points, judge, kafka::Kafka, nats::Nats, outbox, sqlite::Sqlite, store::Store,
};

/// Points that are reached only where a stream does not allow batches.
const WITHOUT_BATCHES: [&str; 2] = ["nats.replay_announced", "nats.replay_published"];
/// Points that the program does not reach: only the library imports letters and reschedules events.
const IN_THE_LIBRARY: [&str; 2] = ["kafka.letter_revived", "pulsar.rescheduled"];
/// The points of a replay that edits, beside those of every replay (`edits.rs`).
pub const EDITED: [&str; 2] = ["nats.originals_archived", "pulsar.originals_archived"];
/// The points of an edit by hand, which has tests of its own (`edits.rs`).
pub const EDITS: [&str; 3] = [
    "triage.edit_noted",
    "triage.edit_archived",
    "triage.edit_stored",
];
/// Points that are reached by one command alone, or only where an earlier version left something: each has a test of its
/// own.
const ALONE: [&str; 4] = [
    "nats.captured",
    "kafka.forwarding_begun",
    "kafka.forwarded",
    "pulsar.withdrawn",
];
/// How many stores are worked on at once where most of the time is spent waiting for a broker.
const AT_ONCE: usize = 6;

/// Returns the names of all fail points that this build of `pf` can reach on a transport.
pub fn names(transport: &str) -> Vec<String> {
    let mut names = Vec::new();
    let source = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
    collect(source, transport, &mut names);
    names.sort();
    names.dedup();
    names.retain(|name| !IN_THE_LIBRARY.contains(&name.as_str()));
    names.retain(|name| !handled_points::POINTS.contains(&name.as_str()));
    names.retain(|name| !ALONE.contains(&name.as_str()));
    names.retain(|name| !EDITS.contains(&name.as_str()));
    names.retain(|name| !EDITED.contains(&name.as_str()));
    names.retain(|name| !outbox::POINTS.contains(&name.as_str()));
    assert!(names.len() >= 19, "only {names:?}");
    names
}

fn collect(folder: &Path, transport: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !folder.ends_with("backends") || path.ends_with(transport) {
                collect(&path, transport, names);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split("failpoint::reach(\"").skip(1) {
                names.push(rest.split('"').next().unwrap().to_owned());
            }
            let lists = text.split("const FAIL_POINTS").skip(1);
            for list in lists.filter_map(|rest| rest.split_once("= [")?.1.split("];").next()) {
                names.extend(list.split('"').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }
}

/// Does the same with many things, a few at a time.
pub fn side_by_side<T: Sync>(things: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(thing) = things.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(thing);
                }
            });
        }
    });
}

#[test]
fn every_fail_point_is_reached_and_survived() {
    for name in names("sqlite") {
        for nth in [1, 3] {
            survive(&name, nth, Store::new(Box::new(Sqlite::new())));
        }
    }
}

#[test]
fn every_fail_point_on_nats_is_reached_and_survived() {
    let broker = nats::Broker::start();
    let names = names("nats");
    let armed: Vec<_> = names
        .iter()
        .flat_map(|name| [(name.as_str(), 1), (name.as_str(), 3)])
        .collect();
    side_by_side(&armed, |(name, nth)| {
        let stream = format!("{}-{nth}", name.replace('.', "-"));
        let stream = if WITHOUT_BATCHES.contains(name) {
            Nats::plain(&broker, &stream)
        } else {
            Nats::prepared(&broker, &stream)
        };
        survive(name, *nth, Store::new(Box::new(stream)));
    });
}

#[test]
fn every_fail_point_on_kafka_is_reached_and_survived() {
    let broker = kafka::Broker::shared();
    let names = names("kafka");
    let armed: Vec<_> = names
        .iter()
        .flat_map(|name| [(name.as_str(), 1), (name.as_str(), 3)])
        .collect();
    side_by_side(&armed, |(name, nth)| {
        let topics = Kafka::new(broker, &format!("{name}-{nth}"));
        survive(name, *nth, Store::new(Box::new(topics)));
    });
}

#[test]
fn every_fail_point_on_pulsar_is_reached_and_survived() {
    let broker = pulsar::Broker::shared();
    let names = names("pulsar");
    let armed: Vec<_> = names
        .iter()
        .flat_map(|name| [(name.as_str(), 1), (name.as_str(), 3)])
        .collect();
    side_by_side(&armed, |(name, nth)| {
        let namespace = Pulsar::new(broker, true);
        survive(name, *nth, Store::new(Box::new(namespace)));
    });
}

/// Dies at the point in whichever program reaches it first, then lets everything finish.
fn survive(name: &str, nth: u32, mut store: Store) {
    let armed = format!("{name}:{nth}");
    let start = std::time::Instant::now();
    let mut died = false;
    let status = store.publish(40, None, |command| {
        command.env("PF_FAILPOINT", &armed);
    });
    died |= !status.success();
    if store.judge.cancels_delays() {
        died |= store.call_off(|command| {
            command.env("PF_FAILPOINT", &armed);
        });
    }
    wait_while(|| store.judge.not_due() > 0);
    for worker in [false, true] {
        let mut consumer = store.consumer(worker);
        consumer.env("PF_FAILPOINT", &armed);
        died |= store.run(consumer);
        store.publish(10, None, |_| {});
    }
    store.mend();
    let purged = purge(&mut store, &armed, &mut died);
    let mut replay = store.pf(&["dlq", "replay", "--all", "--yes"]);
    replay.env("PF_FAILPOINT", &armed);
    died |= store.run(replay);
    finish(&mut store);
    assert!(died || nth > 1, "nothing reached the fail point {name}");
    println!("{armed}: {:?}", start.elapsed());
    judge::judge(&store, &purged, &armed);
}

fn purge(store: &mut Store, armed: &str, died: &mut bool) -> HashSet<String> {
    let Some(victim) = store.judge.read().dead.into_iter().min() else {
        return HashSet::new();
    };
    let filter = format!(".event.id == \"{victim}\"");
    let mut purge = store.pf(&["dlq", "purge", "--where", &filter, "--yes"]);
    purge.env("PF_FAILPOINT", armed);
    *died |= store.run(purge);
    HashSet::from([victim])
}

/// Takes the tests' events to their end without any fail point.
pub fn finish(store: &mut Store) {
    store.mend();
    for _ in 0..3 {
        drain(store);
        let replay = store.pf(&["dlq", "replay", "--all", "--yes"]);
        store.run(replay);
    }
    drain(store);
}

/// Consumes until nothing is to come.
fn drain(store: &mut Store) {
    loop {
        let consumer = store.consumer(false);
        store.run(consumer);
        if store.judge.to_come() == 0 {
            break;
        }
    }
}
