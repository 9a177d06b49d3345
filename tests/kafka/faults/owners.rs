//! What waits for its time moves between programs that fire it.

use chrono::{TimeDelta, Utc};
use rustix::process::Signal;

use test_support::{
    programs::{Running, count},
    wait::until,
};

use super::world::World;

const PORTIONS: i64 = 10;
const PORTION: usize = 1000;

fn owner(world: &World) -> Running {
    Running::start(&mut world.pf(&["schedule", "run"]))
}

#[test]
fn owners_come_and_go_and_each_schedule_fires_once() {
    let mut world = World::shared();
    world.set("session.timeout.ms=2000");
    world.set("heartbeat.interval.ms=300");
    let start = Utc::now() + TimeDelta::seconds(10);
    let mut accepted = Vec::new();
    for number in 0..PORTIONS {
        let due = (start + TimeDelta::seconds(2 * number)).to_rfc3339();
        let name = format!("e{number}x");
        let (status, ids) = world
            .publish(&name, PORTION, &["--at", &due, "--create"])
            .end();
        assert!(status.success(), "{status}");
        accepted.extend(ids);
    }
    let reaches = |portions: usize| {
        until("some have fired", || world.visible() >= portions * PORTION);
    };
    let first = owner(&world);
    reaches(1);
    let second = owner(&world);
    reaches(3);
    first.signal(Signal::STOP);
    reaches(5);
    // What it had begun is not its own any more.
    first.signal(Signal::CONT);
    let third = owner(&world);
    reaches(6);
    second.signal(Signal::KILL);
    reaches(7);
    third.drain();
    reaches(usize::try_from(PORTIONS).unwrap());
    until("nothing waits", || world.scheduled() == 0);
    first.drain();
    let outcome = count("schedules, owners come and go", &accepted, &world.orders());
    assert_eq!(outcome, (0, 0));
}
