//! The broker dies, or gives its topics away, while events are handled or wait.

use test_support::{
    programs::{Running, count, ids},
    wait::until,
};

use super::world::World;

/// The most that may be in flight, and so be handled again after a kill. What the broker had not stored of the
/// acknowledgements is acknowledged again.
const IN_FLIGHT: usize = 1000;

#[test]
fn nothing_is_lost_when_the_broker_dies() {
    const COUNT: usize = 20_000;
    let world = World::new();
    world.publish("e", COUNT, &[]).succeeded(COUNT);
    let consumer = Running::start(&mut world.consumer(&["--jobs", "2"]));
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are handled", || world.handled().len() > mark);
        world.restart_broker();
    }
    until("all are settled", || world.backlog("order") == 0);
    consumer.drain();
    let outcome = count(
        "consume, broker killed twice",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= 2 * IN_FLIGHT, "{} doubled", outcome.1);
}

#[test]
fn nothing_is_lost_when_a_topic_is_unloaded() {
    const COUNT: usize = 20_000;
    let world = World::new();
    world.publish("e", COUNT, &[]).succeeded(COUNT);
    let consumer = Running::start(&mut world.consumer(&["--jobs", "2"]));
    for mark in [COUNT / 10, COUNT / 3, COUNT / 2] {
        until("some are handled", || world.handled().len() > mark);
        world.unload();
    }
    until("all are settled", || world.backlog("order") == 0);
    consumer.drain();
    let outcome = count(
        "consume, topic unloaded",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= 3 * IN_FLIGHT, "{} doubled", outcome.1);
}

#[test]
fn members_may_come_and_go() {
    const COUNT: usize = 10_000;
    let world = World::new();
    world.publish("e", COUNT, &[]).succeeded(COUNT);
    let stays = Running::start(&mut world.consumer(&["--jobs", "2"]));
    for share in 1..=3 {
        let mark = COUNT * share / 8;
        until("some are handled", || world.handled().len() > mark);
        let guest = Running::start(&mut world.consumer(&[]));
        until("it has joined", || world.members("order") == 2);
        until("more are handled", || {
            world.handled().len() > mark + COUNT / 16
        });
        guest.drain();
    }
    until("all are settled", || world.backlog("order") == 0);
    stays.drain();
    let outcome = count("members come and go", &ids("e", COUNT), &world.handled());
    assert_eq!(outcome, (0, 0));
}

/// 10,000 delayed events wait over the end of the broker.
#[test]
fn delayed_events_survive_the_broker() {
    const COUNT: usize = 10_000;
    let world = World::new();
    let consumer = Running::start(&mut world.consumer(&["--jobs", "4"]));
    world
        .publish("e", COUNT, &["--delay", "20s"])
        .succeeded(COUNT);
    world.restart_broker();
    until("all are settled", || {
        world.handled().len() >= COUNT && world.backlog("order") == 0
    });
    consumer.drain();
    let outcome = count("delayed, broker killed", &ids("e", COUNT), &world.handled());
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}
