//! The server or a consumer dies while events are handled.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use test_support::{
    programs::{count, ids},
    wait::until,
};

use super::world::World;

/// What may be handled again: the most that may be in flight.
const IN_FLIGHT: usize = 1000;
/// The server confirms acknowledgements that it writes to its disk this much later, on a busy machine.
const UNWRITTEN: Duration = Duration::from_millis(500);

/// Counts what is handled within a time.
fn handled_in(world: &World, time: Duration) -> usize {
    let (start, before) = (Instant::now(), world.handled().len());
    until("the time is over", || start.elapsed() >= time);
    world.handled().len() - before
}

#[test]
fn nothing_is_lost_when_the_server_dies() {
    const COUNT: usize = 20_000;
    let world = World::new();
    world.fill("e", COUNT);
    let consumer = world.consumer(&["--until-end", "--jobs", "2"]).spawn();
    let mut consumer = consumer.unwrap();
    let mut at_risk = 0;
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are handled", || world.handled().len() > mark);
        at_risk += IN_FLIGHT + handled_in(&world, UNWRITTEN);
        world.restart_server();
    }
    let status = consumer.wait().unwrap();
    assert!(status.success(), "{status}");
    let outcome = count(
        "consume, server killed twice",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= at_risk, "{} doubled", outcome.1);
    // What the server forgot that it was told comes again, and is told again.
    until("all are settled", || {
        let again = world.consumer(&["--until-end"]).status().unwrap();
        let group = world.raw.group("billing").unwrap();
        again.success() && (group.num_pending, group.num_ack_pending) == (0, 0)
    });
}

#[test]
fn another_one_of_the_group_takes_over() {
    const COUNT: usize = 10_000;
    let world = World::new();
    world.fill("e", COUNT);
    let mut killed = world.consumer(&[]).spawn().unwrap();
    let mut other = world.consumer(&[]).spawn().unwrap();
    until("some are handled", || world.handled().len() > COUNT / 4);
    killed.kill().unwrap();
    killed.wait().unwrap();
    until("all are settled", || {
        let group = world.raw.group("billing").unwrap();
        (group.num_pending, group.num_ack_pending) == (0, 0)
    });
    kill_process(Pid::from_child(&other), Signal::TERM).unwrap();
    assert!(other.wait().unwrap().success());
    let outcome = count(
        "two in a group, one killed",
        &ids("e", COUNT),
        &world.handled(),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}

#[test]
fn a_consumer_that_stands_still_gets_the_rest_later() {
    const COUNT: usize = 10_000;
    let world = World::new();
    world.fill("e", COUNT);
    let mut consumer = world.consumer(&[]).spawn().unwrap();
    until("some are handled", || world.handled().len() > COUNT / 4);
    let process = Pid::from_child(&consumer);
    kill_process(process, Signal::STOP).unwrap();
    // What it held is given to another one in the meantime.
    let mut other = world.consumer(&["--count", "2000"]).spawn().unwrap();
    assert!(other.wait().unwrap().success());
    kill_process(process, Signal::CONT).unwrap();
    until("all are settled", || {
        let group = world.raw.group("billing").unwrap();
        (group.num_pending, group.num_ack_pending) == (0, 0)
    });
    kill_process(process, Signal::TERM).unwrap();
    assert!(consumer.wait().unwrap().success());
    let outcome = count("a slow consumer", &ids("e", COUNT), &world.handled());
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}

#[test]
fn held_retries_let_others_pass() {
    const HELD: usize = 10_000;
    const OTHERS: usize = 1000;
    let world = World::new();
    world.fill("held", HELD);
    let mut consumer = world.consumer(&[]).spawn().unwrap();
    until("all are held", || world.handled().len() == HELD);
    world.fill("e", OTHERS);
    until("the others are handled", || {
        world.handled().len() == HELD + OTHERS
    });
    world.restart_server();
    world.fill("f", OTHERS);
    until("the others are handled", || {
        world.handled().len() >= HELD + 2 * OTHERS
    });
    until("only the held ones are left", || {
        let group = world.raw.group("billing").unwrap();
        (group.num_pending, group.num_ack_pending) == (0, HELD)
    });
    kill_process(Pid::from_child(&consumer), Signal::TERM).unwrap();
    assert!(consumer.wait().unwrap().success());
    let (held, others): (Vec<_>, Vec<_>) = world
        .handled()
        .into_iter()
        .partition(|id| id.starts_with("held"));
    let outcome = count("held retries, server killed", &ids("held", HELD), &held);
    assert_eq!(outcome, (0, 0));
    let wanted = [ids("e", OTHERS), ids("f", OTHERS)].concat();
    let outcome = count("others beside held retries", &wanted, &others);
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}
