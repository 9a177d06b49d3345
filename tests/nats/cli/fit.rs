//! Consumers that others set up: served as they are, refused with the command that mends them, or waited for.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, ChildStderr},
};

use serde_json::{Value, json};

use test_support::wait::wait_while;

use super::shop::Shop;

/// Has a group's consumer with a setting of somebody else, and so many events.
fn shop(setting: &Value, events: usize) -> Shop {
    let shop = Shop::prepared();
    set_up(&shop, setting);
    for number in 0..events {
        publish(&shop, number);
    }
    shop
}

fn set_up(shop: &Shop, setting: &Value) {
    let mut config = json!({"durable_name": "billing", "ack_policy": "explicit", "filter_subject": "SHOP.order",
        "max_ack_pending": 5000});
    config
        .as_object_mut()
        .unwrap()
        .extend(setting.as_object().unwrap().clone());
    let body = json!({"stream_name": "SHOP", "config": config});
    shop.broker
        .ask("$JS.API.CONSUMER.CREATE.SHOP.billing", &body);
}

fn publish(shop: &Shop, number: usize) {
    let id = format!("e{number}");
    let publish = ["publish", "order", r#"{"n":1}"#, "--id", &id];
    let _ = shop.pf.run(&publish).succeeded();
}

fn pause(shop: &Shop, until: &str) {
    let body = match until {
        "" => json!({}),
        until => json!({"pause_until": until}),
    };
    shop.broker
        .ask("$JS.API.CONSUMER.PAUSE.SHOP.billing", &body);
}

const CONSUME: [&str; 4] = ["consume", "order", "--group", "billing"];

fn args(mode: &[&'static str]) -> Vec<&'static str> {
    [&CONSUME[..], mode, &["--", "cat"]].concat()
}

/// Reads what a command says until it says this.
pub(crate) fn wait_for(stderr: &mut BufReader<ChildStderr>, text: &str) -> String {
    let mut all = String::new();
    while !all.contains(text) {
        let read = stderr.read_line(&mut all).unwrap();
        assert!(read > 0, "`{text}` was not said: {all}");
    }
    all
}

/// Starts a command; what it says can be waited for.
pub(crate) fn start(shop: &Shop, args: &[&str]) -> (Child, BufReader<ChildStderr>) {
    let mut child = shop.pf.spawn(args);
    let stderr = BufReader::new(child.stderr.take().unwrap());
    (child, stderr)
}

#[test]
fn a_consumer_that_allows_only_small_requests_is_served() {
    for setting in [
        json!({"max_batch": 1}),
        json!({"max_batch": 2, "max_waiting": 1}),
        json!({"max_expires": 20_000_000}),
        json!({"max_bytes": 1}),
        json!({"max_waiting": 1}),
        json!({"max_batch": 1, "max_expires": 1_000_000, "sample_freq": "100"}),
    ] {
        let shop = shop(&setting, 5);
        let run = shop.pf.run(&args(&["--count", "2"])).succeeded();
        assert!(run.stderr().contains("2 handled"), "{setting}: {run}");
        let run = shop.pf.run(&args(&["--until-end"])).succeeded();
        assert!(run.stderr().contains("3 handled"), "{setting}: {run}");
        let run = shop.pf.run(&args(&["--until-end"])).succeeded();
        assert!(run.stderr().contains("0 handled"), "{setting}: {run}");
    }
}

#[test]
fn a_consumer_that_cannot_be_served_is_refused_with_the_mend() {
    for (setting, finding, mend) in [
        (
            json!({"headers_only": true}),
            "headers-only.billing",
            "--no-headers-only`",
        ),
        (
            json!({"priority_policy": "overflow", "priority_groups": ["a"]}),
            "priority.billing",
            "--interactive`",
        ),
        (
            json!({"priority_policy": "pinned_client", "priority_groups": ["a"], "priority_timeout": 1_000_000_000}),
            "priority.billing",
            "--interactive`",
        ),
        (
            json!({"priority_policy": "prioritized", "priority_groups": ["a"]}),
            "priority.billing",
            "--interactive`",
        ),
        (
            json!({"ack_wait": 1_000_000}),
            "ack-wait.billing",
            "--wait=30s`",
        ),
        (
            json!({"backoff": [1_000_000_000]}),
            "backoff.billing",
            "--backoff=none`",
        ),
        (
            json!({"replay_policy": "original"}),
            "kind.billing",
            "another `--group`",
        ),
        (
            json!({"ack_policy": "all"}),
            "kind.billing",
            "another `--group`",
        ),
        (
            json!({"deliver_subject": "there"}),
            "kind.billing",
            "another `--group`",
        ),
    ] {
        let shop = shop(&setting, 1);
        for mode in [&["--until-end"][..], &[]] {
            let run = shop.pf.run(&args(mode));
            assert_eq!(run.code(), Some(78), "{setting}: {run}");
            assert!(run.stderr().contains(mend), "{setting}: {run}");
            assert_eq!(run.stdout(), "", "{setting}: {run}");
        }
        let run = shop.pf.run(&["doctor"]).succeeded();
        assert!(run.stdout().contains(finding), "{setting}: {run}");
    }
}

#[test]
fn what_may_make_a_group_begin_anew_is_said() {
    for setting in [
        json!({"inactive_threshold": 3_600_000_000_000_u64}),
        json!({"mem_storage": true}),
    ] {
        let shop = shop(&setting, 1);
        let run = shop.pf.run(&args(&["--until-end"])).succeeded();
        assert!(run.stderr().contains("the group starts over"), "{run}");
        assert!(run.stderr().contains("1 handled"), "{run}");
    }
}

#[test]
fn a_consumer_is_served_from_where_it_was_set_up_to_begin() {
    for (setting, handled) in [
        (json!({"deliver_policy": "last"}), "1 handled"),
        (
            json!({"deliver_policy": "by_start_sequence", "opt_start_seq": 2}),
            "2 handled",
        ),
        (json!({"deliver_policy": "last_per_subject"}), "1 handled"),
    ] {
        let shop = Shop::prepared();
        for number in 0..3 {
            publish(&shop, number);
        }
        set_up(&shop, &setting);
        let run = shop.pf.run(&args(&["--until-end"])).succeeded();
        assert!(run.stderr().contains(handled), "{setting}: {run}");
    }
}

#[test]
fn a_paused_consumer_is_waited_for_and_said() {
    let shop = shop(&json!({"pause_until": "2999-01-02T03:04:05Z"}), 1);
    let run = shop.pf.run(&args(&["--until-end", "--timeout", "1s"]));
    assert_eq!(run.code(), Some(3), "{run}");
    let text = "warning: nats: the consumer `billing` is paused until 2999-01-02T03:04:05";
    assert_eq!(run.stderr().matches(text).count(), 1, "{run}");
    let run = shop.pf.run(&["doctor"]).succeeded();
    assert!(run.stdout().contains("paused.billing"), "{run}");
    assert!(
        run.stdout()
            .contains("fix: nats consumer resume SHOP billing"),
        "{run}"
    );
    let (child, mut stderr) = start(&shop, &args(&["--until-end"]));
    wait_for(&mut stderr, text);
    pause(&shop, "");
    let said = wait_for(&mut stderr, "1 handled");
    assert!(said.contains("was resumed"), "{said}");
    assert_eq!(shop.pf.finish(child).code(), Some(0));
}

#[test]
fn a_consumer_that_is_paused_while_it_runs_is_waited_for_and_said() {
    let shop = shop(&json!({}), 1);
    let (child, mut stderr) = start(&shop, &args(&["--count", "2", "--timeout", "60s"]));
    wait_for(&mut stderr, "consuming");
    wait_while(|| {
        shop.raw
            .group("billing")
            .unwrap()
            .ack_floor
            .consumer_sequence
            < 1
    });
    pause(&shop, "2999-01-02T03:04:05Z");
    publish(&shop, 1);
    wait_for(&mut stderr, "paused until 2999-01-02T03:04:05");
    pause(&shop, "");
    wait_for(&mut stderr, "2 handled");
    assert_eq!(shop.pf.finish(child).code(), Some(0));
}

#[test]
fn a_consumer_that_is_changed_while_it_runs_is_refused() {
    for setting in [
        json!({"headers_only": true}),
        json!({"priority_policy": "overflow", "priority_groups": ["a"]}),
    ] {
        let shop = shop(&json!({}), 1);
        let (child, mut stderr) = start(&shop, &args(&["--timeout", "60s"]));
        wait_for(&mut stderr, "consuming");
        wait_while(|| {
            shop.raw
                .group("billing")
                .unwrap()
                .ack_floor
                .consumer_sequence
                < 1
        });
        set_up(&shop, &setting);
        publish(&shop, 1);
        let said = wait_for(&mut stderr, "hint: `nats consumer edit SHOP billing");
        let run = shop.pf.finish(child);
        assert_eq!(run.code(), Some(78), "{setting}: {said}{run}");
        // A request that was with the server already is served whatever the groups.
        let is_bare = setting.get("headers_only").is_some();
        assert!(!is_bare || !run.stdout().contains("e1"), "{run}");
        let letters = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
        assert_eq!(letters.stdout(), "", "{setting}");
    }
}

#[test]
fn smaller_requests_are_made_when_the_limit_changes_while_it_runs() {
    let shop = shop(&json!({}), 1);
    let (child, mut stderr) = start(&shop, &args(&["--count", "4", "--timeout", "60s"]));
    wait_for(&mut stderr, "consuming");
    wait_while(|| {
        shop.raw
            .group("billing")
            .unwrap()
            .ack_floor
            .consumer_sequence
            < 1
    });
    set_up(&shop, &json!({"max_batch": 1}));
    for number in 1..4 {
        publish(&shop, number);
    }
    wait_for(&mut stderr, "4 handled");
    assert_eq!(shop.pf.finish(child).code(), Some(0));
}
