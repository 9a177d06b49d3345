//! `pf publish --dedup` on JetStream: by message id, for the duplicate window of the stream.

use std::time::Duration;

use insta::assert_snapshot;
use test_support::{harness::Run, wait::until};

use super::shop::Shop;

const ORDER: [&str; 7] = [
    "publish",
    "order.created",
    "{}",
    "--source",
    "/shop",
    "--id",
    "7",
];

fn publish(shop: &Shop, more: &[&str]) -> Run {
    shop.pf.run(&[&ORDER[..], more].concat())
}

#[test]
fn an_event_is_published_once() {
    let shop = Shop::prepared();
    let _ = publish(&shop, &["--dedup"]).succeeded();
    let run = publish(&shop, &["--dedup", "-o", "json"]);
    assert_snapshot!(shop.hide(&run), @r#"
    exit: 0
    --- stdout
    {"id":"7","topic":"order.created","duplicate":true}

    --- stderr
    7 was already published to order.created: not published again
    "#);
    assert_eq!(shop.raw.count("order.created"), 1);
    let _ = publish(&shop, &[]).succeeded();
    let _ = publish(&shop, &["--dedup", "--topic", "order.changed"]).succeeded();
    assert_eq!(shop.raw.count(">"), 3);
    let tail = [
        "tail",
        "order.created",
        "--last",
        "1",
        "--until-end",
        "-o",
        "json",
    ];
    let shown = shop.pf.run(&tail).succeeded();
    assert!(!shown.stdout().contains("pf-publish"), "{shown}");
}

#[test]
fn a_delayed_event_is_known_from_then_on() {
    let shop = Shop::prepared();
    let _ = publish(&shop, &["--dedup", "--delay", "1s"]).succeeded();
    let delayed = publish(&shop, &["--dedup", "--delay", "1s"]).succeeded();
    assert!(
        delayed.stderr().contains("not published again"),
        "{delayed}"
    );
    until("it is delivered", || shop.raw.count("order.created") == 1);
    let run = publish(&shop, &["--dedup"]).succeeded();
    assert!(run.stderr().contains("not published again"), "{run}");
    assert_eq!(
        (shop.raw.count("order.created"), shop.raw.scheduled()),
        (1, 0)
    );
}

#[test]
fn the_abilities_name_the_window_of_the_stream() {
    let shop = Shop::empty();
    let mut config = shop.raw.prepared();
    config.duplicate_window = Duration::from_millis(300);
    shop.raw.make(config);
    let caps = shop.pf.run(&["caps"]).succeeded();
    let line = caps
        .stdout()
        .lines()
        .find(|line| line.starts_with("  dedup "))
        .unwrap()
        .to_owned();
    assert!(
        line.contains("for 300ms (the stream's duplicate window)"),
        "{line}"
    );
    let _ = publish(&shop, &["--dedup"]).succeeded();
    until("the window has passed", || {
        let run = publish(&shop, &["--dedup"]).succeeded();
        run.stderr().starts_with("published 7")
    });
    assert_eq!(shop.raw.count("order.created"), 2);
}

#[test]
fn replays_are_not_duplicates() {
    let shop = Shop::prepared();
    let pf = shop
        .pf
        .env("PF_URL", &(shop.broker.url("SHOP") + "?dedup=event"));
    let _ = pf.run(&ORDER).succeeded();
    let consume = |code: &str| {
        let args = [
            "consume",
            "order.created",
            "-g",
            "g",
            "--until-end",
            "--",
            "sh",
            "-c",
        ];
        pf.run(&[&args[..], &[code]].concat())
    };
    assert_eq!(consume("exit 65").code(), Some(4));
    let _ = pf
        .run(&["dlq", "replay", "--all", "--yes", "-q"])
        .succeeded();
    assert_eq!(consume("echo $PF_EVENT_ID").succeeded().stdout(), "7\n");
    assert!(
        pf.run(&ORDER)
            .succeeded()
            .stderr()
            .contains("not published again")
    );
}

#[test]
fn an_id_that_the_user_sets_is_heeded() {
    let shop = Shop::prepared();
    let more = ["--allow-broker-headers", "--header", "Nats-Msg-Id=mine"];
    assert!(
        publish(&shop, &more)
            .succeeded()
            .stderr()
            .starts_with("published 7")
    );
    let run = publish(&shop, &more).succeeded();
    assert!(run.stderr().contains("not published again"), "{run}");
    assert_eq!(shop.raw.count("order.created"), 1);
}

#[test]
fn marks_are_of_the_stream_that_the_events_are_in() {
    let shop = Shop::prepared();
    let consume = ["consume", "order.created", "--group", "g", "--dedup"];
    let consume = [&consume[..], &["--until-end", "--", "true"]].concat();
    for (round, handled) in [("first", true), ("copy", false), ("recreated", true)] {
        if round == "recreated" {
            // Its state stream stays.
            shop.raw.api("STREAM.DELETE", &serde_json::json!({}));
            shop.raw.make(shop.raw.prepared());
        }
        let _ = publish(&shop, &[]).succeeded();
        let run = shop.pf.run(&consume).succeeded();
        let summary = if handled {
            "1 handled\n"
        } else {
            "0 handled, 1 duplicate\n"
        };
        assert!(run.stderr().ends_with(summary), "{round}: {run}");
    }
}
