//! Very many events wait for their time.

use std::{fs, time::Duration, time::Instant};

use rustix::process::Signal;

use test_support::{
    programs::{Running, count, ids, is_long},
    wait::until,
};

use super::world::World;

/// The most memory that a program may have had beside its own code, in KiB: that of a release takes 16 MiB more.
const MEMORY: u64 = 144 << 10;
/// How late an event may be that is due while a program has just started and reads what waits, beside four times what a
/// raw client takes to read it on this machine.
const LATE: Duration = Duration::from_secs(30);

/// Returns the most memory that a process had, in KiB, without its code, of which a debug build has much more.
fn memory(process: &Running) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).ok()?;
    let figure = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some(figure("VmHWM")?.saturating_sub(figure("RssFile")?))
}

#[test]
fn a_restart_finds_all_that_waits() {
    const NEAR: usize = 100;
    let far = if is_long() { 1_000_000 } else { 100_000 };
    let world = World::shared();
    let (status, accepted) = world
        .publish("far", far, &["--delay", "20d", "--create"])
        .end();
    assert!(status.success(), "{status}");
    assert_eq!(accepted.len(), far);
    let start = Instant::now();
    assert_eq!(world.scheduled(), far);
    let allowed = LATE + start.elapsed() * 4;
    let mut wanted = Vec::new();
    for round in ["a", "b"] {
        let owner = Running::start(&mut world.pf(&["schedule", "run"]));
        let start = Instant::now();
        let (status, accepted) = world.publish(round, NEAR, &["--delay", "1s"]).end();
        assert!(status.success(), "{status}");
        wanted.extend(accepted);
        until("those that are due have fired", || {
            world.visible() >= wanted.len()
        });
        println!(
            "{far} wait: {NEAR} more fired {:?} after a start, memory {:?} KiB",
            start.elapsed(),
            memory(&owner)
        );
        assert!(start.elapsed() < allowed, "after {:?}", start.elapsed());
        assert!(memory(&owner).is_none_or(|most| most < MEMORY));
        owner.signal(Signal::KILL);
    }
    let outcome = count("schedules beside many that wait", &wanted, &world.orders());
    assert_eq!(outcome, (0, 0));
    assert_eq!(wanted, [ids("a", NEAR), ids("b", NEAR)].concat());
    assert_eq!(world.scheduled(), far);
}
