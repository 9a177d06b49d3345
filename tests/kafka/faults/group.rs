//! Members of a group that come and go, are killed, or stand still.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use test_support::{
    programs::{Running, count, ids, is_long},
    wait::until,
};

use super::world::World;

/// What may be handled again when a member is lost: the most that it may have in flight.
const IN_FLIGHT: usize = 1000;

/// Prepares another member, which notes elsewhere what it handled.
fn other(world: &World) -> Command {
    let mut command = world.consumer(&[]);
    command.env("HANDLED", world.programs.path("other"));
    command
}

fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn handled_by_all(world: &World) -> Vec<String> {
    [world.handled(), lines(&world.programs.path("other"))].concat()
}

/// Makes a world where a member that vanished is missed soon.
fn impatient() -> World {
    let mut world = World::shared();
    world.set("session.timeout.ms=2000");
    world.set("heartbeat.interval.ms=300");
    world
}

#[test]
fn a_member_that_comes_and_goes_repeats_little() {
    let (rounds, stay) = if is_long() { (6, 10) } else { (3, 2) };
    let stay = Duration::from_secs(stay);
    let world = impatient();
    let count_all = rounds * (usize::try_from(stay.as_secs()).unwrap() + 5) * 2 * 400;
    let publishing = world.publish("e", count_all, &["--rate", "400"]);
    let first = Running::start(&mut world.consumer(&[]));
    until("some are handled", || world.handled().len() > 100);
    for _ in 0..rounds {
        let before = lines(&world.programs.path("other")).len();
        let member = Running::start(&mut other(&world));
        until("the other one has work", || {
            lines(&world.programs.path("other")).len() > before
        });
        pass(stay);
        member.drain();
        pass(stay);
    }
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    until("all are settled", || world.unsettled() == 0);
    first.drain();
    let outcome = count(
        &format!("a member comes and goes {rounds} times"),
        &accepted,
        &handled_by_all(&world),
    );
    assert_eq!((accepted.len(), outcome.0), (count_all, 0));
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}

/// Lets time pass: how long a member stays is what is tested.
fn pass(time: Duration) {
    let start = Instant::now();
    until("the time is over", || start.elapsed() >= time);
}

#[test]
fn another_one_takes_over() {
    const COUNT: usize = 10_000;
    let world = impatient();
    world.fill("e", COUNT);
    let killed = Running::start(&mut world.consumer(&[]));
    let member = Running::start(&mut other(&world));
    until("some are handled", || {
        handled_by_all(&world).len() > COUNT / 4
    });
    killed.signal(Signal::KILL);
    until("all are settled", || world.unsettled() == 0);
    member.drain();
    let outcome = count(
        "two in a group, one killed",
        &ids("e", COUNT),
        &handled_by_all(&world),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}

#[test]
fn a_member_that_stands_still_gets_the_rest_later() {
    const COUNT: usize = 10_000;
    let world = impatient();
    world.fill("e", COUNT);
    let still = Running::start(&mut world.consumer(&[]));
    until("some are handled", || world.handled().len() > COUNT / 4);
    still.signal(Signal::STOP);
    // What it held is given to another one in the meantime.
    let member = Running::start(&mut other(&world));
    until("another one took over", || {
        lines(&world.programs.path("other")).len() > COUNT / 4
    });
    still.signal(Signal::CONT);
    until("all are settled", || world.unsettled() == 0);
    let more = world.publish("more", COUNT / 2, &[]).end();
    assert!(more.0.success());
    until("all are settled", || world.unsettled() == 0);
    member.drain();
    still.drain();
    let wanted = [ids("e", COUNT), ids("more", COUNT / 2)].concat();
    let outcome = count(
        "one of a group stands still",
        &wanted,
        &handled_by_all(&world),
    );
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= IN_FLIGHT, "{} doubled", outcome.1);
}
