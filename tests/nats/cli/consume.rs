//! `pf consume` and `pf dlq` on a stream.

use insta::assert_snapshot;
use serde_json::json;

use super::shop::Shop;

const CONSUME: [&str; 5] = ["consume", "order.*", "--group", "billing", "--until-end"];

fn publish(shop: &Shop, topic: &str, id: &str) {
    let publish = [
        "publish",
        topic,
        r#"{"n":1}"#,
        "--id",
        id,
        "--source",
        "shop",
        "-q",
    ];
    let _ = shop.pf.run(&publish).succeeded();
}

fn consume(shop: &Shop, script: &str) -> String {
    shop.show(
        &[
            &CONSUME[..],
            &["--backoff", "1ms", "--", "sh", "-c", script],
        ]
        .concat(),
    )
}

#[test]
fn a_command_is_run_once_per_event() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", "e1");
    publish(&shop, "order.paid", "e2");
    publish(&shop, "payment.done", "e3");
    assert_snapshot!(consume(&shop, "echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT"), @"
    exit: 0
    --- stdout
    e1 1
    e2 1

    --- stderr
    consuming order.* as group billing: sh -c 'echo $PF_EVENT_ID $PF_DELIVERY_ATTEMPT'
    created stream SHOP_DLQ for dead letters
    created stream SHOP_PF for failed runs and jobs
    created consumer billing on SHOP
    2 handled
    ");
    assert_snapshot!(consume(&shop, "echo $PF_EVENT_ID"), @"
    exit: 0
    --- stdout

    --- stderr
    consuming order.* as group billing: sh -c 'echo $PF_EVENT_ID'
    0 handled
    ");
}

#[test]
fn a_worker_answers_line_by_line() {
    let shop = Shop::prepared();
    for id in ["e1", "e2", "e3"] {
        publish(&shop, "order.created", id);
    }
    shop.pf.write(
        "worker",
        r#"while read -r line; do
            id=${line#*\"id\":\"}; id=${id%%\"*}
            echo "$id" >> seen
            echo "{\"id\":\"$id\",\"action\":\"ack\"}"
        done"#,
    );
    let _ = shop
        .pf
        .run(&[&CONSUME[..], &["--worker", "--", "sh", "worker"]].concat())
        .succeeded();
    assert_eq!(
        std::fs::read_to_string(shop.pf.path("seen")).unwrap(),
        "e1\ne2\ne3\n"
    );
    let group = shop.raw.group("billing").unwrap();
    assert_eq!((group.num_pending, group.num_ack_pending), (0, 0));
}

#[test]
fn what_is_given_up_is_listed_and_shown() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", "e1");
    assert_snapshot!(consume(&shop, "echo out of order >&2; exit 1"), @"
    exit: 4
    --- stdout

    --- stderr
    consuming order.* as group billing: sh -c 'echo out of order >&2; exit 1'
    created stream SHOP_DLQ for dead letters
    created stream SHOP_PF for failed runs and jobs
    created consumer billing on SHOP
    out of order
    attempt 1 of order.created e1 failed, retrying in [MS]: exit status 1: out of order
    out of order
    attempt 2 of order.created e1 failed, retrying in [MS]: exit status 1: out of order
    out of order
    dead letter order.created e1 (exhausted): exit status 1: out of order
    0 handled, 2 retries, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    ");
    assert_snapshot!(shop.show(&["dlq", "list"]), @"
    exit: 0
    --- stdout
    [LETTER]  [TIME]  order.created         billing       exhausted     3x  exit status 1: out of order

    --- stderr
    ");
    let letters = shop
        .pf
        .run(&["dlq", "list", "-o", "json"])
        .succeeded()
        .json();
    let id = letters[0]["dead_letter"]["id"].as_str().unwrap().to_owned();
    assert_eq!(letters[0]["event"]["id"], "e1");
    assert_eq!(letters[0]["dead_letter"]["attempts"], 3);
    let _ = shop.pf.run(&["dlq", "show", &id[..6]]).succeeded();
    assert_snapshot!(shop.show(&["dlq", "stats"]), @"
    exit: 0
    --- stdout
    COUNT  TOPIC          GROUP    KIND       FINGERPRINT     FIRST                 LAST                  REASON
        1  order.created  billing  exhausted  1:[LETTER]  [TIME]  [TIME]  exit status 1: out of order

    --- stderr
    1 dead letter
    ");
}

#[test]
fn what_is_given_up_is_replayed_and_purged() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", "e1");
    let _ = consume(&shop, "exit 65");
    assert_snapshot!(shop.show(&["dlq", "replay", "--all", "--yes"]), @"
    exit: 0
    --- stdout
    replayed 1 dead letter

    --- stderr
    replay 1 dead letter of nats://SERVER/SHOP
            1  to order.created, for every group
    because of
            1  exit status 65 (permanent)
    warning: every group of the topic gets these events again, not only the one that failed (a replay goes to the topic, so every group sees it)
    ");
    assert_snapshot!(consume(&shop, "exit 65"), @"
    exit: 4
    --- stdout

    --- stderr
    consuming order.* as group billing: sh -c 'exit 65'
    dead letter order.created e1 (permanent): exit status 65
    0 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    ");
    assert_snapshot!(shop.show(&["dlq", "purge", "--all", "--yes"]), @"
    exit: 0
    --- stdout
    purged 1 dead letter

    --- stderr
    purge 1 dead letter of nats://SERVER/SHOP
            1  of billing on order.created
    because of
            1  exit status 65 (permanent)
    ");
    assert_snapshot!(shop.show(&["dlq", "list"]), @"
    exit: 0
    --- stdout

    --- stderr
    no dead letters
    ");
    assert_eq!(shop.raw.letters().len(), 0);
}

#[test]
fn a_consumer_that_loses_messages_is_refused() {
    let shop = Shop::prepared();
    let group = json!({"stream_name": "SHOP", "config": {
        "durable_name": "billing", "ack_policy": "explicit", "max_deliver": 3, "max_ack_pending": 10,
        "filter_subject": "SHOP.order.*",
    }});
    shop.broker
        .ask("$JS.API.CONSUMER.CREATE.SHOP.billing", &group);
    assert_snapshot!(consume(&shop, "true"), @"
    exit: 78
    --- stdout

    --- stderr
    consuming order.* as group billing: sh -c true
    error: nats: the consumer `billing` drops a message after 3 deliveries, fewer than its attempts may need
    hint: `nats consumer edit SHOP billing --max-deliver=-1`
    ");
    assert_snapshot!(shop.show(&["doctor", "--fix"]), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.15.1 answers
    ok       stream               stream SHOP holds 0 messages

    --- stderr
    checking nats://SERVER/SHOP
    fixed max-deliver.billing
    fixed max-pending.billing
    ");
    assert_snapshot!(consume(&shop, "true"), @"
    exit: 0
    --- stdout

    --- stderr
    consuming order.* as group billing: sh -c true
    0 handled
    ");
    assert_snapshot!(shop.show(&["consume", "order.created", "--group", "billing", "--", "true"]), @"
    exit: 78
    --- stdout

    --- stderr
    consuming order.created as group billing: true
    error: nats: the group reads SHOP.order.*, not only the requested topics
    hint: `nats consumer edit SHOP billing --filter=SHOP.order.created`, or use another group
    ");
}

#[test]
fn a_letter_tells_of_every_run() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", "e1");
    let script = "echo trouble $PF_DELIVERY_ATTEMPT >&2; exit 1";
    let _ = consume(&shop, script);
    let letters = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    let story = &letters.json()[0]["dead_letter"];
    assert_eq!(story["failure"]["detail"], "trouble 3");
    let earlier = story["earlier"].as_array().unwrap();
    assert_eq!(earlier.len(), 2, "{story}");
    for (line, run) in earlier.iter().zip(1..) {
        let line = line.as_str().unwrap();
        assert!(line.starts_with(&format!("run {run} at 20")), "{story}");
        assert!(line.ends_with(&format!("trouble {run}")), "{story}");
    }
    let id = story["id"].as_str().unwrap();
    let shown = shop.pf.run(&["dlq", "show", id]).succeeded();
    assert!(
        shown.stdout().contains("earlier\n    run 1 at 20"),
        "{shown}"
    );
}

#[test]
fn a_stream_in_the_place_of_ours_is_refused() {
    let shop = Shop::prepared();
    let config = json!({"name": "SHOP_DLQ", "subjects": ["dlq.>"], "retention": "limits",
        "storage": "file", "num_replicas": 1});
    shop.broker.ask("$JS.API.STREAM.CREATE.SHOP_DLQ", &config);
    assert_snapshot!(consume(&shop, "true"), @"
    exit: 78
    --- stdout

    --- stderr
    consuming order.* as group billing: sh -c true
    error: nats: the stream `SHOP_DLQ` exists and does not cover `_pf.dlq.SHOP.>`
    hint: `nats stream edit SHOP_DLQ --subjects='dlq.>,_pf.dlq.SHOP.>'`
    ");
}
