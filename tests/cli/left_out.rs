//! `pf consume --where`, `--expired` and `--tombstones`: events that are settled without a run.

use insta::assert_snapshot;

use crate::{
    consume::{consume, event, letters},
    harness::Pf,
};

const EXPIRED: &str = r#","expirytime":"1999-01-01T00:00:00Z""#;

fn store(events: &[(&str, &str)]) -> Pf {
    let pf = Pf::new();
    let lines: String = events.iter().map(|(id, more)| event(id, more)).collect();
    let _ = pf.run_with(&["publish", "--ndjson"], lines).succeeded();
    pf
}

/// A store with two tombstones before an event.
fn compacted() -> Pf {
    let pf = Pf::new();
    let tombstone = |key: &str| {
        format!(
            "{{\"message\":{{\"topic\":\"order.created\",\"key\":\"{key}\",\"headers\":[],\"payload\":null}}}}\n"
        )
    };
    let lines = tombstone("o-1") + &tombstone("o-2") + &event("3", "");
    let _ = pf.run_with(&["publish", "--ndjson"], lines).succeeded();
    pf
}

#[test]
fn an_expired_event_is_dead_lettered_by_default() {
    let pf = store(&[("1", EXPIRED), ("2", ""), ("3", EXPIRED)]);
    assert_snapshot!(consume(&pf, &[], "echo $PF_EVENT_ID"), @"
    exit: 4
    --- stdout
    2

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    dead letter order.created 1 (expired): expired at [TIME] (reported once)
    1 handled, 2 dead letters (2 expired)
    error: 2 events were dead-lettered
    hint: list them: pf dlq list --group billing
    ");
    assert_eq!(letters(&pf)[0]["dead_letter"]["kind"], "expired");
}

#[test]
fn an_expired_event_is_skipped_if_asked() {
    let pf = store(&[("1", EXPIRED), ("2", ""), ("3", EXPIRED)]);
    assert_snapshot!(consume(&pf, &["--expired", "skip"], "echo $PF_EVENT_ID"), @"
    exit: 0
    --- stdout
    2

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    skipped order.created 1: expired at [TIME] (reported once)
    1 handled, 2 skipped (2 expired)
    ");
    assert_eq!(letters(&pf).len(), 0);
}

#[test]
fn an_expired_event_is_delivered_if_asked() {
    let pf = store(&[("1", EXPIRED)]);
    let run = consume(&pf, &["--expired", "deliver"], "echo $PF_EVENT_ID");
    assert_eq!(run.succeeded().stdout(), "1\n");
}

#[test]
fn what_the_filter_does_not_match_is_acknowledged() {
    let pf = store(&[("1", ""), ("2", ""), ("3", EXPIRED)]);
    let filter = ["--where", ".event.id == \"2\""];
    assert_snapshot!(consume(&pf, &filter, "echo $PF_EVENT_ID"), @"
    exit: 0
    --- stdout
    2

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    1 handled, 2 not matched
    ");
    assert_snapshot!(consume(&pf, &[], "echo $PF_EVENT_ID"), @"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    0 handled
    ");
}

#[test]
fn an_event_on_which_the_filter_fails_is_not_lost() {
    let pf = store(&[("1", ""), ("2", r#","customer":"ann""#)]);
    let filter = ["--where", r#".event.customer | startswith("a")"#];
    assert_snapshot!(consume(&pf, &filter, "echo $PF_EVENT_ID"), @"
    exit: 4
    --- stdout
    2

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    dead letter order.created 1 (decode): the filter failed: cannot use null as string
    1 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    ");
    let replay = ["dlq", "replay", "--all", "--yes", "--quiet"];
    let _ = pf.run(&replay).succeeded();
    let run = consume(&pf, &[], "echo $PF_EVENT_ID");
    assert_eq!(run.succeeded().stdout(), "1\n");
}

#[test]
fn a_filter_that_is_no_jq_is_refused() {
    let pf = store(&[("1", "")]);
    assert_snapshot!(consume(&pf, &["--where", ".event.id =="], "true"), @r#"
    exit: 2
    --- stdout

    --- stderr
    error: `--where` is not a valid filter
      caused by: expected a term at the end
    hint: it is jq on the record of `-o json`, as in `.event.type == "order.created"`
    "#);
    assert_snapshot!(consume(&pf, &["--tombstones", "drop"], "true"), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'drop' for '--tombstones <WHAT>'
      [possible values: skip, deliver, dead-letter]

    For more information, try '--help'.
    ");
}

#[test]
fn tombstones_are_treated_as_chosen() {
    assert_snapshot!(consume(&compacted(), &[], "cat"), @r#"
    exit: 4
    --- stdout
    {"specversion":"1.0","id":"3","source":"//test","type":"order.created","pfattempt":1,"pfattemptlimit":3,"data":{"n":1}}

    --- stderr
    consuming order.created as group billing: sh -c cat
    dead letter order.created at 1 (decode): not a CloudEvent: a null payload without attributes in headers
    dead letter order.created at 2 (decode): not a CloudEvent: a null payload without attributes in headers
    1 handled, 2 dead letters
    error: 2 events were dead-lettered
    hint: list them: pf dlq list --group billing
    "#);
    let pf = compacted();
    assert_snapshot!(consume(&pf, &["--tombstones", "skip"], "echo $PF_EVENT_ID"), @"
    exit: 0
    --- stdout
    3

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    skipped order.created at 1: a tombstone (reported once)
    1 handled, 2 skipped (2 tombstones)
    ");
    let pf = compacted();
    assert_snapshot!(consume(&pf, &["--tombstones", "dead-letter"], "echo $PF_EVENT_ID"), @"
    exit: 4
    --- stdout
    3

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    dead letter order.created at 1 (decode): a tombstone: the payload is null
    dead letter order.created at 2 (decode): a tombstone: the payload is null
    1 handled, 2 dead letters
    error: 2 events were dead-lettered
    hint: list them: pf dlq list --group billing
    ");
}

#[test]
fn a_delivered_tombstone_is_an_event() {
    let run = consume(&compacted(), &["--tombstones", "deliver"], "cat").succeeded();
    let events = run.json();
    assert_eq!(
        (&events[0]["type"], &events[0]["partitionkey"]),
        (&"tombstone".into(), &"o-1".into())
    );
    assert_eq!(events[0].get("data"), None);
    assert_eq!(events[2]["type"], "order.created");
}
