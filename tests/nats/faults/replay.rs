//! The server dies while letters are replayed.

use std::collections::HashSet;

use test_support::{nats::raw::Stored, programs::count, wait::until};

use super::world::World;

/// Three of ten events die, so that the breaker stays closed.
const COUNT: usize = 20_000;
const LETTERS: usize = 3 * COUNT / 10;

#[test]
fn every_letter_is_replayed_once() {
    let world = World::new();
    world.fill("bad", COUNT);
    let status = world.consumer(&["--until-end"]).status().unwrap();
    assert_eq!(status.code(), Some(4), "some are letters now");
    let letters: Vec<_> = world.raw.letters().iter().map(Stored::id).collect();
    assert_eq!(letters.len(), LETTERS);
    let mut replay = world
        .pf(&["dlq", "replay", "--all", "--yes"])
        .spawn()
        .unwrap();
    for mark in [LETTERS / 10, LETTERS / 2] {
        until("some are replayed", || {
            world.raw.count("order") > (COUNT + mark) as u64
        });
        world.restart_server();
    }
    let status = replay.wait().unwrap();
    if !status.success() {
        println!("the first replay ended with {status}");
        let again = world.pf(&["dlq", "replay", "--all", "--yes"]).status();
        assert!(again.unwrap().success());
    }
    let orders = world.raw.topic("order");
    let replays: Vec<_> = orders.iter().filter_map(Stored::replay_of).collect();
    let distinct: HashSet<_> = replays.iter().collect();
    assert_eq!(distinct.len(), replays.len(), "letters replayed twice");
    let replayed = orders.iter().filter(|order| order.replay_of().is_some());
    let replayed: Vec<_> = replayed.map(Stored::id).collect();
    let outcome = count("replay, server killed twice", &letters, &replayed);
    assert_eq!(outcome, (0, 0));
    assert_eq!(world.raw.letters().len(), 0, "letters are left");
}
