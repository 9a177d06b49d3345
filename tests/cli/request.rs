//! `pf request` and `pf consume --reply`.

use std::fmt::Write as _;

use insta::assert_snapshot;
use test_support::request::{TOPIC, check, responder};

use crate::harness::Pf;

#[test]
fn a_request_gets_its_reply() {
    check(&Pf::new());
}

#[test]
fn without_a_responder_it_ends_and_is_not_handled_later() {
    let pf = Pf::new();
    let run = pf.run(&["request", TOPIC, "{}", "--create", "--timeout", "50ms"]);
    assert_snapshot!(run, @"
    exit: 3
    --- stdout

    --- stderr
    error: no reply within [MS]
    hint: is there a consumer that replies? pf consume price.asked --group NAME --reply -- ./reply.sh
    ");
    let consume = ["consume", TOPIC, "-g", "pricing", "--until-end", "--reply"];
    let late = pf.run(&[&consume[..], &["--", "sh", "-c", "echo 1"]].concat());
    assert!(late.stderr().contains("0 handled, 1 dead letter"), "{late}");
    let replies = pf.run(&["tail", "reply.**", "--until-end"]).succeeded();
    assert_eq!(replies.stdout(), "", "nobody waits for a reply");
}

#[test]
fn several_replies_are_collected() {
    let pf = Pf::new();
    let responders = ["a", "b"].map(|group| {
        let script = "echo 1; echo one more";
        responder(&pf, group, "1", &[], script)
    });
    let args = ["request", TOPIC, "{}", "--create", "--timeout", "40s"];
    let run = pf
        .run(&[&args[..], &["--replies", "4"]].concat())
        .succeeded();
    let mut lines: Vec<_> = run.stdout().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["1", "1", "one more", "one more"]);
    for responder in responders {
        let _ = pf.finish(responder).succeeded();
    }
    let few = ["--timeout", "1s", "--replies", "3"];
    let answers = responder(&pf, "a", "1", &[], "echo 1");
    let run = pf.run(&[&["request", TOPIC, "{}"], &few[..]].concat());
    let _ = pf.finish(answers);
    assert_eq!(run.code(), Some(3), "{run}");
}

#[test]
fn a_reply_to_another_request_is_not_taken() {
    let pf = Pf::new();
    let mut child = pf.spawn(&["request", TOPIC, "{}", "--create", "--timeout", "2s"]);
    drop(child.stdin.take());
    let foreign = [
        "publish",
        "price.asked.reply",
        "1",
        "--topic",
        "reply.price.asked",
    ];
    let extension = ["--extension", "causationid=another", "--create"];
    let _ = pf.run(&[&foreign[..], &extension].concat()).succeeded();
    let run = pf.finish(child);
    assert_eq!((run.code(), run.stdout()), (Some(3), ""), "{run}");
}

#[test]
fn an_address_that_is_not_allowed_gets_no_run() {
    let pf = Pf::new();
    for address in ["order.created", "reply.dlq", "pf.state", "a b"] {
        let args = ["publish", TOPIC, "{}", "--create", "--extension"];
        let address = format!("replyto={address}");
        let _ = pf.run(&[&args[..], &[&address]].concat()).succeeded();
    }
    let consume = [
        "consume",
        TOPIC,
        "-g",
        "pricing",
        "--until-end",
        "--reply",
        "-q",
    ];
    let run = pf.run(&[&consume[..], &["--", "sh", "-c", "echo 1; touch ran"]].concat());
    assert_snapshot!(run, @"
    exit: 4
    --- stdout

    --- stderr
    error: 4 events were dead-lettered
    hint: list them: pf dlq list --group pricing
    ");
    assert!(!pf.path("ran").exists());
    let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    let wider = ["--reply-to", "order.*", "--", "sh", "-c", "echo 1"];
    let run = pf.run(&[&consume[..], &wider].concat());
    assert_eq!(run.code(), Some(4), "{run}");
    let replies = pf.run(&["tail", "order.created", "--until-end", "-o", "data"]);
    assert_eq!(replies.stdout(), "1\n");
}

#[test]
fn a_worker_replies_too() {
    let pf = Pf::new();
    let worker = r#"while read -r line; do
        id=${line#*\"id\":\"}; echo "{\"id\":\"${id%%\"*}\",\"action\":\"ack\",\"reply\":{\"total\":12}}"
    done"#;
    let answers = responder(&pf, "pricing", "1", &["--worker"], worker);
    let args = ["request", TOPIC, "{}", "--create", "--timeout", "40s"];
    let run = pf.run(&args);
    let _ = pf.finish(answers);
    assert_eq!(run.succeeded().stdout(), "{\"total\":12}\n");
}

/// A responder that is killed between its reply and the acknowledgement replies again: with the same id.
#[test]
fn a_reply_that_is_repeated_is_one() {
    let pf = Pf::new();
    let args = [
        "request",
        TOPIC,
        "{}",
        "--create",
        "--timeout",
        "4s",
        "--replies",
        "all",
    ];
    let mut asking = pf.spawn(&args);
    drop(asking.stdin.take());
    let consume = [
        "consume", TOPIC, "-g", "pricing", "--count", "1", "--create", "--reply",
    ];
    let consume = [&consume[..], &["--", "sh", "-c", "echo 12"]].concat();
    let killed = pf
        .command(&consume)
        .env("PF_FAILPOINT", "consume.responses_stored")
        .output();
    assert!(!killed.unwrap().status.success());
    let _ = pf.run(&consume).succeeded();
    let run = pf.finish(asking).succeeded();
    assert_eq!(run.stdout(), "12\n");
    let stored = pf
        .run(&["tail", "reply.**", "--until-end", "-o", "json"])
        .json();
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[0]["event"]["id"], stored[1]["event"]["id"]);
}

#[test]
fn what_cannot_be_asked_is_said() {
    let pf = Pf::new();
    let mut said = String::new();
    for args in [
        &["request", TOPIC, "{}"][..],
        &["request", "order.dlq", "{}", "--create"],
        &["request", TOPIC, "{}", "--replies", "0"],
        &["request", TOPIC, "{", "--create"],
        &[
            "consume",
            TOPIC,
            "-g",
            "a",
            "--reply-to",
            "reply.*",
            "--",
            "true",
        ],
    ] {
        let run = pf.run(args);
        let home = pf.path("").display().to_string();
        let stderr = run.stderr().replace(&home, "/home/ann/");
        write!(said, "{:?} {stderr}", run.code()).unwrap();
    }
    assert_snapshot!(said, @"
    Some(1) error: sqlite: there is no store `/home/ann/events.db`
    hint: check the name; the first `pf publish` creates a store
    Some(2) error: `order.dlq` is a dead-letter store
    hint: list dead letters with `pf dlq list`, replay them with `pf dlq replay`
    Some(2) error: invalid value '0' for '--replies <N>': use a number from 1, or `all`

    For more information, try '--help'.
    Some(1) error: data is not valid JSON, which `datacontenttype` requires
    Some(2) error: the following required arguments were not provided:
      --reply

    Usage: pf consume --reply --group <NAME> --reply-to <PATTERN> <TOPIC>... -- <CMD>...

    For more information, try '--help'.
    ");
}
