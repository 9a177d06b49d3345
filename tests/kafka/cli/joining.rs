//! Groups that let nobody in: what is said, how soon, and that a limit and a signal hold all the same.

use std::{
    io::Read as _,
    net::TcpListener,
    process::Child,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use test_support::{
    harness::{Pf, Run},
    kafka::{Broker, Member, Raw},
    wait::wait_while,
};

use super::{
    asked::{self, DESCRIBE, GROUP, LITERAL, READ, TOPIC},
    shop::Shop,
};

/// Within so long it is said why a group lets nobody in.
const SOON: Duration = Duration::from_secs(5);
/// What starting, and leaving, may take beside that on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// Joins with another client, which shares out partitions by `range`.
fn join(shop: &Shop) -> Member {
    let range = [("partition.assignment.strategy", "range")];
    let (group, topic) = (shop.name("mail"), shop.name("order.created"));
    Member::join(shop.address(), &group, &range, &[&topic], 1)
}

/// Runs a consumer, and tells how long it took.
fn consume(pf: &Pf, group: &str, more: &[&str]) -> (Run, Duration) {
    let start = Instant::now();
    let consume = ["consume", "order.created", "--group", group];
    let run = pf.run(&[&consume[..], more, &["--", "cat"]].concat());
    (run, start.elapsed())
}

/// Returns the last lines of stderr, behind those about what was made.
fn told(shop: &Shop, run: &Run) -> String {
    let shown = shop.hide(run);
    let (_, stderr) = shown.split_once("--- stderr\n").unwrap();
    let lines = stderr.lines().filter(|line| !line.starts_with("made "));
    lines.skip(1).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_group_with_another_strategy_is_refused_with_the_one_to_set() {
    let shop = Shop::with_orders();
    let group = shop.name("mail");
    let _other = join(&shop).polling();
    let (run, took) = consume(&shop.pf, &group, &["--until-end"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(took < SOON + SLACK, "{took:?}");
    insta::assert_snapshot!(told(&shop, &run), @r"
    error: kafka: group `mail` cannot be joined: its members (1) assign partitions by `range`, this consumer by `cooperative-sticky`
    hint: add `partition.assignment.strategy=range` to the URL, or stop the other members first
    ");
    let url = shop.url("partitions=1&partition.assignment.strategy=range");
    let (run, _) = consume(&shop.pf, &group, &["--until-end", "--url", &url]);
    assert_eq!(run.code(), Some(0), "{run}");
}

#[test]
fn a_session_that_is_too_short_is_refused_with_a_fitting_one() {
    let shop = Shop::with_orders();
    let url = shop.url("session.timeout.ms=50&heartbeat.interval.ms=10");
    let (run, took) = consume(&shop.pf, &shop.name("mail"), &["--url", &url]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(took < SOON + SLACK, "{took:?}");
    insta::assert_snapshot!(told(&shop, &run), @r"
    error: kafka: group `mail` cannot be joined: the broker refuses a session timeout of 50 ms
    hint: the broker accepts 100 to 1800000 ms: add `session.timeout.ms=100` to the URL
    ");
}

/// Starts a consumer whose group waits for a member that stands still; returns once that is said.
fn stuck(shop: &Shop, more: &[&str]) -> (Member, Child, String) {
    let (group, other) = (shop.name("mail"), join(shop));
    let url = shop.url("partitions=1&partition.assignment.strategy=range");
    let consume = ["consume", "order.created", "--group", &group, "--url", &url];
    let start = Instant::now();
    let mut child = shop
        .pf
        .spawn(&[&consume[..], more, &["--", "cat"]].concat());
    let mut stderr = child.stderr.take().unwrap();
    let (mut said, mut some) = (Vec::new(), [0; 1024]);
    while !String::from_utf8_lossy(&said).contains("still waiting") {
        let count = stderr.read(&mut some).unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&said));
        said.extend(&some[..count]);
    }
    assert!(start.elapsed() < SOON + SLACK, "{:?}", start.elapsed());
    child.stderr = Some(stderr);
    let said = String::from_utf8(said).unwrap();
    (other, child, said.lines().last().unwrap().to_owned())
}

#[test]
fn a_group_that_waits_for_a_member_ends_with_the_limit() {
    let shop = Shop::with_orders();
    let start = Instant::now();
    let (_other, child, said) = stuck(&shop, &["--until-end", "--timeout", "7s"]);
    let said = said.replace(&shop.name(""), "");
    insta::assert_snapshot!(said, @"warning: kafka: still waiting to join group `mail`: another member has to rejoin first (PreparingRebalance); a member that hangs is removed after its `session.timeout.ms` or `max.poll.interval.ms`");
    let run = shop.pf.finish(child);
    assert_eq!(run.code(), Some(3), "{run}");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(7) + SLACK, "{took:?}");
}

#[test]
fn a_group_that_waits_for_a_member_ends_with_a_signal() {
    let shop = Shop::with_orders();
    let (_other, child, _) = stuck(&shop, &[]);
    let start = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let run = shop.pf.finish(child);
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
}

#[test]
fn a_limit_and_a_signal_hold_while_nobody_answers() {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "kafka://{}/?connect-timeout=60s",
        silent.local_addr().unwrap()
    );
    let pf = Pf::bare().env("PF_URL", &url);
    let (run, took) = consume(&pf, "mail", &["--timeout", "1s"]);
    assert_eq!(run.code(), Some(3), "{run}");
    assert!(took < SLACK, "{took:?}");
    let start = Instant::now();
    let run = pf.run(&["tail", "order.created", "--until-end", "--timeout", "1s"]);
    assert_eq!(run.code(), Some(3), "{run}");
    assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "kafka://{}/?connect-timeout=60s",
        silent.local_addr().unwrap()
    );
    let pf = pf.env("PF_URL", &url);
    let consume = ["consume", "order.created", "--group", "mail", "--", "cat"];
    let child = pf.spawn(&consume);
    let (_connection, _) = silent.accept().unwrap();
    let start = Instant::now();
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let run = pf.finish(child);
    assert_eq!(run.code(), Some(0), "{run}");
    assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
}

#[test]
fn the_time_to_connect_holds_for_every_command() {
    // Takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("kafka://{}/", silent.local_addr().unwrap());
    let pf = Pf::bare().env("PF_URL", &url);
    for command in [
        "publish order.created {}",
        "publish order.created {} --delay 1h",
        "tail order.created",
        "consume order.created --group mail -- cat",
        "caps",
        "doctor",
        "dlq list",
        "dlq stats",
        "dlq replay --all --yes",
        "schedule list",
        "schedule cancel 01M8P8M71179DBFFJZ9CQPKSHW",
        "schedule run",
    ] {
        let words = command.split(' ');
        let args: Vec<&str> = ["--connect-timeout", "2s"]
            .into_iter()
            .chain(words)
            .collect();
        let start = Instant::now();
        let run = pf.run(&args);
        assert_eq!(run.code(), Some(69), "{command}: {run}");
        // Twice the time would be more.
        assert!(
            start.elapsed() < Duration::from_millis(3900),
            "{command}: {run}"
        );
    }
}

/// Starts a broker with a door for a user, who may do everything that no ACL is about.
pub(crate) fn with_acls(more: &[&str]) -> (Broker, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let doors = format!(
        "PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller}},GUARDED://{address}"
    );
    let module = "org.apache.kafka.common.security.plain.PlainLoginModule";
    let users = format!("{module} required user_ann=\"secret\";");
    let protocols = "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,GUARDED:SASL_PLAINTEXT";
    let settings = [
        &format!("listeners={doors}"),
        &format!("advertised.listeners={doors}"),
        &format!("listener.security.protocol.map={protocols}"),
        "listener.name.guarded.sasl.enabled.mechanisms=PLAIN",
        &format!("listener.name.guarded.plain.sasl.jaas.config={users}"),
        "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users=User:ANONYMOUS",
        "allow.everyone.if.no.acl.found=true",
    ];
    let broker = Broker::start_with(&[&settings[..], more].concat());
    (broker, address.to_string())
}

/// Starts one where the user may do everything but read group `svc` and topic `secret`, and groups have one member.
fn strict() -> (Broker, String) {
    let (broker, address) = with_acls(&["group.max.size=1"]);
    let raw = Raw::new(broker.address());
    raw.make("order.created", 1, &[]);
    raw.make("secret", 1, &[]);
    for (resource, name, user, operation) in [
        (GROUP, "svc", "User:bob", READ),
        (TOPIC, "secret", "User:bob", READ),
        (TOPIC, "secret", "User:ann", DESCRIBE),
    ] {
        let named = (resource, name, LITERAL);
        asked::allow_only(&broker.address(), named, (user, operation));
    }
    (broker, address)
}

/// Returns the error and its hint.
pub(crate) fn refused(run: &Run) -> String {
    let lines = run.stderr().lines();
    let lines = lines.skip_while(|line| !line.starts_with("error"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_forbidden_or_full_is_refused() {
    let (broker, guarded) = strict();
    let raw = Raw::new(broker.address());
    let url = format!("kafka://ann@{guarded}/?partitions=1");
    let pf = Pf::bare().env("PF_URL", &url).env("PF_PASSWORD", "secret");
    let (run, took) = consume(&pf, "svc", &["--until-end"]);
    assert_eq!(run.code(), Some(77), "{run}");
    assert!(took < SOON + SLACK, "{took:?}");
    insta::assert_snapshot!(refused(&run).replace(&guarded, "SERVER"), @r"
    error: kafka: the cluster's ACLs do not allow Read on group `svc`
    hint: kafka-acls.sh --bootstrap-server SERVER --add --allow-principal User:ann --operation Read --group svc
    ");
    let run = pf.run(&["consume", "secret", "--group", "other", "--", "cat"]);
    assert_eq!(run.code(), Some(77), "{run}");
    insta::assert_snapshot!(refused(&run).replace(&guarded, "SERVER"), @r"
    error: kafka: the cluster's ACLs do not allow Read on topic `secret`
    hint: kafka-acls.sh --bootstrap-server SERVER --add --allow-principal User:ann --operation Read --topic secret
    ");
    let first = pf.spawn(&["consume", "order.created", "--group", "full", "--", "cat"]);
    wait_while(|| raw.members("full") == 0);
    let (run, took) = consume(&pf, "full", &["--until-end"]);
    assert_eq!(run.code(), Some(78), "{run}");
    assert!(took < SOON + SLACK, "{took:?}");
    insta::assert_snapshot!(refused(&run), @r"
    error: kafka: group `full` cannot be joined: it is full
    hint: start fewer consumers, or raise `group.max.size` on the brokers
    ");
    kill_process(Pid::from_child(&first), Signal::TERM).unwrap();
    let _ = pf.finish(first);
}
