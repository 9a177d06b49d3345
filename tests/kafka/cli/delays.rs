//! What is published for later.

use std::time::{SystemTime, UNIX_EPOCH};

use test_support::wait::wait_while;

use super::shop::Shop;

/// Returns when what is for later is due, in milliseconds since the epoch.
fn due(shop: &Shop) -> u128 {
    let listed = shop.pf.run(&["schedule", "list", "-o", "json"]);
    let line = listed.stdout().lines().next().unwrap();
    let schedule: serde_json::Value = serde_json::from_str(line).unwrap();
    let due = schedule["schedule"]["due"].as_str().unwrap();
    let due: SystemTime = humantime::parse_rfc3339(due).unwrap();
    due.duration_since(UNIX_EPOCH).unwrap().as_millis()
}

#[test]
fn a_run_that_ends_by_itself_fires_what_was_due_when_it_began() {
    let shop = Shop::with_orders();
    let delayed = ["publish", "order.created", "{}", "--delay", "3s"];
    let _ = shop.pf.run(&delayed).succeeded();
    let due = due(&shop);
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    wait_while(|| now().as_millis() <= due);
    for group in ["mail", "audit"] {
        let consume = ["consume", "order.created", "-g", group, "--until-end"];
        let run = shop.pf.run(&[&consume[..], &["--", "cat"]].concat());
        assert!(run.stdout().contains("order.created"), "{run}");
    }
    let left = shop.pf.run(&["schedule", "list", "-o", "json"]);
    assert_eq!(left.stdout(), "");
}
