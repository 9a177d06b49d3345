//! The broker removes what was replaced while events wait for their time.

use rustix::process::Signal;

use test_support::{
    programs::{Running, count},
    wait::until,
};

use super::world::World;

/// Settings under which the broker compacts at once.
const BROKER: [&str; 2] = [
    "log.cleaner.backoff.ms=100",
    "log.cleaner.min.cleanable.ratio=0.01",
];
const TOPIC: [(&str, &str); 6] = [
    ("cleanup.policy", "compact"),
    ("segment.bytes", "1048576"),
    ("segment.ms", "2000"),
    ("min.cleanable.dirty.ratio", "0.01"),
    ("max.compaction.lag.ms", "2000"),
    ("delete.retention.ms", "86400000"),
];

#[test]
fn what_is_compacted_fires_once() {
    const ROUNDS: usize = 5;
    const COUNT: usize = 2000;
    let world = World::with(&BROKER);
    let delays = world.name("pf.delay");
    world.raw.make(&delays, 3, &TOPIC);
    let (mut accepted, mut owner) = (Vec::new(), None::<Running>);
    for round in 0..ROUNDS {
        let name = format!("e{round}x");
        let (status, ids) = world.publish(&name, COUNT, &["--delay", "1s"]).end();
        assert!(status.success(), "{status}");
        accepted.extend(ids);
        // Each owner but the last is killed with its work half done.
        if let Some(owner) = owner.take() {
            owner.signal(Signal::KILL);
        }
        owner = Some(Running::start(&mut world.pf(&["schedule", "run"])));
        let half = round * COUNT + COUNT / 2;
        until("half have fired", || world.visible() >= half);
    }
    until("all have fired", || world.scheduled() == 0);
    // A later record lets the broker close the segment before it.
    let written = 2 * ROUNDS * COUNT;
    until("the broker has compacted", || {
        let last = world.publish("late", 3, &["--delay", "1s"]).end();
        accepted.extend(last.1);
        world.raw.topic(&delays).len() < written
    });
    println!(
        "{} of {written} records are left",
        world.raw.topic(&delays).len()
    );
    owner.unwrap().signal(Signal::KILL);
    let owner = Running::start(&mut world.pf(&["schedule", "run"]));
    let (status, ids) = world.publish("end", COUNT, &["--delay", "1s"]).end();
    assert!(status.success(), "{status}");
    accepted.extend(ids);
    until("all have fired", || world.scheduled() == 0);
    owner.drain();
    accepted.sort();
    accepted.dedup();
    let orders = world.orders();
    let (late, others): (Vec<_>, Vec<_>) =
        orders.into_iter().partition(|id| id.starts_with("late"));
    accepted.retain(|id| !id.starts_with("late"));
    let outcome = count("schedules, compacted", &accepted, &others);
    assert_eq!(outcome, (0, 0));
    assert!(late.len() % 3 == 0, "{late:?}");
}
