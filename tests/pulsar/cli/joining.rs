//! An exclusive subscription that another process holds.

use std::{
    io::{BufRead as _, BufReader},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::shop::Shop;

const CONSUME: [&str; 6] = ["consume", "order.created", "-g", "billing", "--", "true"];

/// The second process is refused within a second and told who holds it; with `--wait` it takes over when the first ends,
/// killed or not.
#[test]
fn a_second_process_is_told_or_waits() {
    let shop = Shop::with_orders("?type=exclusive");
    let mut first = shop.pf.spawn(&CONSUME);
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("is new")));
    let begun = Instant::now();
    let refused = shop.pf.run(&CONSUME);
    assert!(
        begun.elapsed() < Duration::from_secs(3),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(refused.code(), Some(1), "{refused}");
    let stderr = refused.stderr();
    assert!(
        stderr.contains("holds the exclusive subscription `billing`"),
        "{refused}"
    );
    assert!(stderr.contains("type=key_shared"), "{refused}");
    assert!(stderr.contains("--wait"), "{refused}");

    let mut waiting = vec![CONSUME[0], "--wait", "--count", "1"];
    waiting.extend(&CONSUME[1..]);
    let mut second = shop.pf.spawn(&waiting);
    let mut lines = BufReader::new(second.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("waiting: consumer")));
    kill_process(Pid::from_child(&first), Signal::KILL).unwrap();
    let _ = first.wait();
    let begun = Instant::now();
    let _ = shop.pf.run(&["publish", "order.created", "{}"]).succeeded();
    let status = second.wait().unwrap();
    assert!(status.success(), "{status}");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}
