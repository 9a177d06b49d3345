//! The broker dies while the window of a publisher is full.

use test_support::{
    programs::{count, ids},
    wait::until,
};

use super::world::World;

#[test]
fn nothing_is_lost_or_doubled_while_events_are_published() {
    const COUNT: usize = 100_000;
    let world = World::new();
    let publishing = world.publish("e", COUNT, &[]);
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are stored", || {
            world.raw.count(&world.name("order")) > mark
        });
        world.restart_server();
    }
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    assert_eq!(accepted, ids("e", COUNT), "the receipts");
    let outcome = count("publish, broker killed twice", &accepted, &world.orders());
    assert_eq!(outcome, (0, 0));
}
