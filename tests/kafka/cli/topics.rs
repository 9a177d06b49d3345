//! A group name that serves several topics, each with a handler of its own.

use std::{
    process::Child,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use test_support::{
    harness::Pf,
    kafka::{Raw, records::Record},
    wait::wait_while,
};

use super::{
    asked::{self, ALL, CLUSTER, CREATE, LITERAL, PREFIXED, TOPIC},
    joining::{refused, with_acls},
    shop::Shop,
};

/// A shop with two topics and one group for both.
fn two_topics() -> (Shop, String) {
    let shop = Shop::empty();
    for topic in ["a", "b"] {
        shop.make(topic, 1, &[]);
    }
    let group = shop.name("svc");
    (shop, group)
}

/// Handles what is there of a topic; prints the topic and the attempt of each event.
fn consume(shop: &Shop, topic: &str, group: &str, more: &str) -> String {
    let handle = format!("echo $PF_DELIVERY_TOPIC $PF_DELIVERY_ATTEMPT; {more}");
    let consume = ["consume", topic, "--group", group, "--until-end", "--quiet"];
    let handle = ["--backoff", "500ms", "--", "sh", "-c", &handle];
    let run = shop.pf.run(&[&consume[..], &handle].concat());
    run.stdout().to_owned()
}

/// Starts a consumer that waits for events.
fn start(shop: &Shop, topic: &str, group: &str) -> Child {
    let child = shop
        .pf
        .spawn(&["consume", topic, "--group", group, "--", "cat"]);
    wait_while(|| shop.raw.members(group) == 0);
    child
}

fn end(child: Child, shop: &Shop) {
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let _ = shop.pf.finish(child);
}

#[test]
fn a_retry_reaches_no_handler_of_another_topic() {
    let (shop, group) = two_topics();
    let _ = shop.pf.run(&["publish", "a", "{}"]).succeeded();
    let failing = ["consume", "a", "--group", &group, "--backoff", "4s"];
    let failing = shop.pf.spawn(&[&failing[..], &["--", "false"]].concat());
    let due = loop {
        let retries = shop.raw.retries(&shop.name(&format!("pf.{group}.a.")));
        let waiting = retries.map_or_else(Vec::new, |retries| shop.raw.latest(&retries));
        if let Some(retry) = waiting.first() {
            let story: Value = serde_json::from_str(retry.header("pf-waiting").unwrap()).unwrap();
            break UNIX_EPOCH + Duration::from_millis(story["due"].as_u64().unwrap());
        }
    };
    end(failing, &shop);
    wait_while(|| SystemTime::now() < due);
    assert_eq!(consume(&shop, "b", &group, "true"), "");
    assert_eq!(consume(&shop, "a", &group, "true"), "a 2\n");
}

#[test]
fn nor_does_a_replay() {
    let (shop, group) = two_topics();
    let _ = shop.pf.run(&["publish", "a", "{}"]).succeeded();
    assert_eq!(consume(&shop, "a", &group, "exit 65"), "a 1\n");
    let replay = ["dlq", "replay", "--topic", "a", "--yes"];
    let other = start(&shop, "b", &group);
    let replayed = shop.show(&replay);
    end(other, &shop);
    assert_snapshot!(replayed, @"
    exit: 0
    --- stdout
    replayed 1 dead letter

    --- stderr
    replay 1 dead letter of kafka://SERVER/?prefix=&partitions=1
            1  to svc on a
    because of
            1  exit status 65 (permanent)
    warning: no running consumer of group svc reads a: replayed messages wait for one
    ");
    assert_eq!(consume(&shop, "b", &group, "true"), "");
    assert_eq!(consume(&shop, "a", &group, "exit 65"), "a 1\n");
    let own = start(&shop, "a", &group);
    let preview = shop.show(&["dlq", "replay", "--topic", "a", "--dry-run"]);
    end(own, &shop);
    assert_snapshot!(preview, @"
    exit: 0
    --- stdout
    replay 1 dead letter of kafka://SERVER/?prefix=&partitions=1
            1  to svc on a
    because of
            1  exit status 65 (permanent)

    --- stderr
    warning: 1 dead letter was replayed before, up to 1x each: is the cause fixed?
    ");
}

#[test]
fn topics_of_retries_that_nobody_reads_are_reported() {
    let (shop, group) = two_topics();
    for topic in ["a", "b"] {
        let _ = shop.pf.run(&["publish", topic, "{}"]).succeeded();
        let _ = consume(&shop, topic, &group, "exit 65");
    }
    let _ = shop
        .pf
        .run(&["dlq", "replay", "--topic", "b", "--yes"])
        .succeeded();
    let compacted = [("cleanup.policy", "compact")];
    let legacy = format!("pf.{group}.delay");
    shop.make(&legacy, 1, &compacted);
    // Its topic is gone.
    shop.raw.remove(&shop.name("b"));
    let doctor = |shop: &Shop| {
        let run = shop.pf.run(&["doctor"]);
        let shown = shop.hide(&run);
        let lines = shown
            .lines()
            .skip_while(|line| !line.contains("orphan.") && !line.contains("legacy."));
        lines
            .take_while(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join("\n")
    };
    assert_snapshot!(doctor(&shop), @"
    warning  orphan.pf.svc.b.HASH.delay `pf.svc.b.HASH.delay` holds 1 retry, and its group or its topic no longer exists: deleting it loses them
                                  fix: kafka-topics.sh --bootstrap-server SERVER --delete --topic pf.svc.b.HASH.delay
    warning  legacy.pf.svc.delay `pf.svc.delay`, in which earlier versions kept the retries of all topics, is empty: delete it once no consumer of group `svc` runs such a version
                                  fix: kafka-topics.sh --bootstrap-server SERVER --delete --topic pf.svc.delay
    ");
    let retry = Record {
        partition: Some(0),
        key: Some(b"c/0/0".to_vec()),
        headers: vec![(
            "pf-waiting".to_owned(),
            Some(br#"{"due":1,"topic":"c"}"#.to_vec()),
        )],
        payload: Some(b"{}".to_vec()),
    };
    shop.raw.write(&shop.name(&legacy), &[retry]);
    assert!(
        doctor(&shop).contains("holds 1 retry: a consumer of group"),
        "{}",
        doctor(&shop)
    );
    // Nobody reads its topic: whoever reads another one of the group moves it.
    assert_eq!(consume(&shop, "a", &group, "true"), "");
    while !shop.raw.latest(&shop.name(&legacy)).is_empty() {
        assert_eq!(consume(&shop, "a", &group, "true"), "");
    }
    assert!(
        doctor(&shop).contains("holds 1 retry, and its group or its topic no longer exists"),
        "{}",
        doctor(&shop)
    );
}

#[test]
fn an_acl_that_names_one_topic_of_retries_is_told_what_it_has_to_be() {
    let (broker, address) = with_acls(&[]);
    Raw::new(broker.address()).make("order.created", 1, &[]);
    let retries = (TOPIC, "pf.mail.", PREFIXED);
    for (named, whom) in [
        (retries, ("User:bob", ALL)),
        ((TOPIC, "pf.mail.delay", LITERAL), ("User:ann", ALL)),
        ((CLUSTER, "kafka-cluster", LITERAL), ("User:bob", CREATE)),
    ] {
        asked::allow_only(&broker.address(), named, whom);
    }
    let url = format!("kafka://ann@{address}/?partitions=1");
    let pf = Pf::bare().env("PF_URL", &url).env("PF_PASSWORD", "secret");
    let consume = [
        "consume",
        "order.created",
        "--group",
        "mail",
        "--until-end",
        "--",
        "cat",
    ];
    let run = pf.run(&consume);
    assert_eq!(run.code(), Some(77), "{run}");
    assert_snapshot!(refused(&run).replace(&address, "SERVER"), @"
    error: kafka: the cluster's ACLs do not allow Describe on topic `pf.mail.order.created.170a67b2.delay`
    hint: kafka-acls.sh --bootstrap-server SERVER --add --allow-principal User:ann --operation All --resource-pattern-type prefixed --topic pf.mail.
    ");
    // As the command would.
    asked::allow_only(&broker.address(), retries, ("User:ann", ALL));
    let _ = pf.run(&consume).succeeded();
}
