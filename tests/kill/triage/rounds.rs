//! Random moments: a replay, a plan that is applied and an edit, each killed and resumed.

use std::{sync::Mutex, time::Duration};

use test_support::{dice, kafka, nats, pulsar};

use super::round::{Hits, Round, killed};
use crate::{
    kafka::Kafka,
    nats::Nats,
    points::{EDITED, names, side_by_side},
    pulsar::Pulsar,
    sqlite::Sqlite,
    store::Store,
};

/// Rounds of one broker: what topics and streams leave behind slows the next ones down.
const PER_BROKER: usize = 50;

/// How long a server knows a message that is sent again.
const FORGETS: Duration = Duration::from_secs(2);

/// Parts of the names of the points that a job reaches.
const OF_JOBS: [&str; 9] = [
    "triage.",
    "replay",
    "job",
    "lease",
    "journal",
    "chunk",
    "receipts",
    "letters_removed",
    "fenced",
];

fn seeds() -> Vec<u64> {
    dice::seeds(10, 500)
}

/// Returns the points of jobs and edits of a transport.
fn points(transport: &str) -> Vec<String> {
    let mut points = names(transport);
    points.retain(|name| OF_JOBS.iter().any(|part| name.contains(part)));
    let edited = EDITED.iter().filter(|point| point.starts_with(transport));
    points.extend(edited.map(|point| (*point).to_owned()));
    points
}

fn assert_enough(all: Hits) {
    println!("{all:?}");
    if dice::is_whole() {
        assert!(all.kills >= all.rounds, "{all:?}");
        // Where few dead letters are one step of a job, hardly a kill is between two.
        assert!(all.midway + all.resumed >= 1, "{all:?}");
    }
}

fn side_by_side_in(seeds: &[u64], round: impl Fn(u64) -> Hits + Sync) -> Hits {
    let all = Mutex::new(Hits::default());
    side_by_side(seeds, |seed| {
        let hits = killed(*seed, &round);
        *all.lock().unwrap() += hits;
    });
    all.into_inner().unwrap()
}

#[test]
fn killed_in_triage_every_dead_letter_moves_once() {
    let points = points("sqlite");
    let mut all = Hits::default();
    for seed in seeds() {
        all += killed(seed, |seed| {
            Round::new(seed, Store::new(Box::new(Sqlite::new())), &points).run()
        });
    }
    assert_enough(all);
}

#[test]
fn killed_in_triage_on_nats_every_dead_letter_moves_once() {
    let points = points("nats");
    let mut all = Hits::default();
    for seeds in seeds().chunks(PER_BROKER) {
        let broker = nats::Broker::start();
        all += side_by_side_in(seeds, |seed| {
            let name = format!("TRIAGE{seed}");
            // Every fifth stream is as the Go library makes one: the server recognises what is sent again.
            let stream = if seed % 5 == 0 {
                Nats::plain(&broker, &name)
            } else {
                Nats::prepared(&broker, &name)
            };
            Round::new(seed, Store::new(Box::new(stream)), &points).run()
        });
    }
    assert_enough(all);
}

#[test]
fn killed_in_triage_where_nats_forgets_the_unknown_is_named() {
    let points = points("nats");
    let mut all = Hits::default();
    for seeds in seeds().chunks(PER_BROKER) {
        let broker = nats::Broker::start();
        all += side_by_side_in(seeds, |seed| {
            let stream = Nats::forgetful(&broker, &format!("FORGETS{seed}"), FORGETS);
            let round = Round::new(seed, Store::new(Box::new(stream)), &points);
            round.forgetting(FORGETS).run()
        });
    }
    assert_enough(all);
}

#[test]
fn killed_in_triage_on_kafka_every_dead_letter_moves_once() {
    let points = points("kafka");
    let mut all = Hits::default();
    for (number, seeds) in seeds().chunks(PER_BROKER).enumerate() {
        let own = (number > 0).then(kafka::Broker::start);
        let broker = own.as_ref().unwrap_or_else(|| kafka::Broker::shared());
        all += side_by_side_in(seeds, |seed| {
            let topics = Kafka::new(broker, &format!("triage{seed}"));
            topics.make("order.again");
            Round::new(seed, Store::new(Box::new(topics)), &points).run()
        });
    }
    assert_enough(all);
}

#[test]
fn killed_in_triage_on_pulsar_every_dead_letter_moves_once() {
    let points = points("pulsar");
    let broker = pulsar::Broker::shared();
    let all = side_by_side_in(&seeds(), |seed| {
        let namespace = Pulsar::new(broker, true);
        namespace.create("order.again");
        Round::new(seed, Store::new(Box::new(namespace)), &points).run()
    });
    assert_enough(all);
}

/// Without deduplication the broker recognises nothing that is sent again.
#[test]
fn killed_in_triage_where_pulsar_recognises_nothing_the_unknown_is_named() {
    let points = points("pulsar");
    let broker = pulsar::Broker::shared();
    let all = side_by_side_in(&seeds(), |seed| {
        let namespace = Pulsar::new(broker, false);
        namespace.create("order.again");
        let round = Round::new(seed, Store::new(Box::new(namespace)), &points);
        round.forgetting(Duration::ZERO).run()
    });
    assert_enough(all);
}
