//! `pf publish` on Kafka: one event, a stream, keys, and topics that are made when asked.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use super::shop::Shop;

#[test]
fn one_event_is_stored_at_once() {
    let shop = Shop::with_orders();
    assert_snapshot!(shop.show(&["publish", "order.created", "{\"total\":80}", "--id", "e1", "--source", "/shop"]), @"
    exit: 0
    --- stdout

    --- stderr
    published e1 to order.created
    ");
    let stored = shop.raw.topic(&shop.name("order.created"));
    assert_eq!(stored.len(), 1);
    let content_type = Some(b"application/cloudevents+json".to_vec());
    assert_eq!(
        stored[0].headers,
        [("content-type".to_owned(), content_type)]
    );
    assert_eq!(stored[0].key, None);
    let quickest = (0..5).map(|_| {
        let start = Instant::now();
        let _ = shop.pf.run(&["publish", "order.created", "1"]).succeeded();
        start.elapsed()
    });
    // The number that an idempotent producer asks for takes half a second.
    assert!(quickest.min().unwrap() < Duration::from_millis(400));
}

#[test]
fn a_receipt_tells_where_it_stands() {
    let shop = Shop::with_orders();
    let publish = ["publish", "order.created", "1", "--id", "e", "-o", "json"];
    let _ = shop.pf.run(&publish).succeeded();
    let run = shop.pf.run(&publish).succeeded();
    assert_eq!(run.json()[0]["position"], "order.created/0/1");
    let publish = ["publish", "order.created", "--lines", "-o", "json"];
    let run = shop.pf.run_with(&publish, "1\n2\n3\n").succeeded();
    let positions: Vec<_> = run
        .json()
        .iter()
        .map(|told| told["position"].clone())
        .collect();
    let expected = [
        "order.created/0/2",
        "order.created/0/3",
        "order.created/0/4",
    ];
    assert_eq!(positions, expected);
}

#[test]
fn keys_are_those_of_the_event_unless_told() {
    let shop = Shop::with_orders();
    for more in [
        &["--key", "k"][..],
        &["--subject", "s"],
        &["--extension", "partitionkey=p", "--subject", "s"],
    ] {
        let _ = shop
            .pf
            .run(&[&["publish", "order.created", "1"], more].concat())
            .succeeded();
    }
    let stored = shop.raw.topic(&shop.name("order.created"));
    let keys: Vec<_> = stored
        .into_iter()
        .map(|stored| stored.key.unwrap())
        .collect();
    assert_eq!(keys, [b"k", b"s", b"p"]);
}

#[test]
fn binary_mode_has_attributes_as_headers() {
    let shop = Shop::with_orders();
    let publish = [
        "publish",
        "order.created",
        "{\"total\":80}",
        "--mode",
        "binary",
        "--id",
        "e1",
        "--source",
        "/shop",
    ];
    let _ = shop.pf.run(&publish).succeeded();
    let stored = shop.raw.topic(&shop.name("order.created")).remove(0);
    let header = |name: &str| {
        let found = stored.headers.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| String::from_utf8(value.clone()?).ok())
    };
    assert_eq!(header("ce_id").as_deref(), Some("e1"));
    assert_eq!(header("ce_type").as_deref(), Some("order.created"));
    assert_eq!(header("content-type").as_deref(), Some("application/json"));
    assert_eq!(stored.payload.as_deref(), Some(&b"{\"total\":80}"[..]));
}

#[test]
fn a_topic_is_made_only_when_asked() {
    let shop = Shop::empty();
    assert_snapshot!(shop.show(&["publish", "order.created", "{}"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: there is no topic `order.created`
    hint: `--create` makes a topic
    ");
    assert!(!shop.raw.topics().contains(&shop.name("order.created")));
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--create"]), @"
    exit: 0
    --- stdout

    --- stderr
    created topic order.created
    published [ULID] to order.created
    ");
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--create"]), @"
    exit: 0
    --- stdout

    --- stderr
    published [ULID] to order.created
    ");
    let url = shop.url("partitions=3");
    let publish = [
        "publish",
        "order.paid",
        "--lines",
        "--create",
        "--url",
        &url,
    ];
    assert_snapshot!(shop.hide(&shop.pf.run_with(&publish, "1\n2\n")), @"
    exit: 0
    --- stdout

    --- stderr
    created topic order.paid
    published 2 events
    ");
    assert_eq!(shop.raw.partitions(&shop.name("order.paid")).len(), 3);
}

#[test]
fn a_stream_tells_what_became_of_each_line() {
    let shop = Shop::with_orders();
    shop.make("small", 1, &[("max.message.bytes", "3000")]);
    let mut lines = String::new();
    for number in 0..200 {
        // Together they are far more than the topic takes at once.
        let size = if number == 100 { 4000 } else { 500 };
        lines.extend(["\"", &"x".repeat(size), "\"\n"]);
    }
    let publish = ["publish", "small", "--lines", "--on-error", "continue"];
    assert_snapshot!(shop.hide(&shop.pf.run_with(&publish, lines)), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 101: kafka: the record is larger than the limit of `small`, 3000 bytes
    hint: the topic's `max.message.bytes` sets the limit
    published 199 events
    error: 1 line was not published
    ");
    assert_eq!(shop.raw.count(&shop.name("small")), 199);
}

#[test]
fn order_is_kept_from_the_first_event_on() {
    let shop = Shop::with_orders();
    let lines: String = (0..5000).map(|number| number.to_string() + "\n").collect();
    let publish = ["publish", "order.created", "--lines", "--key", "k"];
    let _ = shop.pf.run_with(&publish, lines).succeeded();
    let tail = ["tail", "order.created", "--until-end", "-o", "data"];
    let run = shop.pf.run(&tail).succeeded();
    let read: Vec<u32> = run
        .stdout()
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    assert_eq!(read, (0..5000).collect::<Vec<_>>());
}
