//! What cannot be published, and URLs and brokers that cannot be used.

use std::{
    io::Write as _,
    net::TcpListener,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use test_support::{harness::Pf, pulsar::Broker};

use super::shop::Shop;

#[test]
fn a_topic_that_pulsar_refuses_is_refused() {
    let shop = Shop::empty();
    for topic in [
        "a/b",
        "a:b",
        "pf.state",
        "__change_events",
        "a-b-DLQ",
        "a-partition-0",
    ] {
        for command in [
            &["publish", topic, "{}"][..],
            &["publish", topic, "{}", "--create"],
        ] {
            let run = shop.pf.run(command);
            assert!(matches!(run.code(), Some(1 | 2)), "{topic}: {run}");
        }
    }
    assert_snapshot!(shop.show(&["publish", "a/b", "{}", "--create"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: pulsar: topic `a/b` has a character that Pulsar does not allow
    hint: tenant and namespace are in the path of the URL
    ");
}

#[test]
fn an_unknown_topic_is_told_with_the_nearest_one_and_not_created() {
    let shop = Shop::with_orders("");
    assert_snapshot!(shop.show(&["publish", "order.craeted", "{}"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: pulsar: topic order.craeted does not exist
    hint: `--create` creates it
    hint: did you mean `order.created`?
    ");
    assert_snapshot!(shop.show(&["tail", "order.craeted"]), @"
    exit: 1
    --- stdout

    --- stderr
    hint: topic `order.craeted` does not exist yet; did you mean `order.created`?
    error: pulsar: topic order.craeted does not exist
    hint: `--create` creates it
    ");
    let consume = ["consume", "order.craeted", "-g", "g", "--", "true"];
    assert_snapshot!(shop.show(&consume), @"
    exit: 1
    --- stdout

    --- stderr
    hint: topic `order.craeted` does not exist yet; did you mean `order.created`?
    consuming order.craeted as group g: true
    error: pulsar: topic order.craeted does not exist
    hint: `--create` creates it
    ");
    let admin = Broker::shared().admin();
    let topics = admin.must("GET", &format!("persistent/{}", shop.namespace), "");
    assert!(!topics.contains("craeted"), "{topics}");
}

#[test]
fn an_unknown_namespace_is_named() {
    let url = Broker::shared().url("public/nowhere");
    let pf = Pf::bare().env("PF_URL", &url);
    let run = pf.run(&["publish", "order.created", "{}", "--create"]);
    assert_snapshot!(run.to_string(), @"
    exit: 1
    --- stdout

    --- stderr
    error: pulsar: the namespace of the URL does not exist
    hint: `pulsar-admin namespaces create TENANT/NAMESPACE` creates it
    ");
    let url = Broker::shared().url("nobody/default");
    let run = Pf::bare()
        .env("PF_URL", &url)
        .run(&["publish", "a", "{}", "--create"]);
    assert_eq!(run.code(), Some(1), "{run}");
    let run = Pf::bare()
        .env("PF_URL", "pulsar://localhost/a%20b/c")
        .run(&["caps"]);
    assert_eq!(run.code(), Some(78), "{run}");
}

#[test]
fn what_is_over_the_limit_is_refused_before_it_is_sent() {
    let shop = Shop::with_orders("");
    let large = format!("\"{}\"", "x".repeat(5 << 20));
    let run = shop.pf.run_with(
        &["publish", "order.created", "-", "--max-size", "10485760"],
        large,
    );
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr().contains("the broker accepts 5242880"), "{run}");
}

/// A header with a line break, and a key that is empty, are stored as they are.
#[test]
fn odd_properties_and_keys_come_back() {
    let shop = Shop::with_orders("");
    let publish = [
        "publish",
        "order.created",
        "{}",
        "--header",
        "note=a\nb",
        "--key",
        "",
    ];
    let _ = shop.pf.run(&publish).succeeded();
    let tail = [
        "tail",
        "order.created",
        "--from",
        "earliest",
        "--until-end",
        "-o",
        "json",
    ];
    let tail = if shop.pf.run(&tail).code() == Some(0) {
        tail.to_vec()
    } else {
        vec![
            "tail",
            "order.created",
            "--last",
            "1",
            "--until-end",
            "-o",
            "json",
        ]
    };
    let run = shop.pf.run(&tail).succeeded();
    let message = &run.json()[0]["message"];
    assert_eq!(message["key"], "", "{run}");
    assert!(
        message["headers"]
            .to_string()
            .contains(r#"["note","a\nb"]"#),
        "{run}"
    );
}

#[test]
fn a_broker_that_is_not_there_is_told_with_the_cause() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let begun = Instant::now();
    let refused = |url: &str| {
        let run = Pf::bare().env("PF_URL", url).run(&["publish", "a", "{}"]);
        run.to_string().replace(&port.to_string(), "PORT")
    };
    assert_snapshot!(refused(&format!("pulsar://127.0.0.1:{port}")), @"
    exit: 69
    --- stdout

    --- stderr
    error: pulsar: no broker answers at 127.0.0.1:PORT: connection refused
      caused by: Connection refused (os error 111)
    hint: `bin/pulsar standalone` starts one
    ");
    assert_snapshot!(refused(&format!("pulsar://nowhere.invalid:{port}")), @"
    exit: 69
    --- stdout

    --- stderr
    error: pulsar: no broker answers at nowhere.invalid:PORT: name or service not known
      caused by: failed to lookup address information: Name or service not known
    hint: `bin/pulsar standalone` starts one
    ");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

/// Something that accepts connections and says nothing, or something else.
#[test]
fn what_is_no_broker_is_told_within_five_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            open.push(stream);
        }
    });
    let begun = Instant::now();
    let url = format!("pulsar://127.0.0.1:{port}");
    let run = Pf::bare().env("PF_URL", &url).run(&["publish", "a", "{}"]);
    assert_eq!(run.code(), Some(69), "{run}");
    assert!(
        begun.elapsed() < Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
}

/// TLS at a plain port.
#[test]
fn tls_at_a_plain_port_is_told() {
    let url = format!("pulsar+ssl://{}", Broker::shared().address());
    let run = Pf::bare().env("PF_URL", &url).run(&["publish", "a", "{}"]);
    assert_snapshot!(run.to_string().replace(&Broker::shared().address(), "BROKER"), @"
    exit: 78
    --- stdout

    --- stderr
    error: pulsar: the TLS handshake failed: the broker does not use TLS at this port
      caused by: tls handshake eof
    hint: write `pulsar://` instead of `pulsar+ssl://`, or the port for TLS, 6651 by default
    ");
}

/// A topic that enforces a schema.
#[test]
fn a_schema_that_is_enforced_is_named() {
    let shop = Shop::with_orders("");
    let admin = Broker::shared().admin();
    let path = format!("schemas/{}/order.created/schema", shop.namespace);
    let schema = r#"{"type":"STRING","schema":"","properties":{}}"#;
    admin.must("POST", &path, schema);
    shop.enforce_schemas();
    let run = shop.pf.run(&["publish", "order.created", "{}"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(run.stderr().contains("schema"), "{run}");
}
