//! The broker dies while what is due is fired.

use chrono::{TimeDelta, Utc};

use test_support::{
    programs::{Running, count},
    wait::until,
};

use super::world::World;

#[test]
fn every_schedule_fires_once() {
    const COUNT: usize = 20_000;
    let world = World::new();
    let due = (Utc::now() + TimeDelta::seconds(40)).to_rfc3339();
    let (status, accepted) = world.publish("e", COUNT, &["--at", &due, "--create"]).end();
    assert!(status.success(), "{status}");
    assert_eq!(accepted.len(), COUNT);
    assert_eq!(world.orders().len(), 0, "nobody sees them before");
    assert_eq!(world.scheduled(), COUNT);
    let owner = Running::start(&mut world.pf(&["schedule", "run"]));
    let order = world.name("order");
    for mark in [0, COUNT / 4] {
        until("some have fired", || world.raw.count(&order) > mark);
        world.restart_server();
    }
    until("all have fired", || world.scheduled() == 0);
    owner.drain();
    let outcome = count("schedules, broker killed twice", &accepted, &world.orders());
    assert_eq!(outcome, (0, 0));
}
