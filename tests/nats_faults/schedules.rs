//! The server dies while it fires what is due.

use crate::{
    raw::Stored,
    world::{World, count, until},
};

/// How many schedules the server may be at when it dies.
const AT_WORK: usize = 10;

#[test]
fn every_schedule_fires() {
    const COUNT: usize = 20_000;
    let world = World::new();
    let due = (chrono::Utc::now() + chrono::TimeDelta::seconds(12)).to_rfc3339();
    let (status, accepted) = world.publish("e", COUNT, &["--at", &due]).end();
    assert!(status.success(), "{status}");
    assert_eq!(world.raw.count("order"), 0, "nobody sees them before");
    assert_eq!(world.raw.scheduled(), COUNT as u64);
    until("the first have fired", || world.raw.count("order") > 0);
    world.restart_server();
    until("all have fired", || world.raw.scheduled() == 0);
    let fired: Vec<_> = world.raw.topic("order").iter().map(Stored::id).collect();
    let outcome = count("schedules, server killed", &accepted, &fired);
    assert_eq!(outcome.0, 0);
    // The server stores an event and then drops its schedule: one that it is at may come twice.
    assert!(outcome.1 <= AT_WORK, "{} doubled", outcome.1);
}
