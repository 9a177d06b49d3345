//! `pf consume --emit`: what a handler writes to stdout is published before its event is done.

use insta::assert_snapshot;

use crate::{
    consume::{consume, letters, store_with},
    harness::Pf,
};

fn emitted(pf: &Pf) -> Vec<serde_json::Value> {
    pf.run(&[
        "tail",
        "order.paid",
        "--since",
        "1h",
        "--until-end",
        "-o",
        "event",
    ])
    .succeeded()
    .json()
}

const ANSWER: &str =
    r#"echo '{"specversion":"1.0","type":"order.paid","source":"//pay","data":1}'"#;

#[test]
fn lines_on_stdout_are_published() {
    let pf = store_with(&["a"]);
    let run = consume(&pf, &["--emit"], &format!("{ANSWER}; echo; {ANSWER}"));
    assert_snapshot!(run, @r#"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'echo '\''{"specversion":"1.0","type":"order.paid","so…
    1 handled
    "#);
    let events = emitted(&pf);
    assert_eq!(events.len(), 2);
    assert_ne!(events[0]["id"], events[1]["id"]);
}

#[test]
fn a_repeat_has_the_same_ids() {
    let ids = || {
        let pf = store_with(&["a"]);
        let _ = consume(&pf, &["--emit", "-q"], ANSWER).succeeded();
        emitted(&pf)[0]["id"].clone()
    };
    let id = ids();
    assert!(id.is_string());
    assert_eq!(id, ids());
}

#[test]
fn a_failed_run_publishes_nothing() {
    let pf = store_with(&["a"]);
    let script = format!("{ANSWER}; test $PF_DELIVERY_ATTEMPT = 2");
    let _ = consume(&pf, &["--emit", "-q"], &script).succeeded();
    assert_eq!(emitted(&pf).len(), 1);
}

#[test]
fn what_cannot_be_published_is_a_failed_run() {
    let pf = store_with(&["a"]);
    let run = consume(
        &pf,
        &["--emit", "--max-attempts", "1"],
        &format!("{ANSWER}; echo done"),
    );
    assert_snapshot!(run, @r#"
    exit: 4
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'echo '\''{"specversion":"1.0","type":"order.paid","so…
    dead letter order.created a (exhausted): line 2 of stdout cannot be published: not valid JSON: expected an object at byte 1
    0 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    "#);
    assert_eq!(emitted(&pf).len(), 0);
    assert_eq!(letters(&pf).len(), 1);
}

#[test]
fn too_much_is_a_failed_run() {
    let pf = store_with(&["a"]);
    let run = consume(
        &pf,
        &["--emit", "--max-attempts", "1"],
        "yes | head -c 8000000",
    );
    assert_snapshot!(run, @r"
    exit: 4
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'yes | head -c 8000000'
    dead letter order.created a (exhausted): the run wrote more than 4194304 bytes of events
    0 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    ");
}
