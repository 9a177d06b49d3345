//! The broker dies while letters are replayed, or two replay the same.

use std::process::Stdio;

use rustix::process::Signal;

use test_support::{
    programs::{Running, count},
    wait::until,
};

use super::world::World;

/// Two of ten events die, so that the breaker stays closed however the keys get ahead of each other.
const COUNT: usize = 15_000;
const LETTERS: usize = COUNT / 5;

/// Makes letters; returns their events' ids.
fn bury(world: &World) -> Vec<String> {
    world.fill("bad", COUNT);
    let status = world.consumer(&["--until-end"]).status().unwrap();
    assert_eq!(status.code(), Some(4), "some are letters now");
    let letters: Vec<_> = world
        .letters()
        .iter()
        .map(test_support::kafka::records::Stored::id)
        .collect();
    assert_eq!(letters.len(), LETTERS);
    letters
}

/// Handles what was replayed, and counts it: nothing is killed meanwhile, so that each comes once for each replay.
fn handle_again(world: &World, letters: &[String], what: &str) {
    let before = world.handled().len();
    until("nothing is left", || {
        let mut consumer = world.consumer(&["--until-end"]);
        assert!(consumer.env("MENDED", "1").status().unwrap().success());
        world.unsettled() == 0 && world.put_off() == 0
    });
    let again = world.handled().split_off(before);
    assert_eq!(count(what, letters, &again), (0, 0));
}

#[test]
fn every_letter_is_replayed_once() {
    let world = World::new();
    let letters = bury(&world);
    let replay = Running::start(&mut world.pf(&["dlq", "replay", "--all", "--yes"]));
    for mark in [1, LETTERS / 2] {
        until("some are replayed", || world.replayed() >= mark);
        world.restart_server();
    }
    let status = replay.end();
    if !status.success() {
        println!("the first replay ended with {status}");
        let again = world.pf(&["dlq", "replay", "--all", "--yes"]).status();
        assert!(again.unwrap().success());
    }
    handle_again(&world, &letters, "replay, broker killed twice");
}

#[test]
fn of_two_replays_one_is_refused() {
    let world = World::shared();
    let letters = bury(&world);
    let mut slow = world.pf(&["dlq", "replay", "--all", "--yes", "--rate", "500"]);
    let slow = Running::start(&mut slow);
    until("some are replayed", || world.replayed() > 0);
    let mut other = world.pf(&["dlq", "replay", "--all", "--yes"]);
    let other = other.stderr(Stdio::piped()).output().unwrap();
    let told = String::from_utf8(other.stderr).unwrap();
    assert_eq!(other.status.code(), Some(1), "{told}");
    println!("{told}");
    assert!(slow.end().success());
    handle_again(&world, &letters, "two replays, one refused");
}

#[test]
fn who_stood_still_replays_nothing_more() {
    let world = World::shared();
    let letters = bury(&world);
    let mut still = world.pf(&["dlq", "replay", "--all", "--yes", "--rate", "500"]);
    let still = Running::start(&mut still);
    until("some are replayed", || world.replayed() > 0);
    still.signal(Signal::STOP);
    until("another one takes over", || {
        let mut other = world.pf(&["dlq", "replay", "--all", "--yes"]);
        other.status().unwrap().success()
    });
    still.signal(Signal::CONT);
    assert!(!still.end().success(), "somebody else took over");
    handle_again(&world, &letters, "two replays, one stood still");
}
