//! `pf consume`: how it ends, what it says.

use insta::assert_snapshot;

use crate::harness::{Pf, Run};

/// Returns a store that holds these events of type `order.created`.
pub(crate) fn store_with(ids: &[&str]) -> Pf {
    let pf = Pf::new();
    publish(&pf, ids);
    pf
}

/// Publishes events of type `order.created`.
pub(crate) fn publish(pf: &Pf, ids: &[&str]) {
    let lines: String = ids.iter().map(|id| event(id, "")).collect();
    let _ = pf.run_with(&["publish", "--ndjson"], lines).succeeded();
}

/// Returns an event as a line; `more` stands before its end.
pub(crate) fn event(id: &str, more: &str) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"//test\",\"type\":\"order.created\",\
         \"data\":{{\"n\":1}}{more}}}\n"
    )
}

/// Consumes everything that is there with a shell script, failed runs at once again.
#[must_use]
pub(crate) fn consume(pf: &Pf, flags: &[&str], script: &str) -> Run {
    let mut args = vec!["consume", "order.created", "--group", "billing"];
    args.extend(["--until-end", "--backoff", "0s"]);
    args.extend(flags);
    args.extend(["--", "sh", "-c", script]);
    pf.run(&args)
}

/// Returns what a group has as dead letters.
pub(crate) fn letters(pf: &Pf) -> Vec<serde_json::Value> {
    pf.run(&["dlq", "list", "-o", "json"]).succeeded().json()
}

#[test]
fn the_environment_may_name_the_group() {
    let pf = store_with(&["1", "2"]).env("PF_GROUP", "billing");
    let consume = |flags: &[&str]| {
        let mut args = vec!["consume", "order.created", "--count", "1"];
        args.extend(flags);
        args.extend(["--", "sh", "-c", "echo $PF_DELIVERY_GROUP"]);
        pf.run(&args).succeeded().stdout().to_owned()
    };
    assert_eq!(consume(&[]), "billing\n");
    assert_eq!(consume(&["--group", "audit"]), "audit\n");
    let pf = pf.env("PF_GROUP", "");
    let run = pf.run(&["consume", "order.created", "--", "true"]);
    assert!(run.stderr().starts_with("error: no group"), "{run}");
}

