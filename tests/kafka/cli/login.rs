//! Who is not let in, and who speaks another language than the broker.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use test_support::{harness::Pf, kafka::Broker};

use super::shop::Shop;

/// Starts a broker with a second door, for those who have a password; returns where that one is.
fn guarded() -> (Broker, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let doors = format!(
        "PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}},GUARDED://{address}"
    );
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let users = format!("{module} required user_ann=\"p@ss\";");
    let protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT";
    let broker = Broker::start_with(&[
        &format!("listeners={doors}"),
        &format!("advertised.listeners={doors}"),
        &format!("listener.security.protocol.map={protocols}"),
        "listener.name.guarded.sasl.enabled.mechanisms=PLAIN",
        &format!("listener.name.guarded.plain.sasl.jaas.config={users}"),
    ]);
    (broker, address.to_string())
}

#[test]
fn whoever_has_no_password_is_told_so() {
    let (broker, address) = guarded();
    let url = format!("kafka://ann@{address}/");
    let user = |password: &str| {
        let pf = Pf::bare().env("PF_URL", &url);
        pf.env("PF_PASSWORD", password)
    };
    let hide = |run: test_support::harness::Run| run.to_string().replace(&address, "SERVER");
    let wrong = user("wrong").run(&["publish", "order.created", "{}"]);
    assert_snapshot!(hide(wrong), @"
    exit: 77
    --- stdout

    --- stderr
    error: kafka: authentication failed: SASL authentication error: Authentication failed: Invalid username or password
    hint: check user, password and `sasl.mechanisms`
    ");
    let wrong = user("wrong").run(&["tail", "order.created"]);
    assert_eq!(wrong.code(), Some(77), "{wrong}");
    let right = user("p@ss").run(&["publish", "order.created", "{}", "--create"]);
    assert_snapshot!(hide(right), @"
    exit: 0
    --- stdout

    --- stderr
    created topic order.created
    published [ULID] to order.created
    ");
    let other = url.clone() + "?sasl.mechanisms=SCRAM-SHA-256";
    let other = user("p@ss").run(&["publish", "order.created", "{}", "--url", &other]);
    assert_snapshot!(hide(other), @"
    exit: 77
    --- stdout

    --- stderr
    error: kafka: authentication failed: SASL SCRAM-SHA-256 mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's supported mechanisms: PLAIN
    hint: check user, password and `sasl.mechanisms`
    ");
    drop(broker);
}

#[test]
fn another_language_than_the_brokers_is_told() {
    let shop = Shop::with_orders();
    let url = shop.url("security.protocol=ssl");
    let start = Instant::now();
    let run = shop.pf.run(&[
        "publish",
        "order.created",
        "{}",
        "--connect-timeout",
        "30s",
        "--url",
        &url,
    ]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(run.stderr().contains("SSL"), "{run}");
    assert!(
        run.stderr()
            .contains("hint: the broker does not speak TLS there"),
        "{run}"
    );
    assert!(start.elapsed() < Duration::from_secs(10), "{run}");
}
