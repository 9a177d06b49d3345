//! The broker dies while the window of a publisher is full.

use test_support::{
    programs::{count, ids},
    wait::until,
};

use super::world::World;

/// What may be in flight, and so be stored twice without deduplication, at each kill.
const IN_FLIGHT: usize = 1000;

#[test]
fn nothing_is_lost_while_events_are_published() {
    const COUNT: usize = 60_000;
    let world = World::new();
    let publishing = world.publish("e", COUNT, &[]);
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are stored", || world.stored() > mark as u64);
        world.restart_broker();
    }
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    assert_eq!(accepted, ids("e", COUNT), "the receipts");
    let outcome = count("publish, broker killed twice", &accepted, &world.orders());
    assert_eq!(outcome.0, 0);
    assert!(outcome.1 <= 2 * IN_FLIGHT, "{} doubled", outcome.1);
}

/// With deduplication, what is sent again is stored once.
#[test]
fn nothing_is_doubled_where_the_namespace_deduplicates() {
    const COUNT: usize = 30_000;
    let world = World::new();
    let path = format!("namespaces/{}/deduplication", world.namespace);
    world.broker.admin().must("POST", &path, "true");
    let publishing = world.publish("e", COUNT, &[]);
    until("some are stored", || world.stored() > COUNT as u64 / 4);
    world.restart_broker();
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    let outcome = count("deduplicated, broker killed", &accepted, &world.orders());
    assert_eq!((accepted.len(), outcome), (COUNT, (0, 0)));
}
