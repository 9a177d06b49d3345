//! A stream with work-queue retention, whose messages belong to one consumer: it is read without another one.

use std::time::Duration;

use serde_json::json;

use super::shop::Shop;

/// Has a work queue that keeps delays, and a group that reads all of it.
fn shop() -> Shop {
    let shop = Shop::empty();
    let stream = json!({"name": "SHOP", "subjects": ["SHOP.>", "_pf.in.SHOP.>"], "retention": "workqueue",
        "storage": "file", "num_replicas": 1, "allow_msg_schedules": true});
    shop.broker.ask("$JS.API.STREAM.CREATE.SHOP", &stream);
    shop.raw.make_group("billing", ">", Duration::from_secs(30));
    for (topic, id) in [
        ("order.created", "e0"),
        ("order.paid", "e1"),
        ("payment.done", "e2"),
        ("order.created", "e3"),
    ] {
        let publish = ["publish", topic, "{}", "--id", id];
        let _ = shop.pf.run(&publish).succeeded();
    }
    shop
}

fn seen(shop: &Shop, args: &[&str]) -> Vec<String> {
    let run = shop.pf.run(&[&["tail"], args, &["-o", "event"]].concat());
    let events = run.succeeded().json();
    let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
    events.iter().map(id).collect()
}

#[test]
fn a_work_queue_is_tailed_without_a_consumer() {
    let shop = shop();
    let past = ["--since", "1h", "--until-end"];
    let of = |patterns: &[&'static str]| seen(&shop, &[patterns, &past[..]].concat());
    assert_eq!(of(&[]), ["e0", "e1", "e2", "e3"]);
    assert_eq!(of(&["order.*"]), ["e0", "e1", "e3"]);
    assert_eq!(of(&["payment.done", "order.created"]), ["e0", "e2", "e3"]);
    assert_eq!(of(&["order.failed"]), [""; 0]);
    let last = |count: &str, pattern: &str| seen(&shop, &[pattern, "--last", count, "--until-end"]);
    assert_eq!(last("2", "order.**"), ["e1", "e3"]);
    assert_eq!(last("0", "order.**"), [""; 0]);
    assert_eq!(last("9", "**"), ["e0", "e1", "e2", "e3"]);

    let following = [
        "tail", "order.*", "--since", "1h", "--count", "4", "-o", "event",
    ];
    let following = shop.pf.spawn(&following);
    let publish = ["publish", "order.paid", "{}", "--id", "e4"];
    let _ = shop.pf.run(&publish).succeeded();
    let run = shop.pf.finish(following).succeeded();
    let ids: Vec<_> = run.json().iter().map(|event| event["id"].clone()).collect();
    assert_eq!(ids, ["e0", "e1", "e3", "e4"], "{run}");
    let warning = "the stream `SHOP` is a work queue: events that a consumer acknowledges before they are read are not shown";
    assert!(run.stderr().contains(warning), "{run}");

    // Looking has changed nothing.
    let group = shop.raw.group("billing").unwrap();
    assert_eq!(
        (group.num_pending, group.delivered.consumer_sequence),
        (5, 0)
    );
    let info = shop.broker.ask("$JS.API.STREAM.INFO.SHOP", &json!({}));
    assert!(info.contains(r#""consumer_count":1"#), "{info}");
}

#[test]
fn schedules_of_a_work_queue_are_listed_and_cancelled() {
    let shop = shop();
    let publish = [
        "publish",
        "order.due",
        "{}",
        "--id",
        "late",
        "--delay",
        "1h",
    ];
    let _ = shop.pf.run(&publish).succeeded();
    let listed = shop.pf.run(&["schedule", "list", "-o", "json"]).succeeded();
    let id = listed.json()[0]["schedule"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let shown = shop.pf.run(&["schedule", "show", &id]).succeeded();
    assert!(shown.stdout().contains("late"), "{shown}");
    let _ = shop.pf.run(&["schedule", "cancel", &id]).succeeded();
    let left = shop.pf.run(&["schedule", "list", "-o", "json"]).succeeded();
    assert_eq!(left.stdout(), "", "{left}");
    assert_eq!(
        seen(&shop, &["order.due", "--since", "1h", "--until-end"]),
        [""; 0]
    );
}
