//! Dead letters that other programs stored in subjects of the stream.

use serde_json::json;
use test_support::harness::Run;

use super::shop::Shop;

const LIST: [&str; 4] = ["dlq", "list", "-o", "json"];
const REPLAY: [&str; 4] = ["dlq", "replay", "--all", "--yes"];
const NAMED: [&str; 2] = ["--dead-letter-topic", "order.dead"];

const EVENT: &str = r#"{"specversion":"1.0","id":"e1","source":"/shop","type":"order.created""#;

/// Publishes a message with headers to the subject of dead letters.
fn bury(shop: &Shop, headers: &[(&str, &str)], payload: &str) {
    shop.broker.publish_raw("SHOP.order.dead", headers, payload);
}

fn run(shop: &Shop, args: &[&str]) -> Run {
    shop.pf.run(&[args, &NAMED].concat())
}

/// Returns topic, group and message of each dead letter.
fn stories(run: &Run) -> Vec<(String, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let story = |line: &serde_json::Value| {
        let record = &line["dead_letter"];
        (
            text(&record["origin"]["topic"]),
            text(&record["group"]),
            text(&record["failure"]["message"]),
        )
    };
    run.json().iter().map(story).collect()
}

fn story(topic: &str, group: &str, message: &str) -> (String, String, String) {
    (topic.to_owned(), group.to_owned(), message.to_owned())
}

#[test]
fn each_program_is_understood_and_the_rest_is_raw() {
    let shop = Shop::prepared();
    let go = format!(
        r#"{EVENT},"pf_dead_letter":true,"pf_original_topic":"order.created","pf_error_message":"no stock","pf_attempt":3}}"#
    );
    bury(&shop, &[("pf_dead_letter", "true")], &go);
    let hexa = [
        ("HEXA_ROOT_EVENT_ID", "order.created-0-7"),
        ("HEXA_ROOT_EVENT_HANDLER_ACTION_NAME", "check_order"),
    ];
    bury(&shop, &hexa, "{}");
    let watermill = [
        ("reason_poisoned", "no card"),
        ("topic_poisoned", "order.created"),
        ("handler_poisoned", "charge"),
        ("subscriber_poisoned", "nats.Subscriber"),
    ];
    bury(&shop, &watermill, "{}");
    let knative = format!(
        r#"{EVENT},"knativeerrordest":"http://mail.default.svc.cluster.local","knativeerrorcode":500,"knativeerrordata":"bm8gbWFpbA=="}}"#
    );
    bury(&shop, &[], &knative);
    bury(&shop, &[("x-ruststream-retry-count", "4")], "{}");
    bury(&shop, &[], "\u{1}not json");
    let nothing = shop.pf.run(&LIST).succeeded();
    assert_eq!(nothing.stdout(), "", "they are not looked for");
    let listed = run(&shop, &LIST).succeeded();
    assert_eq!(
        stories(&listed),
        [
            story("order.created", "unknown", "no stock"),
            story("order.created", "check_order", "hexa-event keeps no reason"),
            story("order.created", "charge", "no card"),
            story("order.dead", "mail.default", "no mail"),
            story("order.dead", "unknown", "RustStream keeps no reason"),
            story("order.dead", "unknown", "the dead letter has no reason"),
        ]
    );
    let url = shop.broker.url("SHOP?dead-letters=order.dead");
    let by_url = shop.pf.run(&[&LIST[..], &["--url", &url]].concat());
    assert_eq!(by_url.succeeded().stdout(), listed.stdout());
    let stats = run(&shop, &["dlq", "stats", "-o", "json"]).succeeded();
    let counts = stats.json();
    let counts = counts.iter().map(|row| row["count"].as_u64().unwrap());
    assert_eq!(counts.sum::<u64>(), 6, "{stats}");
    let last = listed.json()[5]["dead_letter"]["id"].clone();
    let raw = ["dlq", "show", last.as_str().unwrap(), "-o", "raw"];
    let raw = run(&shop, &raw).succeeded();
    assert_eq!(raw.stdout().trim_end_matches('\n'), "\u{1}not json");
}

