//! What cannot be published, and URLs and brokers that cannot be used.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use insta::assert_snapshot;

use crate::{harness::Pf, shop::Shop};

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
    assert_snapshot!(shop.show(&["publish", "a/b", "{}", "--create"]), @"");
    assert_snapshot!(shop.show(&["tail", "gr\u{fc}n", "--until-end"]), @"");
}

#[test]
fn an_unknown_topic_is_told_with_the_nearest_one() {
    let shop = Shop::with_orders();
    let start = Instant::now();
    assert_snapshot!(shop.show(&["publish", "order.craeted", "{}"]), @"");
    assert!(start.elapsed() < Duration::from_secs(3));
    let lines = ["publish", "order.craeted", "--lines"];
    assert_snapshot!(shop.hide(&shop.pf.run_with(&lines, "1\n2\n")), @"");
    assert_snapshot!(shop.show(&["tail", "order.craeted"]), @"");
    assert!(!shop.raw.topics().contains(&shop.name("order.craeted")));
}

#[test]
fn partitions_that_cannot_be_had_are_refused() {
    let shop = Shop::empty();
    let publish = |parameters: &str| {
        let url = shop.url(parameters);
        shop.show(&["publish", "order.created", "{}", "--create", "--url", &url])
    };
    assert_snapshot!(publish("partitions=20000"), @"");
    assert_snapshot!(publish("replication=3"), @"");
    assert_snapshot!(publish("partitions=none"), @"");
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
    assert_snapshot!(publish(&["small", "-"], &data), @"");
    assert_snapshot!(publish(&["small", "--lines"], &format!("1\n{data}\n3\n")), @"");
    let url = shop.url("message.max.bytes=2000");
    assert_snapshot!(publish(&["order.created", "-", "--url", &url], &data), @"");
    let large = format!("\"{}\"", "x".repeat(1_100_000));
    let large = publish(&["order.created", "-", "--max-size", "2M"], &large);
    assert_snapshot!(large, @"");
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
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--header", "pf-letter=1"]), @"");
}

#[test]
fn a_compacted_topic_takes_no_record_without_a_key() {
    let shop = Shop::empty();
    shop.make("order.created", 1, &[("cleanup.policy", "compact")]);
    assert_snapshot!(shop.show(&["publish", "order.created", "{}"]), @"");
    let _ = shop
        .pf
        .run(&["publish", "order.created", "{}", "--key", "k"])
        .succeeded();
}

#[test]
fn urls_that_cannot_be_meant_are_refused() {
    let show = |url: &str| Pf::bare().run(&["caps", "--url", url]).to_string();
    assert_snapshot!(show("kafka://localhost/?lingr.ms=5"), @"");
    assert_snapshot!(show("kafka://localhost/?linger.ms=soon"), @"");
    assert_snapshot!(show("kafka://localhost/?acks=1"), @"");
    assert_snapshot!(show("kafka://localhost/orders"), @"");
    assert_snapshot!(show("kafka://localhost/?pasword=x"), @"");
    assert_snapshot!(show("kafka://localhost/?sasl.mechanisms=MAGIC&security.protocol=sasl_plaintext"), @"");
    assert_snapshot!(show("kafka://localhost/?sasl.password=x"), @"");
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
    assert_snapshot!(shown, @"");
    let lines = ["publish", "order.created", "--lines"];
    let run = pf.run_with(&lines, "1\n2\n3\n");
    let shown = run.to_string().replace(&url[8..url.len() - 1], "SERVER");
    assert_snapshot!(shown, @"");
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
