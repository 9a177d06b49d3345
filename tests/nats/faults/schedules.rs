//! The server dies while it fires what is due.

use test_support::{nats::raw::Stored, programs::count, wait::until};

use super::world::World;

/// How many schedules the server may be at when it dies.
const AT_WORK: usize = 10;

#[test]
fn every_schedule_fires() {
    const COUNT: usize = 20_000;
    let (world, accepted) = scheduled(COUNT);
    until("the first have fired", || world.raw.count("order") > 0);
    world.restart_server();
    until("all have fired", || world.raw.scheduled() == 0);
    let fired: Vec<_> = world.raw.topic("order").iter().map(Stored::id).collect();
    let outcome = count("schedules, server killed", &accepted, &fired);
    assert_eq!(outcome.0, 0);
    // The server stores an event and then drops its schedule: one that it is at may come twice.
    assert!(outcome.1 <= AT_WORK, "{} doubled", outcome.1);
}

/// Publishes events for a time when all of them are stored, however busy the machine is.
fn scheduled(count: usize) -> (World, Vec<String>) {
    for lead in [12, 40, 120] {
        let world = World::new();
        let due = chrono::Utc::now() + chrono::TimeDelta::seconds(lead);
        let at = ["--at", &due.to_rfc3339()];
        let (status, accepted) = world.publish("e", count, &at).end();
        assert!(status.success(), "{status}");
        let (fired, waiting) = (world.raw.count("order"), world.raw.scheduled());
        if chrono::Utc::now() < due {
            assert_eq!(fired, 0, "none is seen before");
            assert_eq!(waiting, count as u64);
            return (world, accepted);
        }
    }
    panic!("{count} events take too long to publish");
}