#[test]
fn a_store_that_is_made_is_told() {
    let pf = Pf::new();
    let run = pf.run(&["consume", "a", "-g", "g", "--until-end", "--", "true"]);
    assert_snapshot!(run, @"
    exit: 0
    --- stdout

    --- stderr
    consuming a as group g: true
    created the store [HOME]/events.db
    0 handled
    ");
}

#[test]
fn until_end_handles_what_is_there_and_ends() {
    let pf = store_with(&["a", "b", "c"]);
    assert_snapshot!(consume(&pf, &[], "echo $PF_EVENT_ID"), @r"
    exit: 0
    --- stdout
    a
    b
    c

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    3 handled
    ");
    assert_snapshot!(consume(&pf, &[], "echo $PF_EVENT_ID"), @r"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    0 handled
    ");
}

#[test]
fn groups_do_not_disturb_each_other() {
    let pf = store_with(&["a"]);
    let _ = consume(&pf, &[], "exit 65");
    let other = [
        "consume",
        "order.created",
        "-g",
        "audit",
        "--until-end",
        "-q",
        "--",
        "cat",
    ];
    assert_eq!(pf.run(&other).succeeded().json()[0]["id"], "a");
}

#[test]
fn count_takes_no_more_than_it_says() {
    let pf = store_with(&["a", "b", "c"]);
    let run = |count: &str| {
        pf.run(&[
            "consume",
            "order.created",
            "-g",
            "g",
            "--count",
            count,
            "--",
            "sh",
            "-c",
            "echo $PF_EVENT_ID",
        ])
        .succeeded()
        .stdout()
        .to_owned()
    };
    assert_eq!(run("2"), "a\nb\n");
    assert_eq!(run("1"), "c\n");
}

#[test]
fn a_time_that_is_up_first_is_3() {
    let pf = store_with(&["a"]);
    let args = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--count",
        "2",
        "--timeout",
        "1s",
        "--",
        "true",
    ];
    assert_snapshot!(pf.run(&args), @r"
    exit: 3
    --- stdout

    --- stderr
    consuming order.created as group g: true
    1 handled
    error: time limit reached before everything was done
    ");
}

#[test]
fn a_retry_that_is_due_later_stays_stored() {
    let pf = store_with(&["a"]);
    let args = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--until-end",
        "--timeout",
        "1s",
        "--backoff",
        "1h",
    ];
    let run = |script: &str| pf.run(&[&args[..], &["--", "sh", "-c", script]].concat());
    assert_snapshot!(run("exit 1"), @"
    exit: 3
    --- stdout

    --- stderr
    consuming order.created as group g: sh -c 'exit 1'
    attempt 1 of order.created a failed, retrying in 1h: exit status 1
    0 handled, 1 retry
    error: time limit reached before everything was done
    ");
    assert_eq!(letters(&pf).len(), 0);
}

#[test]
fn dead_letters_of_a_bounded_run_are_4() {
    let pf = store_with(&["a", "b"]);
    let script = r#"test $PF_EVENT_ID = a || { echo "no stock" >&2; exit 65; }"#;
    assert_snapshot!(consume(&pf, &[], script), @r#"
    exit: 4
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'test $PF_EVENT_ID = a || { echo "no stock" >&2; exit …
    no stock
    dead letter order.created b (permanent): exit status 65: no stock
    1 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    "#);
    let letters = letters(&pf);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0]["event"]["id"], "b");
}

#[test]
fn attempts_are_counted_and_end_in_a_dead_letter() {
    let pf = store_with(&["a"]);
    let script = "echo attempt $PF_DELIVERY_ATTEMPT of $PF_DELIVERY_MAX_ATTEMPTS; exit 1";
    assert_snapshot!(consume(&pf, &["--max-attempts", "2"], script), @"
    exit: 4
    --- stdout
    attempt 1 of 2
    attempt 2 of 2

    --- stderr
    consuming order.created as group billing: sh -c 'echo attempt $PF_DELIVERY_ATTEMPT of $PF_DELIVERY_MAX…
    attempt 1 of order.created a failed, retrying in 0s: exit status 1
    dead letter order.created a (exhausted): exit status 1
    0 handled, 1 retry, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    ");
    assert_eq!(letters(&pf)[0]["dead_letter"]["attempts"], 2);
}

#[test]
fn an_event_may_say_how_many_attempts_it_wants() {
    let pf = Pf::new();
    let line = event("a", ",\"pf_max_attempts\":1");
    let _ = pf.run_with(&["publish", "--ndjson"], line).succeeded();
    let run = consume(
        &pf,
        &[],
        "echo $PF_DELIVERY_ATTEMPT/$PF_DELIVERY_MAX_ATTEMPTS; exit 1",
    );
    assert_eq!(run.stdout(), "1/1\n");
}

#[test]
fn nearly_everything_failing_ends_a_bounded_run_with_1() {
    let ids: Vec<String> = (0..60).map(|id| format!("e{id:02}")).collect();
    let pf = store_with(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let run = consume(&pf, &["-q"], "exit 65");
    assert_eq!(run.code(), Some(1), "{run}");
    let left = consume(&pf, &["-q"], "echo $PF_EVENT_ID").succeeded();
    assert_eq!(left.stdout().lines().count() + letters(&pf).len(), 60);
}

#[test]
fn messages_that_are_no_events_stop_the_run_unless_wrapped() {
    let pf = Pf::new();
    let lines = r#"{"message":{"topic":"order.created","payload":"plain text"}}"#;
    let lines = format!("{lines}\n").repeat(20);
    let _ = pf.run_with(&["publish", "--ndjson"], lines).succeeded();
    assert_snapshot!(consume(&pf, &[], "cat"), @r"
    exit: 78
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c cat
    error: the first 20 messages are not CloudEvents: not a CloudEvent: no JSON object in the payload and no attributes in headers
    hint: `--plain` also passes messages that are not CloudEvents to the command
    ");
    assert_eq!(letters(&pf).len(), 0);
    let run = consume(&pf, &["--plain", "-q"], "cat").succeeded();
    assert_eq!(run.json().len(), 20);
    assert_eq!(run.json()[0]["data"], "plain text");
}

#[test]
fn several_jobs_run_at_the_same_time() {
    let pf = store_with(&["a", "b"]);
    // Each run waits for the other: opening a pipe takes a reader and a writer.
    let script =
        "mkfifo both 2>/dev/null; if mkdir first 2>/dev/null; then echo x >both; else cat both; fi";
    let run = consume(&pf, &["--jobs", "2", "-q"], script).succeeded();
    assert_eq!(run.stdout(), "x\n");
}

#[test]
fn a_letter_that_the_store_made_itself_is_counted() {
    let pf = store_with(&["a"]);
    let hold = ["-q", "--backoff", "1h", "--timeout", "300ms"];
    let mut args = vec!["consume", "order.created", "--group", "billing"];
    args.extend(hold);
    args.extend(["--", "sh", "-c", "exit 1"]);
    assert_eq!(pf.run(&args).code(), Some(3));
    let store = rusqlite::Connection::open(pf.path("events.db")).unwrap();
    let crashed = "UPDATE waiting SET crashed = 5, due = 0";
    assert_eq!(store.execute(crashed, []).unwrap(), 1);
    let run = consume(&pf, &[], "exit 0");
    assert_eq!(run.code(), Some(4), "{}", run.stderr());
    assert_eq!(letters(&pf)[0]["dead_letter"]["kind"], "crashed");
}
