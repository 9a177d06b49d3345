//! Users who may not do everything: each command ends within seconds and names what is denied.

use std::time::{Duration, Instant};

use test_support::{
    harness::{Pf, Run},
    nats::Broker,
};

use super::shop::Shop;

/// How long a command may take to say what is denied.
const SOON: Duration = Duration::from_secs(15);

/// What users may not do, by their name.
const USERS: [(&str, &str); 6] = [
    ("deaf", r#"subscribe: { deny: "_INBOX.>" }"#),
    (
        "idle",
        r#"publish: { deny: "$JS.API.CONSUMER.MSG.NEXT.>" }"#,
    ),
    ("mute", r#"publish: { deny: "$JS.ACK.>" }"#),
    ("clean", r#"publish: { deny: "_pf.dlq.>" }"#),
    ("tidy", r#"publish: { deny: "_pf.side.*.run.>" }"#),
    ("reader", r#"publish: { deny: "SHOP.>" }"#),
];

/// A shop whose owner needs no password, and whose other users need one.
fn shop() -> Shop {
    let config = tempfile::NamedTempFile::new().unwrap();
    let user = |(name, permissions): &(&str, &str)| {
        format!("{{ user: {name}, password: p, permissions: {{ {permissions} }} }}")
    };
    let users: Vec<String> = USERS.iter().map(user).collect();
    let text = format!(
        "no_auth_user: owner\nauthorization {{ users: [ {{ user: owner, password: p }}, {} ] }}\n",
        users.join(", ")
    );
    std::fs::write(config.path(), text).unwrap();
    let shop = Shop::on(Broker::start_with(&["-c", config.path().to_str().unwrap()]));
    shop.raw.make(shop.raw.prepared());
    for id in ["e1", "e2"] {
        let publish = ["publish", "order.created", "{}", "--id", id];
        let _ = shop.pf.run(&publish).succeeded();
    }
    shop
}

/// Runs a command as a user, who is told soon what is denied.
fn denied(shop: &Shop, user: &str, args: &[&str], subject: &str) -> Run {
    let url = shop.broker.url("SHOP");
    let url = url.replace("nats://", &format!("nats://{user}:p@"));
    let start = Instant::now();
    let run = Pf::bare().env("PF_URL", &url).run(args);
    assert_eq!(run.code(), Some(77), "{user}: {args:?}: {run}");
    assert!(run.stderr().contains(subject), "{user}: {args:?}: {run}");
    assert!(run.stderr().contains("hint: "), "{user}: {args:?}: {run}");
    assert!(start.elapsed() < SOON, "{user}: {args:?}: {run}");
    run
}

const CONSUME: [&str; 4] = ["consume", "order.*", "--group", "billing"];

fn consume(rest: &[&'static str]) -> Vec<&'static str> {
    [&CONSUME[..], rest].concat()
}

#[test]
fn whoever_cannot_hear_answers_is_told_by_every_command() {
    let shop = shop();
    let text = r#"Permissions Violation for Subscription to "_INBOX."#;
    for args in [
        &["publish", "order.created", "{}"][..],
        &["publish", "order.created", "{}", "--delay", "1h"],
        &["tail"],
        &["tail", "--since", "1h", "--until-end"],
        &consume(&["--", "true"]),
        &["dlq", "list"],
        &["dlq", "stats"],
        &["dlq", "capture", "--until-end"],
        &["dlq", "replay", "--all", "--yes"],
        &["schedule", "list"],
        &["doctor"],
        &["caps"],
    ] {
        let _ = denied(&shop, "deaf", args, text);
    }
}

#[test]
fn whoever_may_not_ask_for_messages_is_told_by_every_command() {
    let shop = shop();
    let run = shop.pf.run(&consume(&[
        "--until-end",
        "--max-attempts",
        "1",
        "--",
        "false",
    ]));
    assert_eq!(run.code(), Some(4), "{run}");
    let next = |stream: &str| {
        format!(r#"Permissions Violation for Publish to "$JS.API.CONSUMER.MSG.NEXT.{stream}"#)
    };
    for (args, stream) in [
        (&consume(&["--", "true"])[..], "SHOP.billing"),
        (&consume(&["--until-end", "--", "true"]), "SHOP.billing"),
        (&["tail"], "SHOP.pf-"),
        (&["tail", "--since", "1h", "--until-end"], "SHOP.pf-"),
        (&["dlq", "list"], "SHOP_DLQ.pf-"),
        (&["dlq", "capture"], "SHOP_ADVISORIES.capture"),
        (&["dlq", "replay", "--all", "--yes"], "SHOP_DLQ.pf-"),
    ] {
        let _ = denied(&shop, "idle", args, &next(stream));
    }
}

#[test]
fn a_consumer_stops_when_what_it_settles_is_denied() {
    let shop = shop();
    let cases = [
        ("mute", "exit 0", "$JS.ACK.SHOP.GROUP."),
        ("mute", "exit 1", "$JS.ACK.SHOP.GROUP."),
        ("mute", "exit 65", "$JS.ACK.SHOP.GROUP."),
        ("tidy", "exit 1", "_pf.side.SHOP.run.GROUP."),
        ("clean", "exit 65", "_pf.dlq.SHOP.GROUP."),
    ];
    for (number, (user, script, subject)) in cases.into_iter().enumerate() {
        for (letter, mode) in [("f", &[][..]), ("e", &["--until-end"])] {
            // What an earlier consumer could not settle is its own for a while.
            let group = format!("{letter}{number}");
            let subject = subject.replace("GROUP", &group);
            let text = format!(r#"Permissions Violation for Publish to "{subject}"#);
            let join = ["consume", "order.*", "--group", &group];
            let args = [&join[..], mode, &["--", "sh", "-c", script]].concat();
            let _ = denied(&shop, user, &args, &text);
        }
    }
}

#[test]
fn events_that_may_not_be_published_stop_a_replay() {
    let shop = shop();
    let run = shop.pf.run(&consume(&[
        "--until-end",
        "--max-attempts",
        "1",
        "--",
        "false",
    ]));
    assert_eq!(run.code(), Some(4), "{run}");
    let text = r#"Permissions Violation for Publish to "SHOP.order.created""#;
    let _ = denied(&shop, "reader", &["dlq", "replay", "--all", "--yes"], text);
    let left = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    assert_eq!(left.json().len(), 2, "{left}");
    let _ = denied(&shop, "reader", &["publish", "order.created", "{}"], text);
}
