//! Random moments: publisher, both sorts of consumer and replay over one store, each killed in turn.

use std::{collections::HashSet, ops::AddAssign, sync::Mutex, time::Duration};

use test_support::pulsar;
use test_support::{
    dice::{self, Dice},
    kafka, nats,
};

use crate::pulsar::Pulsar;
use crate::{
    judge,
    kafka::Kafka,
    nats::Nats,
    points::{finish, side_by_side},
    sqlite::Sqlite,
    store::Store,
};

/// What the kills of a round hit, so that rounds which hit nothing are noticed.
#[derive(Debug, Default, Clone, Copy)]
struct Hits {
    /// Publishers in the middle of their input.
    publishers: u32,
    /// Consumers with something in hand.
    consumers: u32,
    /// Replays between two batches.
    replays: u32,
}

impl AddAssign for Hits {
    fn add_assign(&mut self, other: Self) {
        self.publishers += other.publishers;
        self.consumers += other.consumers;
        self.replays += other.replays;
    }
}

/// Returns the seeds of the rounds.
fn seeds() -> Vec<u64> {
    dice::seeds(10, 200)
}

fn assert_enough(all: Hits) {
    println!("{all:?}");
    assert!(all.publishers >= 10, "{all:?}");
    assert!(all.consumers >= 10, "{all:?}");
    assert!(all.replays >= 3, "{all:?}");
}

#[test]
fn killed_at_random_nothing_is_lost_or_doubled() {
    let mut all = Hits::default();
    for seed in seeds() {
        all += round(seed, Store::new(Box::new(Sqlite::new())));
    }
    assert_enough(all);
}

#[test]
fn killed_at_random_on_nats_nothing_is_lost_or_doubled() {
    let broker = nats::Broker::start();
    let all = Mutex::new(Hits::default());
    side_by_side(&seeds(), |seed| {
        let stream = Nats::prepared(&broker, &format!("SEED{seed}"));
        let hits = round(*seed, Store::new(Box::new(stream)));
        *all.lock().unwrap() += hits;
    });
    assert_enough(all.into_inner().unwrap());
}

#[test]
fn killed_at_random_on_kafka_nothing_is_lost_or_doubled() {
    let broker = kafka::Broker::shared();
    let all = Mutex::new(Hits::default());
    side_by_side(&seeds(), |seed| {
        let topics = Kafka::new(broker, &format!("seed{seed}"));
        let hits = round(*seed, Store::new(Box::new(topics)));
        *all.lock().unwrap() += hits;
    });
    assert_enough(all.into_inner().unwrap());
}

#[test]
fn killed_at_random_on_pulsar_nothing_is_lost_or_doubled() {
    let broker = pulsar::Broker::shared();
    let all = Mutex::new(Hits::default());
    side_by_side(&seeds(), |seed| {
        let namespace = Pulsar::new(broker, true);
        let hits = round(*seed, Store::new(Box::new(namespace)));
        *all.lock().unwrap() += hits;
    });
    assert_enough(all.into_inner().unwrap());
}

fn round(seed: u64, mut store: Store) -> Hits {
    let mut dice = Dice::new(seed);
    let mut hits = Hits::default();
    for step in 0..4 {
        hits.publishers += u32::from(publish(&mut store, &mut dice));
        for worker in [false, true] {
            hits.consumers += u32::from(consume(&mut store, &mut dice, worker));
        }
        if step == 2 {
            store.mend();
        }
        hits.replays += u32::from(replay(&mut store, &mut dice));
    }
    finish(&mut store);
    println!("seed {seed}: {hits:?}, {} accepted", store.accepted.len());
    judge::judge(&store, &HashSet::new(), &format!("seed {seed}"));
    hits
}

/// Kills a publisher once it has printed some of its receipts; tells whether it was in the middle.
fn publish(store: &mut Store, dice: &mut Dice) -> bool {
    let before = store.accepted.len();
    let at = usize::try_from(dice.roll(140)).unwrap();
    let status = store.publish(150, Some(at), |_| {});
    let accepted = store.accepted.len() - before;
    !status.success() && accepted > 0 && accepted < 150
}

/// Kills a consumer after some runs; tells whether it held something.
fn consume(store: &mut Store, dice: &mut Dice, worker: bool) -> bool {
    let held = |store: &Store| store.in_hand.values().sum::<u32>();
    let before = held(store);
    let runs = store.handled().len() + usize::try_from(dice.roll(40)).unwrap();
    let consumer = store.consumer(worker);
    let after = Duration::from_micros(dice.roll(20_000));
    store.run_and_kill(consumer, |store| store.handled().len() > runs, after);
    held(store) > before
}

/// Kills a slow replay after some letters; tells whether others were left.
fn replay(store: &mut Store, dice: &mut Dice) -> bool {
    let replay = store.pf(&["dlq", "replay", "--all", "--yes", "--rate", "3"]);
    let after = Duration::from_micros(dice.roll(200_000));
    let begun = |store: &Store| store.judge.progress().0 > 0;
    store.run_and_kill(replay, begun, after);
    let (done, left) = store.judge.progress();
    done > 0 && left > 0
}
