//! What a broker has stored of the acknowledgements that it confirmed, when it crashes.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use test_support::{
    programs::{Running, count, ids},
    wait::until,
};

use super::world::World;

const COUNT: usize = 4_000;

/// A consumer that ends waits until its acknowledgements are stored.
#[test]
fn nothing_comes_again_after_a_consumer_ended() {
    let world = World::new();
    world.publish("e", COUNT, &[]).succeeded(COUNT);
    let ended = Running::start(&mut world.consumer(&["--until-end", "--jobs", "2"])).end();
    assert!(ended.success(), "{ended}");
    world.restart_broker();
    let again = Running::start(&mut world.consumer(&["--until-end"])).end();
    assert!(again.success(), "{again}");
    let outcome = count(
        "consumed, then broker killed",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(outcome, (0, 0));
}

/// The consumer dies with its broker: what was in flight comes again, and what was acknowledged within the last second.
#[test]
fn a_crash_of_both_repeats_the_last_second() {
    let again = crash_of_both(&World::new());
    assert!(again.in_flight <= 1_000, "{again:?}");
    assert!(again.not_stored <= again.last_second, "{again:?}");
}

/// Unless the namespace has each acknowledgement stored.
#[test]
fn a_crash_of_both_repeats_what_was_in_flight() {
    let world = World::new();
    world.store_each_acknowledgement();
    let again = crash_of_both(&world);
    assert!(again.in_flight <= 1_000, "{again:?}");
    // Those of the time between the count and the crash.
    assert!(again.not_stored <= 100, "{again:?}");
}

/// What was handled twice.
#[derive(Debug)]
struct Again {
    /// Not acknowledged before the crash.
    in_flight: usize,
    /// Acknowledged, but not stored by the broker.
    not_stored: usize,
    /// What was handled within a good second before the crash.
    last_second: usize,
}

fn crash_of_both(world: &World) -> Again {
    world.publish("e", COUNT, &[]).succeeded(COUNT);
    let mut command = world.consumer(&["--jobs", "2"]);
    let consumer = Running::start(command.env("SLOW", "0.001"));
    until("some are handled", || world.handled().len() > COUNT / 8);
    let (begun, before) = (Instant::now(), world.handled().len());
    until("more are handled", || {
        begun.elapsed() > Duration::from_millis(1_500) && world.handled().len() > COUNT / 4
    });
    let acknowledged = COUNT - usize::try_from(world.backlog("order")).unwrap();
    drop(consumer);
    world.broker.kill();
    let first: HashSet<String> = world.handled().into_iter().collect();
    world.broker.restart();
    let second = Running::start(&mut world.consumer(&["--until-end", "--jobs", "2"])).end();
    assert!(second.success(), "{second}");
    let (lost, doubled) = count(
        "consumer and broker killed",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(lost, 0);
    let in_flight = first.len().saturating_sub(acknowledged).min(doubled);
    let again = Again {
        in_flight,
        not_stored: doubled - in_flight,
        last_second: first.len() - before,
    };
    println!("{again:?}");
    again
}
