//! `pf schedule`: events that wait for their time.

use insta::assert_snapshot;

use crate::harness::Pf;

fn publish(pf: &Pf, id: &str, delay: &str) -> String {
    let run = pf.run(&[
        "publish",
        "order.reminder",
        "{\"n\":1}",
        "--id",
        id,
        "--source",
        "shop",
        "--delay",
        delay,
        "-o",
        "json",
    ]);
    let _ = run.succeeded();
    let waiting = pf
        .run(&["schedule", "list", "-o", "json"])
        .succeeded()
        .json();
    let mine = waiting
        .iter()
        .find(|record| record["event"]["id"] == id)
        .unwrap();
    mine["schedule"]["id"].as_str().unwrap().to_owned()
}

fn hide(text: &str, ids: &[&str]) -> String {
    ids.iter()
        .fold(text.to_owned(), |text, id| text.replace(id, "[SCHEDULE]"))
}

#[test]
fn nothing_that_waits_is_a_remark() {
    let pf = Pf::new();
    let _ = pf
        .run(&["publish", "order.created", "{}", "-q"])
        .succeeded();
    assert_snapshot!(pf.run(&["schedule", "list"]), @"
    exit: 0
    --- stdout

    --- stderr
    no delayed events
    ");
}

#[test]
fn the_next_one_is_listed_first() {
    let pf = Pf::new();
    let late = publish(&pf, "late", "2h");
    let soon = publish(&pf, "soon", "1h");
    let ids = [late.as_str(), soon.as_str()];
    assert_snapshot!(hide(&pf.run(&["schedule", "list"]).to_string(), &ids), @"
    exit: 0
    --- stdout
    [ULID]  [TIME]  order.reminder  soon
    [ULID]  [TIME]  order.reminder  late

    --- stderr
    ");
    assert_snapshot!(hide(&pf.run(&["schedule", "list", "--limit", "1", "-o", "json"]).to_string(), &ids), @r#"
    exit: 0
    --- stdout
    {"event":{"specversion":"1.0","id":"soon","source":"shop","type":"order.reminder","time":"[TIME]","datacontenttype":"application/json","data":{"n":1}},"message":{"topic":"order.reminder","key":null,"headers":[["content-type","application/cloudevents+json"]],"position":"[ULID]","time":"[TIME]"},"schedule":{"id":"[ULID]","due":"[TIME]"}}

    --- stderr
    "#);
    assert_snapshot!(pf.run(&["schedule", "list", "--topic", "payment.*"]), @"
    exit: 0
    --- stdout

    --- stderr
    no delayed events
    ");
    assert_snapshot!(hide(&pf.run(&["schedule", "show", &soon]).to_string(), &ids), @r#"
    exit: 0
    --- stdout
    schedule   [ULID]
    due        [TIME]
    topic      order.reminder
    payload
        {"specversion":"1.0","id":"soon","source":"shop","type":"order.reminder","time":"[TIME]","datacontenttype":"application/json","data":{"n":1}}


    --- stderr
    "#);
}

#[test]
fn a_filter_chooses_by_content() {
    let pf = Pf::new();
    let _ = publish(&pf, "late", "2h");
    let soon = publish(&pf, "soon", "1h");
    let list = |filter| {
        let run = pf.run(&["schedule", "list", "--where", filter]);
        hide(&run.to_string(), &[&soon])
    };
    assert_snapshot!(list(".event.id == \"soon\" and .schedule.due > \"2026\""), @"
    exit: 0
    --- stdout
    [ULID]  [TIME]  order.reminder  soon

    --- stderr
    ");
    assert_snapshot!(list(".event.id + 1"), @r#"
    exit: 4
    --- stdout

    --- stderr
    error: left out 2 events on which the filter failed: cannot calculate "soon" + 1
    "#);
    assert_snapshot!(list(".event.id ="), @r#"
    exit: 2
    --- stdout

    --- stderr
    error: `--where` is not a valid filter
      caused by: expected a term at the end
    hint: it is jq on the record of `-o json`, as in `.event.type == "order.created"`
    "#);
}

#[test]
fn what_is_cancelled_never_comes() {
    let pf = Pf::new();
    let id = publish(&pf, "e1", "1h");
    assert_snapshot!(hide(&pf.run(&["schedule", "cancel", &id]).to_string(), &[&id]), @"
    exit: 0
    --- stdout
    cancelled [ULID]

    --- stderr
    ");
    assert_snapshot!(hide(&pf.run(&["schedule", "cancel", &id]).to_string(), &[&id]), @"
    exit: 1
    --- stdout

    --- stderr
    error: no schedule `[ULID]`
    hint: its event may have been delivered; `pf schedule list` shows the pending ones
    ");
    assert_snapshot!(pf.run(&["schedule", "list"]), @"
    exit: 0
    --- stdout

    --- stderr
    no delayed events
    ");
}

#[test]
fn several_are_cancelled_as_far_as_they_are_there() {
    let pf = Pf::new();
    let id = publish(&pf, "e1", "1h");
    let names = format!("{id}\nnobody\n");
    assert_snapshot!(hide(&pf.run_with(&["schedule", "cancel", "--ids", "-"], names).to_string(), &[&id]), @"
    exit: 4
    --- stdout
    cancelled [ULID]

    --- stderr
    error: no schedule `nobody`
    hint: its event may have been delivered; `pf schedule list` shows the pending ones
    error: 1 event was not cancelled
    ");
}

#[test]
fn nobody_needs_to_run_where_the_store_delivers_by_itself() {
    let pf = Pf::new();
    let _ = pf
        .run(&["publish", "order.created", "{}", "-q"])
        .succeeded();
    assert_snapshot!(pf.run(&["schedule", "run"]), @"
    exit: 0
    --- stdout

    --- stderr
    `sqlite:` delivers due events itself: this command is not needed
    ");
}

#[test]
fn bad_delays_are_refused_before_anything_is_stored() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "order.reminder", "{}", "--delay", "soon"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'soon' for '--delay <DURATION>': not a valid duration; use for example `90s` or `2h 30m`

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["publish", "a", "1", "--delay", "9999999999999999999s"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '9999999999999999999s' for '--delay <DURATION>': is too long

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["publish", "a", "1", "--delay", "300y"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: sqlite: times after 2262-04-11 cannot be stored
    hint: publish it for an earlier time
    ");
    assert_snapshot!(pf.run(&["publish", "a", "1", "--at", "9999-12-31T23:59:59Z"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: sqlite: times after 2262-04-11 cannot be stored
    hint: publish it for an earlier time
    ");
    let lines = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"a\",\"pf_delay_ms\":18446744073709551615}\n";
    assert_snapshot!(pf.run_with(&["publish", "--ndjson"], lines), @"
    exit: 5
    --- stdout

    --- stderr
    error: line 1: sqlite: times after 2262-04-11 cannot be stored
    hint: publish it for an earlier time
    published 0 events
    error: 1 line was not published
    ");
    assert_snapshot!(pf.run(&["schedule", "list"]), @"
    exit: 0
    --- stdout

    --- stderr
    no delayed events
    ");
}
