//! Streams that confirm what they do not keep.

use async_nats::jetstream::stream::{Config, RetentionPolicy};
use insta::assert_snapshot;
use serde_json::json;

use test_support::{
    harness::{Pf, Run},
    nats::Broker,
    wait::wait_while,
};

use super::shop::Shop;

/// A stream that keeps only what a consumer covers.
fn interest() -> Shop {
    let shop = Shop::empty();
    shop.raw.make(Config {
        retention: RetentionPolicy::Interest,
        ..shop.raw.plain()
    });
    shop
}

fn consume(shop: &Shop, more: &[&str], script: &str) -> Run {
    let start = ["consume", "order", "--group", "billing", "--until-end"];
    let handler = ["--", "sh", "-c", script];
    shop.pf.run(&[&start[..], more, &handler].concat())
}

fn last_number(shop: &Shop) -> u64 {
    let info = shop.raw.api("STREAM.INFO", &json!({}));
    info["state"]["last_seq"].as_u64().unwrap()
}

#[test]
fn a_publish_warns_once_of_what_no_consumer_covers() {
    let shop = interest();
    assert_snapshot!(shop.show(&["publish", "order", "{}"]), @"
    exit: 0
    --- stdout

    --- stderr
    warning: no consumer covers `SHOP.order`: the stream `SHOP` keeps only what a consumer covers, and drops the event; `pf consume order --group GROUP -- COMMAND` creates a consumer, `pf publish --require-consumer` refuses it
    published [ULID] to order
    ");
    let lines = "{}\n".repeat(20);
    let run = shop
        .pf
        .run_with(&["publish", "order", "--lines"], lines.as_str());
    assert_snapshot!(shop.hide(&run), @"
    exit: 0
    --- stdout

    --- stderr
    warning: no consumer covers `SHOP.order`: the stream `SHOP` keeps only what a consumer covers, and drops the event; `pf consume order --group GROUP -- COMMAND` creates a consumer, `pf publish --require-consumer` refuses it
    published 20 events
    ");
    let _ = consume(&shop, &[], "true").succeeded();
    let run = shop
        .pf
        .run_with(&["publish", "order", "--lines"], lines.as_str());
    assert_snapshot!(shop.hide(&run), @"
    exit: 0
    --- stdout

    --- stderr
    published 20 events
    ");
    let run = shop.pf.run(&["publish", "payment", "{}"]).succeeded();
    assert!(
        run.stderr().contains("no consumer covers `SHOP.payment`"),
        "{run}"
    );
    assert_eq!(shop.raw.count("order"), 20);
}

#[test]
fn a_publish_that_requires_a_consumer_is_refused_without_one() {
    let shop = interest();
    let one = ["publish", "order", "{}", "--require-consumer"];
    assert_snapshot!(shop.show(&one), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: no consumer covers `SHOP.order`: the stream `SHOP` keeps only what a consumer covers, and drops the event
    hint: `pf consume order --group GROUP -- COMMAND` creates a consumer
    ");
    let many = ["publish", "--ndjson", "--require-consumer"];
    let event =
        |ty: &str| format!(r#"{{"specversion":"1.0","id":"1","source":"/","type":"{ty}"}}"#);
    let lines = [event("order"), event("payment")].join("\n");
    let run = shop.pf.run_with(&many, lines.as_str());
    assert_eq!(run.code(), Some(1), "{run}");
    assert_eq!(last_number(&shop), 0, "the transport returned no result");
    let _ = consume(&shop, &[], "true").succeeded();
    let _ = shop.pf.run(&one).succeeded();
    let continued = [&many[..], &["--on-error", "continue"]].concat();
    let run = shop.pf.run_with(&continued, lines.as_str());
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(run.stderr().contains("line 2"), "{run}");
    assert_eq!((shop.raw.count("order"), last_number(&shop)), (2, 2));
    // Where nobody has to consume, it is satisfied.
    let other = Shop::plain();
    let _ = other.pf.run(&one).succeeded();
}

#[test]
fn who_only_looks_is_no_consumer() {
    let shop = interest();
    let mut tail = shop.pf.spawn(&["tail", "order"]);
    let has_reader = || {
        let info = shop.raw.api("STREAM.INFO", &json!({}));
        info["state"]["consumer_count"].as_u64().unwrap() > 0
    };
    wait_while(|| !has_reader());
    let run = shop
        .pf
        .run(&["publish", "order", "{}", "--require-consumer"]);
    tail.kill().unwrap();
    tail.wait().unwrap();
    assert_eq!(run.code(), Some(1), "{run}");
}

#[test]
fn a_consumer_warns_of_what_it_emits_for_nobody() {
    let shop = interest();
    let _ = consume(&shop, &[], "true").succeeded();
    for _ in 0..2 {
        let _ = shop.pf.run(&["publish", "order", "{}"]).succeeded();
    }
    let emitted = r#"echo '{"specversion":"1.0","source":"/","type":"shipment"}'"#;
    let run = consume(&shop, &["--emit"], emitted).succeeded();
    let warnings = run.stderr().matches("no consumer covers `SHOP.shipment`");
    assert_eq!(warnings.count(), 1, "{run}");
    assert!(run.stderr().contains("warning: "), "{run}");
}

#[test]
fn a_letter_stays_while_its_event_would_be_dropped() {
    let shop = interest();
    let _ = consume(&shop, &[], "true").succeeded();
    let _ = shop
        .pf
        .run(&["publish", "order", "{}", "--id", "e1"])
        .succeeded();
    let run = consume(&shop, &[], "exit 65");
    assert_eq!(run.code(), Some(4), "{run}");
    shop.broker
        .ask("$JS.API.CONSUMER.DELETE.SHOP.billing", &json!({}));
    let replay = ["dlq", "replay", "--all", "--yes"];
    assert_snapshot!(shop.show(&replay), @"
    exit: 1
    --- stdout
    [LETTER]  failed: nats: no consumer covers `SHOP.order`: the stream `SHOP` keeps only what a consumer covers, and drops the event; `pf consume order --group GROUP -- COMMAND` creates a consumer
    replayed 0 dead letters, 1 failed

    --- stderr
    replay 1 dead letter of nats://SERVER/SHOP
            1  to order, for every group
    because of
            1  exit status 65 (permanent)
    warning: every group of the topic gets these events again, not only the one that failed (a replay goes to the topic, so every group sees it)
    error: 1 dead letter failed
    ");
    assert_eq!(shop.raw.letters().len(), 1, "the letter stays");
    let _ = consume(&shop, &[], "true").succeeded();
    let _ = shop.pf.run(&replay).succeeded();
    assert_eq!(shop.raw.letters().len(), 0);
    let run = consume(&shop, &[], "echo $PF_EVENT_ID").succeeded();
    assert_eq!(run.stdout(), "e1\n");
}

#[test]
fn caps_and_doctor_say_what_is_dropped() {
    let shop = interest();
    let caps = shop.pf.run(&["caps"]).succeeded();
    let publish = caps
        .stdout()
        .lines()
        .find(|line| line.contains(" publish "));
    assert_snapshot!(publish.unwrap(), @"  publish              native    confirmed by JetStream, and kept only where a consumer covers the topic; `pf publish --require-consumer` refuses what would be dropped");
    assert_snapshot!(shop.show(&["doctor"]), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.15.1 answers
    ok       stream               stream SHOP holds 0 messages
    warning  subjects             the stream has no subjects for schedules and the journal of a replay
                                  fix: pf doctor --fix
    warning  schedules            the stream does not allow schedules, so no event can be delayed; that cannot be undone
                                  fix: pf doctor --fix
    warning  atomic               the stream does not allow atomic batches, so a replay is exactly once only within the duplicate window
                                  fix: pf doctor --fix
    warning  retention            the stream has interest retention: it drops schedules
    warning  interest             no consumer covers all of `SHOP.>`: what is published to the rest is confirmed and dropped
                                  fix: pf consume '**' --group GROUP -- COMMAND

    --- stderr
    checking nats://SERVER/SHOP
    ");
    let _ = consume(&shop, &[], "true").succeeded();
    let run = shop.pf.run(&["doctor"]).succeeded();
    assert!(
        run.stdout().contains("no consumer covers all of `SHOP.>`"),
        "{run}"
    );
    shop.raw
        .make_group("rest", ">", std::time::Duration::from_secs(5));
    let run = shop.pf.run(&["doctor"]).succeeded();
    assert!(!run.stdout().contains("no consumer"), "{run}");
}

#[test]
fn a_stream_that_confirms_nothing_is_named_and_mended() {
    let shop = Shop::empty();
    shop.raw.make(Config {
        no_ack: true,
        ..shop.raw.plain()
    });
    let start = std::time::Instant::now();
    assert_snapshot!(shop.show(&["publish", "order", "{}"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: nats: the stream `SHOP` does not confirm what is published
    hint: `pf doctor --fix` makes it confirm
    ");
    assert!(
        start.elapsed() < std::time::Duration::from_secs(4),
        "it is not waited for"
    );
    let doctor = shop.pf.run(&["doctor"]);
    assert_eq!(doctor.code(), Some(1), "{doctor}");
    assert!(doctor.stdout().contains("no-ack"), "{doctor}");
    let _ = shop.pf.run(&["doctor", "--fix"]).succeeded();
    let _ = shop.pf.run(&["publish", "order", "{}"]).succeeded();
}

#[test]
fn a_message_larger_than_its_stream_is_not_published() {
    let shop = Shop::empty();
    shop.raw.make(Config {
        max_bytes: 1000,
        ..shop.raw.plain()
    });
    let large = format!("\"{}\"", "x".repeat(1000));
    let run = shop.pf.run(&["publish", "order", &large]);
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr().contains("drops it at once"), "{run}");
    let _ = shop.pf.run(&["publish", "order", "{}"]).succeeded();
}

#[test]
fn whoever_may_only_publish_publishes_and_cannot_require_a_consumer() {
    let config = tempfile::NamedTempFile::new().unwrap();
    let may = r#"publish: { allow: "SHOP.>" }, subscribe: { allow: "_INBOX.>" }"#;
    let text = format!(
        "no_auth_user: owner\nauthorization {{ users: [ {{ user: owner, password: p }}, \
         {{ user: teller, password: p, permissions: {{ {may} }} }} ] }}\n"
    );
    std::fs::write(config.path(), text).unwrap();
    let shop = Shop::on(Broker::start_with(&["-c", config.path().to_str().unwrap()]));
    shop.raw.make(shop.raw.plain());
    let url = shop
        .broker
        .url("SHOP")
        .replace("nats://", "nats://teller:p@");
    let teller = Pf::bare().env("PF_URL", &url);
    let run = teller.run(&["publish", "order", "{}"]).succeeded();
    assert!(!run.stderr().contains("warning: "), "{run}");
    let run = teller.run(&["publish", "order", "{}", "--require-consumer"]);
    assert_eq!(run.code(), Some(77), "{run}");
    assert_eq!(shop.raw.count("order"), 1);
}

#[test]
fn letters_need_a_stream_that_keeps_them() {
    for (retention, no_ack) in [
        (RetentionPolicy::Interest, false),
        (RetentionPolicy::Limits, true),
    ] {
        let shop = Shop::prepared();
        shop.raw.make(Config {
            name: "SHOP_DLQ".to_owned(),
            subjects: vec!["_pf.dlq.SHOP.>".to_owned()],
            retention,
            no_ack,
            ..Config::default()
        });
        let run = consume(&shop, &[], "true");
        assert_eq!(run.code(), Some(78), "{run}");
        assert!(run.stderr().contains("`nats stream edit SHOP_DLQ"), "{run}");
    }
}

#[test]
fn whoever_requires_a_consumer_and_may_not_look_for_one_publishes_nothing() {
    let config = tempfile::NamedTempFile::new().unwrap();
    let text = r#"
        no_auth_user: owner
        authorization { users: [
            { user: owner, password: p }
            { user: blind, password: p, permissions: { publish: { deny: "$JS.API.STREAM.INFO.>" } } }
        ] }
    "#;
    std::fs::write(config.path(), text).unwrap();
    let shop = Shop::on(Broker::start_with(&["-c", config.path().to_str().unwrap()]));
    shop.raw.make(Config {
        retention: RetentionPolicy::Interest,
        ..shop.raw.plain()
    });
    let url = shop.broker.url("SHOP");
    let url = url.replace("nats://", "nats://blind:p@");
    let publish = ["publish", "order", "--lines", "--on-error", "continue"];
    let publish = [&publish[..], &["--require-consumer"]].concat();
    // More than one batch.
    let run = Pf::bare()
        .env("PF_URL", &url)
        .run_with(&publish, "{}\n".repeat(5000));
    assert_ne!(run.code(), Some(0));
    assert_eq!(last_number(&shop), 0);
}
