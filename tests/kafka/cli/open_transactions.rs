//! Records behind a transaction that is open: confirmed, and not to be seen yet. Nothing ends as if they were not there.

use std::{
    io::Read as _,
    process::Child,
    time::{Duration, Instant},
};

use test_support::{
    harness::Run,
    kafka::records::{Open, Record},
};

use super::{asked, shop::Shop};

/// What is said of the records of [`hiding`].
const TOLD: &str =
    "4 records of `order.created` cannot be read before a transaction ends, open since 2";

fn event(id: &str) -> Record {
    let event =
        format!(r#"{{"specversion":"1.0","id":"{id}","source":"/a","type":"order.created"}}"#);
    Record {
        payload: Some(event.into_bytes()),
        ..Record::default()
    }
}

/// A topic with two events, one of a transaction that is open, and three that are confirmed behind it.
fn hiding() -> (Shop, Open) {
    let shop = Shop::with_orders();
    let name = shop.name("order.created");
    shop.raw.write(&name, &[event("a"), event("b")]);
    let open = shop.raw.write_open(&name, &[event("x")]);
    shop.raw.write(&name, &[event("c"), event("d"), event("e")]);
    (shop, open)
}

/// Waits until a command has said that records wait.
fn said(mut child: Child) -> Child {
    let mut stderr = child.stderr.take().unwrap();
    let (mut said, mut some) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&said).contains(TOLD) {
        let count = stderr.read(&mut some).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&said));
        said.extend(&some[..count]);
    }
    child.stderr = Some(stderr);
    child
}

/// Returns the ids of what was shown.
fn ids(run: &Run) -> Vec<String> {
    let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
    run.json().iter().map(id).collect()
}

#[test]
fn a_tail_does_not_end_before_the_transaction() {
    let (shop, open) = hiding();
    let tail = ["tail", "order.created", "--until-end", "-o", "event"];
    let run = shop.pf.run(&[&tail[..], &["--timeout", "3s"]].concat());
    assert_eq!(run.code(), Some(3), "{run}");
    assert_eq!(ids(&run), ["a", "b"]);
    assert_eq!(run.stderr().matches(TOLD).count(), 1, "{run}");
    let waiting = said(shop.pf.spawn(&tail));
    open.end(true);
    let run = shop.pf.finish(waiting);
    assert_eq!(run.code(), Some(0), "{run}");
    assert_eq!(ids(&run), ["a", "b", "x", "c", "d", "e"]);
    let run = shop.pf.run(&tail);
    assert_eq!((run.code(), run.stderr()), (Some(0), ""));
}

#[test]
fn a_consumer_does_not_end_before_the_transaction() {
    let (shop, open) = hiding();
    let group = shop.name("mail");
    let consume = ["consume", "order.created", "--group", &group, "--until-end"];
    let handle = ["--", "cat"];
    let run = shop
        .pf
        .run(&[&consume[..], &["--timeout", "5s"], &handle].concat());
    assert_eq!(run.code(), Some(3), "{run}");
    assert_eq!(ids(&run), ["a", "b"]);
    assert_eq!(run.stderr().matches(TOLD).count(), 1, "{run}");
    let waiting = said(shop.pf.spawn(&[&consume[..], &handle].concat()));
    open.end(false);
    let run = shop.pf.finish(waiting);
    assert_eq!(run.code(), Some(0), "{run}");
    assert_eq!(ids(&run), ["c", "d", "e"]);
}

#[test]
fn a_time_to_start_at_skips_nothing_that_is_hidden() {
    let (shop, open) = hiding();
    let group = shop.name("mail");
    let consume = [
        "consume",
        "order.created",
        "--group",
        &group,
        "--from",
        "1h",
    ];
    let handle = ["--until-end", "--", "cat"];
    let waiting = said(shop.pf.spawn(&[&consume[..], &handle].concat()));
    open.end(true);
    let run = shop.pf.finish(waiting);
    assert_eq!(ids(&run), ["a", "b", "x", "c", "d", "e"]);
}

#[test]
fn a_doctor_does_not_say_that_everything_was_read() {
    let (shop, open) = hiding();
    let name = shop.name("order.created");
    asked::commit(&shop, "doctor-open", &name, 2);
    let run = shop.pf.run(&["doctor"]);
    let told =
        "group `doctor-open` has read everything except 4 records behind an open transaction";
    assert!(run.stdout().contains(told), "{run}");
    assert!(run.stdout().contains(TOLD), "{run}");
    open.end(true);
}

#[test]
fn lists_say_what_they_cannot_show() {
    let shop = Shop::with_orders();
    for (topic, list) in [
        ("order.created.dlq", ["dlq", "list"]),
        ("order.created.dlq", ["dlq", "stats"]),
        ("pf.delay", ["schedule", "list"]),
    ] {
        let name = shop.name(topic);
        if shop.raw.partitions(&name).is_empty() {
            shop.make(topic, 1, &[]);
        }
        let open = shop.raw.write_open(&name, &[event("x")]);
        let end = Instant::now() + Duration::from_secs(30);
        // Most are over in a moment: only what is open for a while is said.
        loop {
            let run = shop.pf.run(&list).succeeded();
            if run.stderr().contains("1 record of") {
                break;
            }
            assert!(Instant::now() < end, "{run}");
        }
        open.end(false);
    }
}
