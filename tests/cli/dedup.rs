//! `pf publish --dedup` and `?dedup=event`: a duplicate of an event is reported as such and never published.

use insta::assert_snapshot;

use crate::{
    consume::{consume, event},
    harness::Pf,
};

fn ids(pf: &Pf) -> Vec<String> {
    let tail = ["tail", "order.created", "--until-end", "-o", "event"];
    let events = pf.run(&tail).succeeded().json();
    let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
    events.iter().map(id).collect()
}

fn lines(ids: &[&str]) -> String {
    ids.iter().map(|id| event(id, "")).collect()
}

#[test]
fn one_event_is_published_once() {
    let pf = Pf::new();
    let publish = [
        "publish",
        "order.created",
        "{}",
        "--source",
        "/shop",
        "--id",
        "7",
        "--dedup",
    ];
    assert_snapshot!(pf.run(&publish), @"
    exit: 0
    --- stdout

    --- stderr
    published 7 to order.created
    ");
    assert_snapshot!(pf.run(&publish), @"
    exit: 0
    --- stdout

    --- stderr
    7 was already published to order.created: not published again
    ");
    let json = pf.run(&[&publish[..], &["-o", "json"]].concat());
    assert_snapshot!(json, @r#"
    exit: 0
    --- stdout
    {"id":"7","topic":"order.created","position":"1","duplicate":true}

    --- stderr
    7 was already published to order.created: not published again
    "#);
    assert_eq!(ids(&pf), ["7"]);
    let _ = pf.run(&publish[..publish.len() - 1]).succeeded();
    assert_eq!(ids(&pf), ["7", "7"], "without the flag it is another one");
}

#[test]
fn a_stream_is_published_again_without_its_duplicates() {
    let pf = Pf::new();
    let publish = ["publish", "--ndjson", "--dedup"];
    assert_snapshot!(pf.run_with(&publish, lines(&["1", "2", "1"])), @"
    exit: 0
    --- stdout

    --- stderr
    published 2 events, 1 duplicate was not published again
    ");
    let again = [&publish[..], &["-o", "json"]].concat();
    assert_snapshot!(pf.run_with(&again, lines(&["1", "2", "3", "4"])), @r#"
    exit: 0
    --- stdout
    {"line":1,"id":"1","topic":"order.created","position":"1","duplicate":true}
    {"line":2,"id":"2","topic":"order.created","position":"2","duplicate":true}
    {"line":3,"id":"3","topic":"order.created","position":"3"}
    {"line":4,"id":"4","topic":"order.created","position":"4"}

    --- stderr
    published 2 events, 2 duplicates were not published again
    "#);
    assert_eq!(ids(&pf), ["1", "2", "3", "4"]);
    assert_snapshot!(pf.run_with(&publish, lines(&["1", "2", "3", "4"])), @"
    exit: 0
    --- stdout

    --- stderr
    published 0 events, 4 duplicates were not published again
    ");
}

#[test]
fn a_delayed_event_is_known_from_then_on() {
    let pf = Pf::new();
    let publish = ["publish", "--ndjson", "--dedup"];
    let delayed = [&publish[..], &["--delay", "1h"]].concat();
    let _ = pf.run_with(&delayed, lines(&["1"])).succeeded();
    assert_snapshot!(pf.run_with(&delayed, lines(&["1"])), @"
    exit: 0
    --- stdout

    --- stderr
    published 0 events, 1 duplicate was not published again
    ");
    assert_snapshot!(pf.run_with(&publish, lines(&["1"])), @"
    exit: 0
    --- stdout

    --- stderr
    published 0 events, 1 duplicate was not published again
    ");
    let schedules = pf.run(&["schedule", "list", "-o", "json"]).succeeded();
    assert_eq!(schedules.json().len(), 1);
}

#[test]
fn the_url_asks_for_it_for_all_that_is_published() {
    let pf = Pf::new().env("PF_URL", "sqlite:events.db?dedup=event");
    for _ in 0..2 {
        let _ = pf
            .run_with(&["publish", "--ndjson"], lines(&["1", "2"]))
            .succeeded();
    }
    assert_eq!(ids(&pf), ["1", "2"]);
    let bad = Pf::new().env("PF_URL", "sqlite:events.db?dedup=id");
    assert_snapshot!(bad.run(&["publish", "a", "{}"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: sqlite: `dedup=id` is not a valid value
    hint: use `event`
    ");
}

#[test]
fn what_a_repeated_run_emits_is_published_once() {
    let pf = Pf::new().env("PF_URL", "sqlite:events.db?dedup=event");
    let _ = pf
        .run_with(&["publish", "--ndjson"], lines(&["1"]))
        .succeeded();
    let emit = |group: &str| {
        let script = r#"echo '{"type":"payment.done","source":"/pay","id":"p-1"}'"#;
        let args = [
            "consume",
            "order.created",
            "-g",
            group,
            "--until-end",
            "--emit",
            "-q",
        ];
        let _ = pf
            .run(&[&args[..], &["--", "sh", "-c", script]].concat())
            .succeeded();
    };
    emit("a");
    emit("b");
    let tail = ["tail", "payment.done", "--until-end", "-o", "event"];
    assert_eq!(pf.run(&tail).succeeded().json().len(), 1);
}

#[test]
fn retries_and_replays_are_not_duplicates() {
    let pf = Pf::new().env("PF_URL", "sqlite:events.db?dedup=event");
    let _ = pf
        .run_with(&["publish", "--ndjson"], lines(&["1"]))
        .succeeded();
    let run = consume(&pf, &[], "[ $PF_DELIVERY_ATTEMPT = 1 ] && exit 75; exit 65");
    assert!(run.stderr().contains("1 retry, 1 dead letter"), "{run}");
    let _ = pf
        .run(&["dlq", "replay", "--all", "--yes", "-q"])
        .succeeded();
    let run = consume(&pf, &[], "echo $PF_EVENT_ID").succeeded();
    assert_eq!(run.stdout(), "1\n");
}

#[test]
fn events_that_were_there_before_are_no_duplicates() {
    let pf = Pf::new();
    let _ = pf
        .run_with(&["publish", "--ndjson"], lines(&["1"]))
        .succeeded();
    for _ in 0..2 {
        let _ = pf
            .run_with(&["publish", "--ndjson", "--dedup"], lines(&["1"]))
            .succeeded();
    }
    assert_eq!(ids(&pf), ["1", "1"]);
}

#[test]
fn what_can_have_no_duplicate_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "order.created", "{}", "--dedup"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `--dedup` has no effect on an event that gets a new id
    hint: give the id of the event with `--id`
    ");
    let lines = ["publish", "order.created", "--lines", "--dedup"];
    assert_snapshot!(pf.run_with(&lines, "{}\n"), @"
    exit: 2
    --- stdout

    --- stderr
    error: `--dedup` has no effect on an event that gets a new id
    hint: publish events that have an id with `--ndjson`
    ");
    let plain = r#"{"message":{"topic":"order.created","key":null,"headers":[],"payload":"text"}}"#;
    assert_snapshot!(pf.run_with(&["publish", "--ndjson", "--dedup"], plain), @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: sqlite: a duplicate of a message that is not a CloudEvent cannot be recognised: not a CloudEvent: no JSON object in the payload and no attributes in headers
    hint: publish it without `--dedup` and `?dedup=event`
    published 0 events
    error: 1 line was not published
    ");
}

#[test]
fn an_old_event_is_forgotten_with_the_retention() {
    let pf = Pf::new().env("PF_URL", "sqlite:events.db?dedup=event&retention=0s");
    for _ in 0..2 {
        let _ = pf
            .run_with(&["publish", "--ndjson"], lines(&["1"]))
            .succeeded();
    }
    assert_eq!(ids(&pf), ["1", "1"]);
}
