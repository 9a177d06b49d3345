//! URLs that name another stream than the one that has the events.

use async_nats::jetstream::stream::{Config, Source};
use insta::assert_snapshot;
use serde_json::json;

use test_support::{
    harness::{Pf, Run},
    nats::Raw,
    wait::wait_while,
};

use super::shop::Shop;

/// A user of a stream `SHOP` with one event, and of another URL.
fn user(shop: &Shop, rest: &str) -> Pf {
    let _ = shop
        .pf
        .run(&["publish", "order", "{}", "--id", "e1"])
        .succeeded();
    Pf::bare().env("PF_URL", &shop.broker.url(rest))
}

fn make(shop: &Shop, config: Config) {
    Raw::new(&shop.broker.url(""), &config.name).make(config);
}

fn source() -> Source {
    Source {
        name: "SHOP".to_owned(),
        ..Source::default()
    }
}

#[test]
fn an_event_is_not_published_into_another_stream() {
    let shop = Shop::prepared();
    let pf = user(&shop, "NOPE?prefix=SHOP.");
    assert_snapshot!(shop.hide(&pf.run(&["publish", "order", "{}"])), @"
    exit: 78
    --- stdout

    --- stderr
    error: nats: `SHOP.order` belongs to the stream `SHOP`, not to `NOPE`, which the URL names
    hint: name `SHOP` in the path of the URL; `prefix` in the URL changes the prefix of topics
    ");
    let event = r#"{"specversion":"1.0","id":"1","source":"/","type":"order"}"#;
    let run = pf.run_with(&["publish", "--ndjson"], [event, event].join("\n"));
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(
        run.stderr()
            .contains("lines 1 to 2: nats: `SHOP.order` belongs to the stream `SHOP`"),
        "{run}"
    );
    // There is a stream of that name, of other topics.
    make(
        &shop,
        Config {
            name: "NOPE".to_owned(),
            ..Config::default()
        },
    );
    let run = pf.run(&["publish", "order", "{}"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert_eq!(shop.raw.count("order"), 1, "nothing was added");
}

#[test]
fn a_response_is_not_published_into_another_stream() {
    let shop = Shop::empty();
    let subjects = |subject: &str| vec![subject.to_owned()];
    shop.raw.make(Config {
        subjects: subjects("SHOP.order"),
        ..shop.raw.plain()
    });
    make(
        &shop,
        Config {
            name: "OTHER".to_owned(),
            subjects: subjects("SHOP.shipment"),
            ..Config::default()
        },
    );
    let pf = user(&shop, "SHOP");
    let emitted = r#"echo '{"specversion":"1.0","source":"/","type":"shipment"}'"#;
    let consume = [
        "consume",
        "order",
        "--group",
        "g",
        "--until-end",
        "--emit",
        "--",
        "sh",
        "-c",
        emitted,
    ];
    let run = pf.run(&consume);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(
        run.stderr()
            .contains("belongs to the stream `OTHER`, not to `SHOP`"),
        "{run}"
    );
    let other = Raw::new(&shop.broker.url(""), "OTHER");
    assert_eq!(other.api("STREAM.INFO", &json!({}))["state"]["messages"], 0);
    let group = shop.raw.group("g").unwrap();
    assert_eq!(
        (group.num_pending, group.num_ack_pending),
        (0, 1),
        "the cause comes again"
    );
}

#[test]
fn a_letter_is_not_replayed_into_another_stream() {
    let shop = Shop::prepared();
    let pf = user(&shop, "SHOP");
    assert_eq!(consume(&pf, "exit 65").code(), Some(4));
    make(
        &shop,
        Config {
            name: "OTHER".to_owned(),
            subjects: vec!["OTHER.>".to_owned()],
            ..Config::default()
        },
    );
    let replay = ["dlq", "replay", "--all", "--yes"];
    // The stream's topics were moved to another one.
    let config = shop.raw.prepared();
    shop.raw.change(Config {
        subjects: vec!["_pf.in.SHOP.>".to_owned(), "SHOP.paid".to_owned()],
        ..config
    });
    make(
        &shop,
        Config {
            name: "ORDERS".to_owned(),
            subjects: vec!["SHOP.order".to_owned()],
            ..Config::default()
        },
    );
    assert_snapshot!(shop.hide(&pf.run(&replay)), @"
    exit: 1
    --- stdout
    [LETTER]  failed: nats: `SHOP.order` belongs to the stream `ORDERS`, not to `SHOP`, which the URL names; name `ORDERS` in the path of the URL; `prefix` in the URL changes the prefix of topics
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
    let orders = Raw::new(&shop.broker.url(""), "ORDERS");
    assert_eq!(
        orders.api("STREAM.INFO", &json!({}))["state"]["messages"],
        0
    );
}

/// A user of a mirror of `SHOP`, where it has copied one event.
fn mirrored() -> (Shop, Pf) {
    let shop = Shop::prepared();
    let pf = user(&shop, "COPY?prefix=SHOP.");
    let config = Config {
        name: "COPY".to_owned(),
        mirror: Some(source()),
        ..Config::default()
    };
    make(&shop, config);
    copied(&shop, "COPY");
    (shop, pf)
}

/// Waits until a stream has copied the event.
fn copied(shop: &Shop, stream: &str) {
    let copy = Raw::new(&shop.broker.url(""), stream);
    wait_while(|| copy.api("STREAM.INFO", &json!({}))["state"]["messages"] != 1);
}

const TAIL: [&str; 6] = ["tail", "--since", "1h", "--until-end", "-o", "event"];

fn consume(pf: &Pf, script: &str) -> Run {
    let start = ["consume", "order", "--group", "g", "--until-end"];
    pf.run(&[&start[..], &["--", "sh", "-c", script]].concat())
}

#[test]
fn a_mirror_is_read_and_not_published_to() {
    let (shop, pf) = mirrored();
    assert_eq!(pf.run(&TAIL).succeeded().json()[0]["id"], "e1");
    assert_snapshot!(shop.hide(&pf.run(&["publish", "order", "{}"])), @"
    exit: 78
    --- stdout

    --- stderr
    error: nats: the stream `COPY` is a mirror of `SHOP` and accepts no events
    hint: publish to `SHOP` instead: name it in the path of the URL
    ");
    let create = pf.run(&["publish", "order", "{}", "--create"]);
    assert!(
        create.stderr().contains("is a mirror of `SHOP`"),
        "{create}"
    );
    assert_eq!(shop.raw.count("order"), 1);
}

#[test]
fn a_letter_of_a_mirror_is_listed_and_not_replayed() {
    let (shop, pf) = mirrored();
    assert_eq!(consume(&pf, "exit 65").code(), Some(4));
    let letters = || {
        pf.run(&["dlq", "list", "-o", "json"])
            .succeeded()
            .json()
            .len()
    };
    assert_eq!(letters(), 1);
    let replay = pf.run(&["dlq", "replay", "--all", "--yes"]);
    assert_eq!(replay.code(), Some(1), "{replay}");
    assert!(
        replay.stdout().contains("is a mirror of `SHOP`"),
        "{replay}"
    );
    assert_eq!((letters(), shop.raw.count("order")), (1, 1));
}

#[test]
fn caps_and_doctor_say_what_a_mirror_is() {
    let (shop, pf) = mirrored();
    assert_snapshot!(shop.hide(&pf.run(&["caps"])), @"
    exit: 0
    --- stdout
    nats (nats-server 2.15.1)
      publish              absent    the stream `COPY` is a mirror of `SHOP` and accepts no events
      dedup                absent    the stream `COPY` is a mirror of `SHOP` and accepts no events
      dedup-handling       emulated  the mark is stored before the acknowledgement; a consumer knows the last 900,000. Copies that two consumers hold at the same moment are both handled, unless each is begun (`at-most-once`)
      delay                absent    the stream `COPY` is a mirror of `SHOP` and accepts no events
      schedule             absent    the stream `COPY` is a mirror of `SHOP` and accepts no events
      delayed-retry        native    held back by the consumer, also across a restart
      dlq                  emulated  a stream of its own; a dead letter is stored before the original is acknowledged
      exactly-once-replay  absent    the stream `COPY` is a mirror of `SHOP` and accepts no events
      exactly-once-outbox  absent    the stream `COPY` is a mirror of `SHOP` and accepts no events
      replay-to-group      absent    a replay goes to the topic, so every group sees it
      order                emulated  per subject and publisher; a group delivers one key to several consumers
      ordered-retry        absent    JetStream holds back a message, not its key
      groups               native    durable pull consumers
      patterns             native    subject filters
      crash-count          absent    JetStream counts deliveries, not their outcomes
      purge                native
      max payload          1048576 bytes
      lateness             [MS]

    --- stderr
    ");
    assert_snapshot!(shop.hide(&pf.run(&["doctor"])), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.15.1 answers
    ok       stream               stream COPY holds 1 messages
    ok       copy                 the stream `COPY` is a mirror of `SHOP` and accepts no events

    --- stderr
    checking nats://SERVER/COPY?prefix=SHOP.
    ");
}

#[test]
fn a_prefix_that_a_mirror_does_not_have_is_named() {
    let (shop, _) = mirrored();
    let wrong = Pf::bare().env("PF_URL", &shop.broker.url("COPY"));
    assert_snapshot!(shop.hide(&wrong.run(&["tail", "--since", "1h", "--until-end"])), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: the stream `COPY` copies others and holds nothing under `COPY.>`
    hint: `prefix` in the URL changes the prefix of topics: the subject of its first message is `SHOP.order`
    ");
}

#[test]
fn a_stream_of_sources_is_read() {
    let shop = Shop::prepared();
    let pf = user(&shop, "ALL?prefix=SHOP.");
    make(
        &shop,
        Config {
            name: "ALL".to_owned(),
            sources: Some(vec![source()]),
            ..Config::default()
        },
    );
    copied(&shop, "ALL");
    assert_eq!(pf.run(&TAIL).succeeded().json()[0]["id"], "e1");
    let run = consume(&pf, "echo $PF_EVENT_ID").succeeded();
    assert_eq!(run.stdout(), "e1\n");
    let run = pf.run(&["publish", "order", "{}"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(run.stderr().contains("only copies `SHOP`"), "{run}");
    let _ = pf.run(&["caps"]).succeeded();
    let _ = pf.run(&["doctor"]).succeeded();
}
