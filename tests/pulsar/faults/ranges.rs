//! More acknowledged ranges than a broker stores: every other event waits.

use std::time::Duration;

use test_support::{
    programs::{Running, count, ids},
    wait::until,
};

use super::world::World;

/// Each of two sorts; a broker stores 10,000 ranges.
const COUNT: usize = 12_500;
/// More than are moved in a second.
const JUST_MOVED: usize = 2_000;
/// Until the delayed ones are due.
const DELAY: Duration = Duration::from_secs(160);

#[test]
fn waiting_events_do_not_make_the_broker_forget() {
    let world = World::new();
    let (now, later) = (ids("n", COUNT), ids("w", COUNT));
    let pairs = now.iter().zip(&later);
    let events: Vec<_> = pairs
        .flat_map(|(now, later)| [(now.clone(), None), (later.clone(), Some(DELAY))])
        .collect();
    let consumer = Running::start(&mut world.consumer(&[]));
    world.publish_delayed(&events);
    until("what is due is handled", || world.handled().len() >= COUNT);
    let ranges = |world: &World| {
        let stats = world.stats("order");
        let ranges = &stats["subscriptions"]["billing"]["nonContiguousDeletedMessagesRanges"];
        ranges.as_u64().unwrap_or(u64::MAX)
    };
    until("waiting ones were moved", || ranges(&world) < 8_000);
    let moved = world.backlog("order-billing-RETRY");
    println!(
        "{moved} of {COUNT} waiting events were moved, {} ranges are left",
        ranges(&world)
    );
    assert!(moved > 4_000, "{moved}");
    assert_eq!(world.handled().len(), COUNT, "none is early");
    // Those that were moved, too: the first ones wait in the retry topic.
    for id in &later[..2] {
        world.cancel(id);
    }
    world.restart_broker();
    until("the others are handled", || {
        world.handled().len() >= 2 * COUNT - 2
            && world.backlog("order") == 0
            && world.backlog("order-billing-RETRY") == 0
    });
    consumer.drain();
    let handled = world.handled();
    let is_cancelled = |id: &String| later[..2].contains(id);
    assert!(!handled.iter().any(is_cancelled));
    let all = events.into_iter().map(|(id, _)| id);
    let all: Vec<_> = all.filter(|id| !is_cancelled(id)).collect();
    let (lost, doubled) = count("25,000 ranges, broker killed", &all, &world.handled());
    assert_eq!(lost, 0);
    // A broker confirms acknowledgements up to a second before it stores them: what was moved last comes twice.
    assert!(doubled <= JUST_MOVED, "{doubled}");
}
