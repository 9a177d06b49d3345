//! The broker dies while events are handled, or a handler takes its time.

use test_support::{
    programs::{Running, count, ids},
    wait::until,
};

use super::world::World;

/// What may be handled again after a kill: the most that may be in flight.
const IN_FLIGHT: usize = 1000;

#[test]
fn nothing_is_lost_when_the_broker_dies() {
    const COUNT: usize = 20_000;
    let world = World::new();
    world.fill("e", COUNT);
    let consumer = Running::start(&mut world.consumer(&["--jobs", "2"]));
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are handled", || world.handled().len() > mark);
        world.restart_server();
    }
    until("all are settled", || world.unsettled() == 0);
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
fn a_handler_may_be_slower_than_a_member_may_be_silent() {
    const COUNT: usize = 3;
    let mut world = World::shared();
    world.set("session.timeout.ms=1500");
    world.set("max.poll.interval.ms=1500");
    world.fill("e", COUNT);
    let mut consumer = world.consumer(&["--until-end", "--jobs", "1"]);
    let status = consumer.env("SLOW", "4").status().unwrap();
    assert!(status.success(), "{status}");
    let outcome = count("a slow handler", &ids("e", COUNT), &world.handled());
    assert_eq!(outcome, (0, 0));
    assert_eq!(world.unsettled(), 0);
}

#[test]
fn held_retries_let_others_pass() {
    const HELD: usize = 10_000;
    const OTHERS: usize = 1000;
    let world = World::new();
    let held = world.publish_keyed("held", HELD, &[], |_| "one".to_owned());
    assert!(held.end().0.success());
    let consumer = Running::start(&mut world.consumer(&[]));
    until("all are held", || {
        world.handled().len() == HELD && world.unsettled() == 0
    });
    let same_key = world.publish_keyed("e", OTHERS, &[], |_| "one".to_owned());
    assert!(same_key.end().0.success());
    until("the others are handled", || {
        world.handled().len() == HELD + OTHERS
    });
    world.restart_server();
    world.fill("f", OTHERS);
    until("the others are handled", || {
        world.handled().len() >= HELD + 2 * OTHERS && world.unsettled() == 0
    });
    assert_eq!(world.put_off(), HELD);
    consumer.drain();
    let (held, others): (Vec<_>, Vec<_>) = world
        .handled()
        .into_iter()
        .partition(|id| id.starts_with("held"));
    let outcome = count("held retries, broker killed", &ids("held", HELD), &held);
    assert_eq!(outcome, (0, 0));
    let wanted = [ids("e", OTHERS), ids("f", OTHERS)].concat();
    let outcome = count("others beside held retries", &wanted, &others);
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}