#[test]
fn they_are_replayed_and_purged_as_our_own_and_beside_them() {
    for shop in [Shop::prepared(), Shop::plain()] {
        let publish = ["publish", "order.created", "{}", "--id", "own", "-q"];
        let _ = shop.pf.run(&publish).succeeded();
        let consume = ["consume", "order.created", "--group", "billing", "-q"];
        let fails = ["--until-end", "--", "sh", "-c", "exit 65"];
        let _ = shop.pf.run(&[&consume[..], &fails].concat());
        let watermill = [
            ("mine", "1"),
            ("reason_poisoned", "no card"),
            ("topic_poisoned", "order.created"),
            ("handler_poisoned", "charge"),
        ];
        for number in 0..3 {
            bury(&shop, &watermill, &number.to_string());
        }
        bury(&shop, &[], "plain");
        assert_eq!(run(&shop, &LIST).succeeded().json().len(), 5);
        let planned = run(&shop, &["dlq", "replay", "--all", "--dry-run"]);
        let told = planned.succeeded();
        assert!(
            told.stdout()
                .contains("4  to order.created, for every group"),
            "{told}"
        );
        let replayed = run(&shop, &[&REPLAY[..], &["-o", "json"]].concat());
        assert_eq!(replayed.code(), Some(4), "one names no topic: {replayed}");
        assert!(
            replayed.stdout().contains("holds dead letters"),
            "{replayed}"
        );
        let stored = shop.raw.topic("order.created");
        assert_eq!(stored.len(), 1 + 4);
        let mut payloads: Vec<_> = stored[2..].iter().map(|one| one.payload.clone()).collect();
        payloads.sort();
        assert_eq!(payloads, [b"0", b"1", b"2"], "byte for byte");
        for one in &stored[2..] {
            assert_eq!(one.headers.get("mine").unwrap().as_str(), "1");
            assert!(one.headers.get("reason_poisoned").is_none());
        }
        let job = replayed.json().pop().unwrap()["job"].clone();
        let verify = ["dlq", "jobs", "show", job.as_str().unwrap(), "--verify"];
        let verified = shop.pf.run(&[&verify[..], &["-o", "json"]].concat());
        let summary = verified.json().pop().unwrap();
        assert_eq!(summary["once"], 4, "{verified}");
        assert_eq!(run(&shop, &LIST).succeeded().json().len(), 1);
        assert_eq!(shop.raw.topic("order.dead").len(), 1);
        let purge = ["dlq", "purge", "--all", "--yes"];
        let _ = run(&shop, &purge).succeeded();
        assert_eq!(shop.raw.topic("order.dead").len(), 0);
        assert_eq!(
            shop.raw.topic("order.created").len(),
            5,
            "nothing else is gone"
        );
    }
}

#[test]
fn what_cannot_be_deleted_stays_and_is_not_replayed() {
    let shop = Shop::empty();
    let mut config = shop.raw.prepared();
    config.deny_delete = true;
    shop.raw.make(config);
    let watermill = [
        ("reason_poisoned", "no card"),
        ("topic_poisoned", "order.created"),
    ];
    bury(&shop, &watermill, "{}");
    for args in [&REPLAY[..], &["dlq", "purge", "--all", "--yes"]] {
        let refused = run(&shop, args);
        assert!(matches!(refused.code(), Some(1 | 4)), "{refused}");
        assert!(refused.to_string().contains("deny_delete"), "{refused}");
    }
    assert_eq!(shop.raw.topic("order.created").len(), 0);
    assert_eq!(run(&shop, &LIST).succeeded().json().len(), 1);
}

#[test]
fn a_subject_that_the_stream_does_not_store_is_an_error() {
    let shop = Shop::prepared();
    let url = shop.broker.url("SHOP?prefix=other.&dead-letters=dead");
    let refused = shop.pf.run(&["dlq", "list", "--url", &url]);
    assert_eq!(refused.code(), Some(1), "{refused}");
    let told = "stream `SHOP` does not store `other.dead`, which was to hold dead letters";
    assert!(refused.stderr().contains(told), "{refused}");
    let url = shop.broker.url("SHOP?dead-letters=order.dead");
    let publish = ["publish", "order.dead", "{}", "--url", &url];
    let refused = shop.pf.run(&publish);
    assert_eq!(refused.code(), Some(1), "{refused}");
    assert!(refused.stderr().contains("holds dead letters"), "{refused}");
}

#[test]
fn a_stream_that_is_created_again_while_a_job_is_interrupted_loses_nothing() {
    let shop = Shop::plain();
    for number in 0..3 {
        bury(&shop, &[], &number.to_string());
    }
    let purge = ["dlq", "purge", "--all", "--yes"];
    let mut killed = shop.pf.command(&[&purge[..], &NAMED].concat());
    let killed = killed.env("PF_FAILPOINT", "nats.purge_announced").output();
    assert_eq!(killed.unwrap().status.code(), None, "it was not killed");
    shop.raw.end_lease();
    let _ = shop.raw.api("STREAM.DELETE", &json!({}));
    shop.raw.make(shop.raw.plain());
    for number in 0..3 {
        let payload = number.to_string();
        shop.broker.publish_raw("SHOP.order.created", &[], &payload);
    }
    let resumed = run(&shop, &purge);
    assert!(matches!(resumed.code(), Some(0 | 4)), "{resumed}");
    let left = shop.raw.topic("order.created").len();
    assert_eq!(
        left, 3,
        "they have the sequences of what was purged: {resumed}"
    );
}
