//! What cannot be published, and servers that cannot be used.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use test_support::{harness::Pf, nats::Broker};

use super::shop::Shop;

#[test]
fn a_topic_that_is_no_subject_is_refused() {
    let shop = Shop::prepared();
    for topic in [
        "order created",
        "order..created",
        "order.*",
        "order.>",
        "",
        "a.",
    ] {
        let run = shop.pf.run(&["publish", topic, "{}"]);
        assert_eq!(run.code(), Some(2), "{topic}: {run}");
        assert!(run.stderr().starts_with("error: "), "{run}");
    }
    assert_snapshot!(shop.show(&["publish", "order.*", "{}"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: topic `order.*` contains a wildcard
    ");
    assert_eq!(shop.raw.count(">"), 0);
}

#[test]
fn a_missing_stream_is_made_only_when_asked() {
    let shop = Shop::empty();
    assert_snapshot!(shop.show(&["publish", "order.created", "{}"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: no stream covers the subject `SHOP.order.created`
    hint: `--create` creates the stream that the URL names
    ");
    assert_snapshot!(shop.show(&["tail", "order.created", "--until-end"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: there is no stream `SHOP`
    hint: `--create` creates it; the path of the URL names another one (`nats://host/STREAM`)
    ");
    assert_snapshot!(shop.show(&["consume", "order.created", "--group", "g", "--", "true"]), @"
    exit: 1
    --- stdout

    --- stderr
    consuming order.created as group g: true
    error: nats: there is no stream `SHOP`
    hint: `--create` creates it; the path of the URL names another one (`nats://host/STREAM`)
    ");
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--create"]), @"
    exit: 0
    --- stdout

    --- stderr
    created stream SHOP for SHOP.>: it keeps events for 30 days and allows schedules, atomic batches and direct reads
    published [ULID] to order.created
    ");
}

#[test]
fn a_stream_that_does_not_cover_the_subject_is_named() {
    let shop = Shop::prepared();
    let url = shop.broker.url("SHOP?prefix=other");
    let publish = ["publish", "order.created", "{}", "--url", &url];
    assert_snapshot!(shop.show(&publish), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: no stream covers the subject `other.order.created`
    hint: `nats stream edit SHOP --subjects='SHOP.>,_pf.in.SHOP.>,other.order.created'` adds it; `prefix` in the URL changes the prefix of topics
    ");
    assert_snapshot!(shop.show(&[&publish[..], &["--create"]].concat()), @"
    exit: 78
    --- stdout

    --- stderr
    error: nats: the stream `SHOP` exists and does not cover `other.order.created`
    hint: `nats stream edit` adds a subject; `prefix` in the URL changes the prefix of topics
    ");
    assert_snapshot!(shop.show(&["tail", "order.created", "--url", &url]), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: no stream covers the subject `other.order.created`
    hint: `nats stream edit` adds a subject; `prefix` in the URL changes the prefix of topics
    ");
    assert_snapshot!(shop.show(&["consume", "order.created", "--group", "g", "--url", &url, "--", "true"]), @"
    exit: 1
    --- stdout

    --- stderr
    consuming order.created as group g: true
    error: nats: no stream covers the subject `other.order.created`
    hint: `nats stream edit` adds a subject; `prefix` in the URL changes the prefix of topics
    ");
}

#[test]
fn a_server_that_is_down_is_told_soon() {
    let shop = Shop::empty();
    shop.broker.kill();
    for command in [
        &["publish", "order.created", "{}"][..],
        &["tail", "order.created"],
        &["consume", "order.created", "--group", "g", "--", "true"],
        &["dlq", "list"],
        &["schedule", "list"],
        &["caps"],
    ] {
        let start = Instant::now();
        let run = shop.pf.run(command);
        assert_eq!(run.code(), Some(69), "{command:?}: {run}");
        assert!(start.elapsed() < Duration::from_secs(5), "{command:?}");
    }
    assert_snapshot!(shop.show(&["publish", "order.created", "{}"]), @"
    exit: 69
    --- stdout

    --- stderr
    error: nats: no server answers at nats://SERVER
      caused by: IO error: Connection refused (os error 111)
    hint: `nats-server -js` starts one
    ");
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let url = format!("nats://{address}/SHOP");
    let start = Instant::now();
    let run = Pf::bare().run(&["publish", "order.created", "{}", "--url", &url]);
    assert_eq!(run.code(), Some(69), "{run}");
    assert!(start.elapsed() < Duration::from_secs(6));
    let url = format!("{url}?connect-timeout=200ms");
    let start = Instant::now();
    let run = Pf::bare().run(&["publish", "order.created", "{}", "--url", &url]);
    assert_eq!(run.code(), Some(69), "{run}");
    assert!(start.elapsed() < Duration::from_secs(2));
    let url = format!("nats://{address}/SHOP?connect-timeout=1m");
    let start = Instant::now();
    let run = Pf::bare().run(&["caps", "--url", &url, "--connect-timeout", "200ms"]);
    assert_eq!(run.code(), Some(69), "{run}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_server_that_is_too_old_is_told_what_it_lacks() {
    let shop = Shop::on(Broker::start_old());
    for topic in ["order.created", "order.paid"] {
        let run = shop.pf.run(&["publish", topic, "{}", "--create"]);
        assert_eq!(run.code(), Some(5), "{run}");
    }
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--create"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: nats: nats-server 2.10.26 is too old: a stream with schedules and atomic batches needs NATS 2.12 or later
    hint: update the server
    ");
    shop.raw.make(shop.raw.plain());
    let _ = shop.pf.run(&["publish", "order.created", "{}"]).succeeded();
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--delay", "5s"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: `nats` cannot delay an event
    hint: nats-server 2.10.26 is too old: schedules and atomic batches need NATS 2.12 or later; update the server
    ");
    assert_snapshot!(shop.show(&["consume", "order.created", "--group", "g", "--", "true"]), @"
    exit: 5
    --- stdout

    --- stderr
    consuming order.created as group g: true
    error: nats: nats-server 2.10.26 is too old: groups and their dead letters need NATS 2.11 or later
    hint: update the server
    ");
    assert_snapshot!(shop.show(&["doctor", "--fix"]), @"
    exit: 0
    --- stdout
    ok       server               nats-server 2.10.26 answers
    warning  server-version       nats-server 2.10.26 is too old: schedules and atomic batches need NATS 2.12 or later
    ok       stream               stream SHOP holds 1 messages

    --- stderr
    checking nats://SERVER/SHOP
    ");
    let run = shop.pf.run(&["caps"]).succeeded();
    assert!(
        run.stdout().contains("is too old: schedules and atomic"),
        "{run}"
    );
    let tail = ["tail", "--since", "1h", "--until-end", "-o", "event"];
    assert_eq!(shop.pf.run(&tail).succeeded().json().len(), 1);
}

#[test]
fn whoever_is_not_let_in_is_told_so() {
    let config = tempfile::NamedTempFile::new().unwrap();
    let users = "authorization { users = [\n{user: ann, password: secret}\n{user: bob, password: secret, \
                 permissions: {publish: {deny: [\"SHOP.>\"]}}}\n] }\n";
    std::fs::write(config.path(), users).unwrap();
    let broker = Broker::start_with(&["-c", config.path().to_str().unwrap()]);
    let url = |user: &str| {
        broker
            .url("SHOP")
            .replace("nats://", &format!("nats://{user}@"))
    };
    let user = |name: &str, password: &str| {
        let pf = Pf::bare().env("PF_URL", &url(name));
        pf.env("PF_PASSWORD", password)
    };
    let run = Pf::bare().run(&["publish", "a", "1", "--url", &broker.url("SHOP")]);
    assert_eq!(run.code(), Some(77), "{run}");
    let run = user("ann", "wrong").run(&["publish", "a", "1"]);
    assert_snapshot!(run, @"
    exit: 77
    --- stdout

    --- stderr
    error: nats: authentication failed
      caused by: authorization violation: nats: authorization violation
    hint: set user and password in a context: `pf context add --help`
    ");
    let _ = user("ann", "secret")
        .run(&["publish", "a", "1", "--create"])
        .succeeded();
    let run = user("bob", "secret").run(&["publish", "a", "1"]);
    assert_snapshot!(run, @r#"
    exit: 77
    --- stdout

    --- stderr
    error: nats: Permissions Violation for Publish to "SHOP.a"
    hint: the user needs permission to publish to `SHOP.a`
    "#);
}

#[test]
fn a_message_that_is_too_large_is_refused() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(config.path(), "max_payload: 1KB\n").unwrap();
    let shop = Shop::on(Broker::start_with(&["-c", config.path().to_str().unwrap()]));
    shop.raw.make(shop.raw.prepared());
    let data = format!("\"{}\"", "x".repeat(2000));
    let run = shop.pf.run_with(&["publish", "order.created", "-"], data);
    assert_snapshot!(shop.hide(&run), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: the message is larger than the server accepts
    hint: `max_payload` in the server's configuration sets the limit
    ");
    assert_eq!(shop.raw.count(">"), 0);
}

#[test]
fn commands_to_the_server_are_no_headers() {
    let shop = Shop::prepared();
    for header in [
        "Nats-Msg-Id=1",
        "nats-rollup=all",
        "Nats-TTL=1s",
        "Nats-Schedule=@every 1s",
    ] {
        let run = shop
            .pf
            .run(&["publish", "order.created", "{}", "--header", header]);
        assert_eq!(run.code(), Some(1), "{header}: {run}");
    }
    assert_snapshot!(shop.show(&["publish", "order.created", "{}", "--header", "Nats-TTL=1s"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: nats: header `Nats-TTL` is a command to the server
    hint: remove the `Nats-*` headers from the message, or allow them with `--allow-broker-headers`
    ");
    assert_eq!(shop.raw.count(">"), 0);
    let allowed = [
        "publish",
        "order.created",
        "{}",
        "--header",
        "Nats-Msg-Id=order-1",
        "--allow-broker-headers",
    ];
    for _ in 0..2 {
        let _ = shop.pf.run(&allowed).succeeded();
    }
    assert_eq!(shop.raw.count(">"), 1, "the server knew the id");
}
