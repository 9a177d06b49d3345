//! What cannot be published, and URLs and brokers that cannot be used.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use test_support::harness::Pf;

use super::shop::Shop;

#[test]
fn a_topic_that_kafka_refuses_is_refused() {
    let shop = Shop::empty();
    for topic in ["gr\u{fc}n", "a/b", "a:b", "pf.delay", "__consumer_offsets"] {
        for command in [
            &["publish", topic, "{}"][..],
            &["publish", topic, "{}", "--create"],
        ] {
            let run = shop.pf.run(command);
            assert_eq!(run.code(), Some(1), "{topic}: {run}");
            assert!(run.stderr().starts_with("error: kafka: "), "{run}");
        }
    }
    assert_snapshot!(shop.show(&["publish", "a/b", "{}", "--create"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: `a/b` is not a valid name of a Kafka topic
    hint: Kafka accepts letters, digits, `.`, `_` and `-`, at most 249 of them
    ");
    assert_snapshot!(shop.show(&["tail", "gr\u{fc}n", "--until-end"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: `grün` is not a valid name of a Kafka topic
    hint: Kafka accepts letters, digits, `.`, `_` and `-`, at most 249 of them
    ");
}

#[test]
fn an_unknown_topic_is_told_with_the_nearest_one() {
    let shop = Shop::with_orders();
    let start = Instant::now();
    assert_snapshot!(shop.show(&["publish", "order.craeted", "{}"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: there is no topic `order.craeted`
    hint: `--create` makes a topic
    hint: did you mean `order.created`?
    ");
    assert!(start.elapsed() < Duration::from_secs(3));
    let lines = ["publish", "order.craeted", "--lines"];
    assert_snapshot!(shop.hide(&shop.pf.run_with(&lines, "1\n2\n")), @"
    exit: 1
    --- stdout

    --- stderr
    error: lines 1 to 2: kafka: there is no topic `order.craeted`
    hint: `--create` makes a topic
    hint: topic `order.craeted` does not exist yet; did you mean `order.created`?
    published 0 events
    error: 2 lines were not published
    ");
    assert_snapshot!(shop.show(&["tail", "order.craeted"]), @"
    exit: 1
    --- stdout

    --- stderr
    hint: topic `order.craeted` does not exist yet; did you mean `order.created`?
    error: kafka: there is no topic `order.craeted`
    hint: `--create` makes a topic
    ");
    assert!(!shop.raw.topics().contains(&shop.name("order.craeted")));
}

#[test]
fn partitions_that_cannot_be_had_are_refused() {
    let shop = Shop::empty();
    let publish = |parameters: &str| {
        let url = shop.url(parameters);
        shop.show(&["publish", "order.created", "{}", "--create", "--url", &url])
    };
    assert_snapshot!(publish("partitions=20000"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: the cluster does not make `order.created` with 20000 partitions
    hint: a limit or policy of the cluster allows fewer; `partitions` in the URL asks for them
    ");
    assert_snapshot!(publish("replication=3"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: the cluster does not make `order.created` with 3 replicas
    hint: there are fewer brokers; `replication` in the URL asks for them
    ");
    assert_snapshot!(publish("partitions=none"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: `partitions=none` is not a valid count
    ");
}

#[test]
fn a_record_that_is_too_large_is_refused() {
    let shop = Shop::empty();
    shop.make("small", 1, &[("max.message.bytes", "2000")]);
    shop.make("order.created", 1, &[]);
    let data = format!("\"{}\"", "x".repeat(3000));
    let publish = |args: &[&str], data: &str| {
        let run = shop.pf.run_with(&[&["publish"], args].concat(), data);
        shop.hide(&run)
    };
    assert_snapshot!(publish(&["small", "-"], &data), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: the record is larger than the limit of `small`
    hint: the topic's `max.message.bytes` sets the limit
    ");
    assert_snapshot!(publish(&["small", "--lines"], &format!("1\n{data}\n3\n")), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: kafka: the record is larger than the limit of `small`, 2000 bytes
    hint: the topic's `max.message.bytes` sets the limit
    published 2 events
    error: 1 line was not published
    ");
    let url = shop.url("message.max.bytes=2000");
    assert_snapshot!(publish(&["order.created", "-", "--url", &url], &data), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: the record is larger than the limit of `order.created`
    hint: the topic's `max.message.bytes` sets the limit
    ");
    let large = format!("\"{}\"", "x".repeat(1_100_000));
    let large = publish(&["order.created", "-", "--max-size", "2M"], &large);
    assert_snapshot!(large, @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: the record is larger than the limit of `order.created`, 1048588 bytes
    hint: the topic's `max.message.bytes` sets the limit
    ");
}

#[test]
fn headers_of_ours_are_no_headers_of_a_user() {
    let shop = Shop::with_orders();
    for name in ["pf-letter", "pf-replay", "pf-waiting"] {
        let header = format!("{name}=1");
        let run = shop
            .pf
            .run(&["publish", "order.created", "{}", "--header", &header]);
        assert_eq!(run.code(), Some(1), "{run}");
    }
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--header", "pf-letter=1"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: header `pf-letter` is reserved
    ");
}

#[test]
fn a_compacted_topic_takes_no_record_without_a_key() {
    let shop = Shop::empty();
    shop.make("order.created", 1, &[("cleanup.policy", "compact")]);
    assert_snapshot!(shop.show(&["publish", "order.created", "{}"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: kafka: `order.created` rejected the record
    hint: a compacted topic accepts only records with a key; set one with `--key`
    ");
    let _ = shop
        .pf
        .run(&["publish", "order.created", "{}", "--key", "k"])
        .succeeded();
}

#[test]
fn urls_that_cannot_be_meant_are_refused() {
    let show = |url: &str| Pf::bare().run(&["caps", "--url", url]).to_string();
    assert_snapshot!(show("kafka://localhost/?lingr.ms=5"), @r#"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: librdkafka refuses `lingr.ms=5`: No such configuration property: "lingr.ms"
    hint: its documentation lists every property
    "#);
    assert_snapshot!(show("kafka://localhost/?linger.ms=soon"), @r#"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: librdkafka refuses `linger.ms=soon`: Invalid value for configuration property "queue.buffering.max.ms"
    hint: its documentation lists every property
    "#);
    assert_snapshot!(show("kafka://localhost/?acks=1"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: `acks` cannot be set: delivery guarantees depend on it
    ");
    assert_snapshot!(show("kafka://localhost/orders"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: the URL has a path, `/orders`
    hint: `prefix` says what stands before topics
    ");
    assert_snapshot!(show("kafka://localhost/?pasword=x"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: the URL has an unknown parameter `pasword=x`
    hint: known: `servers`, `prefix`, `dead-letters`, `partitions`, `replication`, `naming`, `mode`, `connect-timeout`, and every property of librdkafka by its own name
    ");
    assert_snapshot!(show("kafka://localhost/?sasl.mechanisms=MAGIC&security.protocol=sasl_plaintext"), @"
    exit: 78
    --- stdout

    --- stderr
    error: kafka: cannot create a client: Unsupported SASL mechanism: MAGIC
    ");
    assert_snapshot!(show("kafka://localhost/?sasl.password=x"), @"
    exit: 2
    --- stdout

    --- stderr
    error: a password in --url is visible to every user of this machine
    hint: put it into a file: `pf context add NAME --url URL --password-file FILE`
    hint: or set PF_PASSWORD and leave only the user name in the URL
    ");
}

/// Returns a port on which nobody listens.
fn closed() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_broker_that_is_down_is_told_soon() {
    let url = format!("kafka://127.0.0.1:{}/", closed());
    let pf = Pf::bare().env("PF_URL", &url);
    let slow = format!("{url}?connect-timeout=300ms");
    for command in [
        &["publish", "order.created", "{}"][..],
        &["publish", "order.created", "{}", "--create"],
        &["tail", "order.created"],
        &["tail", "order.*"],
        &["caps"],
        &["doctor"],
    ] {
        let start = Instant::now();
        let run = pf.run(&[command, &["--url", &slow]].concat());
        assert_eq!(run.code(), Some(69), "{command:?}: {run}");
        assert!(start.elapsed() < Duration::from_secs(3), "{command:?}");
    }
    let start = Instant::now();
    let run = pf.run(&["publish", "order.created", "{}"]);
    assert!(start.elapsed() < Duration::from_secs(8), "{run}");
    let shown = run.to_string().replace(&url[8..url.len() - 1], "SERVER");
    assert_snapshot!(shown, @"
    exit: 69
    --- stdout

    --- stderr
    error: kafka: no broker answers at SERVER: Connect to SERVER failed: Connection refused
    hint: is Kafka running there, and the URL right?
    ");
    let lines = ["publish", "order.created", "--lines"];
    let run = pf.run_with(&lines, "1\n2\n3\n");
    let shown = run.to_string().replace(&url[8..url.len() - 1], "SERVER");
    assert_snapshot!(shown, @"
    exit: 69
    --- stdout

    --- stderr
    error: lines 1 to 3: kafka: no broker answers at SERVER: Connect to SERVER failed: Connection refused
    hint: is Kafka running there, and the URL right?
    published 0 events
    error: 3 lines were not published
    ");
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("kafka://{address}/?connect-timeout=500ms");
    let start = Instant::now();
    let run = Pf::bare().run(&["publish", "order.created", "{}", "--url", &url]);
    assert_eq!(run.code(), Some(69), "{run}");
    assert!(start.elapsed() < Duration::from_secs(4));
    let url = format!("kafka://{address}/?connect-timeout=1m");
    let start = Instant::now();
    let run = Pf::bare().run(&["caps", "--url", &url, "--connect-timeout", "1s"]);
    assert_eq!(run.code(), Some(69), "{run}");
    assert!(start.elapsed() < Duration::from_secs(5), "{run}");
}

#[test]
fn one_of_several_servers_is_enough() {
    let shop = Shop::with_orders();
    let (down, up) = (closed(), shop.url(""));
    let url = up.replace("kafka://", &format!("kafka://127.0.0.1:{down},"));
    let run = shop
        .pf
        .run(&["publish", "order.created", "{}", "--url", &url]);
    let run = run.succeeded();
    assert!(!run.stderr().contains("librdkafka"), "{run}");
}
