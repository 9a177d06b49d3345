//! The server dies while the window of a publisher is full.

use std::collections::HashMap;

use test_support::{
    nats::raw::Stored,
    programs::{count, ids},
    proxy::Proxy,
    wait::until,
};

use super::world::World;

#[test]
fn nothing_is_lost_or_doubled_while_events_are_published() {
    const COUNT: usize = 100_000;
    let world = World::new();
    let publishing = world.publish("e", COUNT, &[]);
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are stored", || world.raw.count("order") > mark as u64);
        world.restart_server();
    }
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    assert_eq!(accepted, ids("e", COUNT), "the receipts");
    let stored: Vec<_> = world.raw.topic("order").iter().map(Stored::id).collect();
    let outcome = count("publish, server killed twice", &accepted, &stored);
    assert_eq!(outcome, (0, 0));
}

#[test]
fn an_event_that_is_sent_again_is_no_duplicate_of_itself() {
    const COUNT: usize = 50_000;
    let mut world = World::new();
    let proxy = Proxy::to(&world.address());
    world.reach_by(proxy.address());
    let publishing = world.publish("e", COUNT, &["--dedup"]);
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are stored", || world.raw.count("order") > mark as u64);
        proxy.cut();
        proxy.join();
    }
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    assert_eq!(
        accepted,
        ids("e", COUNT),
        "the receipts of published events"
    );
    let (status, accepted) = world.publish("e", COUNT, &["--dedup"]).end();
    assert!(status.success(), "{status}");
    assert_eq!(accepted, [""; 0], "all of them are duplicates now");
    assert_eq!(world.raw.count("order"), COUNT as u64);
}

#[test]
fn nothing_overtakes_another_event_of_its_key() {
    const COUNT: usize = 20_000;
    const KEYS: usize = 100;
    let world = World::new();
    let publishing = world.publish_by_key("e", COUNT, KEYS, &["--ordered"]);
    for mark in [COUNT / 10, COUNT / 2] {
        until("some are stored", || world.raw.count("order") > mark as u64);
        world.restart_server();
    }
    let (status, accepted) = publishing.end();
    assert!(status.success(), "{status}");
    let orders = world.raw.topic("order");
    let stored: Vec<_> = orders.iter().map(Stored::id).collect();
    let outcome = count("publish in order, server killed twice", &accepted, &stored);
    assert_eq!((accepted.len(), outcome), (COUNT, (0, 0)));
    let mut last: HashMap<&str, String> = HashMap::new();
    let mut overtaken = 0;
    for order in &orders {
        let key = order.headers.get("pf-key").unwrap().as_str();
        let before = last.insert(key, order.id());
        overtaken += usize::from(before.is_some_and(|before| before > order.id()));
    }
    println!(
        "publish in order: {} keys, overtaken {overtaken}",
        last.len()
    );
    assert_eq!((last.len(), overtaken), (KEYS, 0));
}
