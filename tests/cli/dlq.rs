//! `pf dlq`: what is there, and which of it is meant.

use insta::assert_snapshot;

use crate::{
    dead_letters::{consume, failed, ids, publish},
    harness::Pf,
};

#[test]
fn no_letters_are_a_remark() {
    let pf = Pf::new();
    publish(&pf, 1..=1);
    assert_snapshot!(pf.run(&["dlq", "list"]), @"
    exit: 0
    --- stdout

    --- stderr
    no dead letters
    ");
    assert_snapshot!(pf.run(&["dlq", "stats"]), @"
    exit: 0
    --- stdout

    --- stderr
    no dead letters
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--all", "--yes"]), @"
    exit: 0
    --- stdout

    --- stderr
    purge no dead letters of sqlite:[HOME]/events.db
    ");
}

#[test]
fn a_list_is_one_line_per_letter_without_payload() {
    assert_snapshot!(failed(3).run(&["dlq", "list"]), @"
    exit: 0
    --- stdout
    [LETTER]  [TIME]  order.created         billing       permanent     1x  exit status 65: card declined
    [LETTER]  [TIME]  order.created         billing       permanent     1x  exit status 65: card declined
    [LETTER]  [TIME]  order.created         billing       permanent     1x  exit status 65: card declined

    --- stderr
    ");
}

#[test]
fn a_selection_of_nothing_hints_at_why() {
    let pf = failed(1);
    assert_snapshot!(pf.run(&["dlq", "list", "--where", ".type == \"order.created\""]), @"
    exit: 0
    --- stdout

    --- stderr
    no dead letters
    hint: `--where` filters records with `.event`, `.message` and `.dead_letter`
    ");
    assert_snapshot!(pf.run(&["dlq", "stats", "--topic", "order.craeted"]), @"
    exit: 0
    --- stdout

    --- stderr
    no dead letters
    hint: topic `order.craeted` does not exist yet; did you mean `order.created`?
    ");
}

#[test]
fn a_record_holds_event_message_and_story() {
    let run = failed(1).run(&["dlq", "list", "-o", "json"]);
    let duration = run.json()[0]["dead_letter"]["failure"]["duration"].clone();
    let text = run.to_string().replace(&duration.to_string(), "[DURATION]");
    assert_snapshot!(text, @r#"
    exit: 0
    --- stdout
    {"event":{"specversion":"1.0","source":"shop","type":"order.created","id":"e1","data":{"n":1}},"message":{"topic":"order.created","key":null,"headers":[["content-type","application/cloudevents+json"]],"position":"1","time":"[TIME]"},"dead_letter":{"id":"[LETTER]","version":1,"origin":{"transport":"sqlite","store":"[ULID]","topic":"order.created","position":"1","time":"[TIME]"},"group":"billing","kind":"permanent","failure":{"class":"exit 65","message":"exit status 65: card declined","detail":"card declined","duration":[DURATION],"fingerprint":"1:[LETTER]"},"attempts":1,"total_attempts":1,"crashes":0,"first_failed":"[TIME]","dead_since":"[TIME]","generation":0,"event_id":"e1","event_type":"order.created"}}

    --- stderr
    "#);
    assert_snapshot!(failed(1).run(&["dlq", "list", "-o", "data"]), @r#"
    exit: 0
    --- stdout
    {"n":1}

    --- stderr
    "#);
}

#[test]
fn everything_about_a_letter_is_shown() {
    let pf = failed(2);
    let id = &ids(&pf)[1];
    assert_snapshot!(pf.run(&["dlq", "show", &id[..11]]), @r#"
    exit: 0
    --- stdout
    id           [LETTER]
    dead since   [TIME]  permanent after 1 failed run
    topic        order.created
    group        billing
    position     2  stored [TIME]
    event        e2  order.created
    failure      exit status 65: card declined (exit 65)
    fingerprint  1:[LETTER]
    took         [MS]
    detail
        card declined
    headers
        content-type: application/cloudevents+json
    payload
        {"specversion":"1.0","source":"shop","type":"order.created","id":"e2","data":{"n":2}}


    --- stderr
    "#);
}

#[test]
fn showing_needs_a_name() {
    assert_snapshot!(failed(1).run(&["dlq", "show"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: no dead letter selected
    hint: `pf dlq list` shows their ids; `--all` selects every one
    ");
}

#[test]
fn a_wrong_id_gets_a_suggestion() {
    let pf = failed(3);
    let wrong = format!("{}0", &ids(&pf)[0][..11]);
    let text = pf.run(&["dlq", "show", &wrong]).to_string();
    assert_snapshot!(text.replace(&wrong, "[WRONG]"), @"
    exit: 1
    --- stdout

    --- stderr
    error: no dead letter `[WRONG]` in this selection
    hint: did you mean `[LETTER]`?
    ");
    let text = pf.run(&["dlq", "purge", &wrong, "--yes"]).to_string();
    assert_snapshot!(text.replace(&wrong, "[WRONG]"), @"
    exit: 1
    --- stdout

    --- stderr
    error: no dead letter `[WRONG]` in this selection
    hint: did you mean `[LETTER]`?
    ");
    assert_eq!(ids(&pf).len(), 3);
}

#[test]
fn an_ambiguous_id_names_the_candidates() {
    // With more letters than there are first characters, two ids begin alike.
    let pf = failed(33);
    let ids = ids(&pf);
    let first = |id: &String| id[..1].to_owned();
    let shared = ids
        .iter()
        .find(|id| ids.iter().filter(|other| first(other) == first(id)).count() > 1);
    let run = pf.run(&["dlq", "purge", "--yes", &first(shared.unwrap())]);
    assert_eq!(run.code(), Some(1));
    assert!(
        run.stderr().contains("dead letters\nhint: candidates: "),
        "{run}"
    );
    assert_eq!(self::ids(&pf).len(), 33);
}

#[test]
fn stats_count_by_what_letters_have_in_common() {
    let pf = failed(3);
    let _ = consume(&pf, "shipping", "echo no address >&2; exit 65");
    assert_snapshot!(pf.run(&["dlq", "stats", "--top", "1"]), @"
    exit: 0
    --- stdout
    COUNT  TOPIC          GROUP    KIND       FINGERPRINT     FIRST                 LAST                  REASON
        3  order.created  billing  permanent  1:[LETTER]  [TIME]  [TIME]  exit status 65: card declined

    --- stderr
    6 dead letters, 3 of them in rows not shown
    ");
    assert_snapshot!(pf.run(&["dlq", "stats", "-o", "json", "--group", "shipping"]), @r#"
    exit: 0
    --- stdout
    {"topic":"order.created","group":"shipping","kind":"permanent","fingerprint":"1:[LETTER]","sample":"exit status 65: no address","count":3,"first":"[TIME]","last":"[TIME]"}

    --- stderr
    "#);
}

#[test]
fn flags_and_filters_select() {
    let pf = failed(5);
    let count = |args: &[&str]| {
        let run = pf.run(&[&["dlq", "list", "-o", "json", "-q"], args].concat());
        run.succeeded().json().len()
    };
    assert_eq!(count(&["--where", ".event.data.n > 3"]), 2);
    assert_eq!(count(&["--where", ".dead_letter.kind == \"permanent\""]), 5);
    assert_eq!(count(&["--reason", "DECLINED", "--limit", "4"]), 4);
    assert_eq!(count(&["--kind", "decode"]), 0);
    assert_eq!(
        count(&[
            "--topic",
            "order.*",
            "--group",
            "billing",
            "--type",
            "order.created"
        ]),
        5
    );
    assert_eq!(count(&["--since", "1h"]), 5);
    assert_eq!(count(&["--until", "1h"]), 0);
    assert_eq!(count(&["--attempts", "2"]), 0);
}

#[test]
fn a_filter_that_fails_leaves_letters_out_and_says_so() {
    let pf = failed(3);
    let filter = "if .event.data.n == 2 then .event.id.x else true end";
    assert_snapshot!(pf.run(&["dlq", "list", "-o", "data", "--where", filter]), @r#"
    exit: 4
    --- stdout
    {"n":1}
    {"n":3}

    --- stderr
    error: left out 1 dead letter on which the filter failed: [LETTER]: cannot index "e2" with "x"
    "#);
    for args in [
        &["show"][..],
        &["stats"],
        &["stats", "-o", "json"],
        &["purge", "--dry-run"],
        &["purge", "--yes"],
        &["purge", "--yes"],
    ] {
        let args = [&["dlq"], args, &["--where", filter]].concat();
        let run = pf.run(&args);
        assert_eq!(run.code(), Some(4), "{run}");
        let told = "error: left out 1 dead letter on which the filter failed";
        assert!(run.stderr().contains(told), "{run}");
    }
    assert_eq!(pf.run(&["dlq", "list", "-q"]).stdout().lines().count(), 1);
}

#[test]
fn a_filter_that_fails_leaves_letters_out_of_archives_and_edits() {
    let filter = "if .event.data.n == 2 then .event.id.x else true end";
    for args in [
        &["archive"][..],
        &["replay", "--edit", ".event.data.n = 9", "--dry-run"],
        &["replay", "--edit", ".event.data.n = 9", "--yes"],
    ] {
        let pf = failed(3);
        let run = pf.run(&[&["dlq"], args, &["--where", filter]].concat());
        assert_eq!(run.code(), Some(4), "{run}");
        let told = "error: left out 1 dead letter on which the filter failed";
        assert!(run.stderr().contains(told), "{run}");
        let left = pf.run(&["dlq", "list", "-o", "json"]);
        assert!(left.stdout().contains("\"e2\""), "{left}");
    }
}

#[test]
fn bad_arguments_point_at_the_place() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["dlq", "list", "--where", ".event.type = = 1"]), @r#"
    exit: 2
    --- stdout

    --- stderr
    error: `--where` is not a valid filter
      caused by: expected a term at column 15: `= 1`
    hint: it is jq on the record of `-o json`, as in `.event.type == "order.created"`
    "#);
    assert_snapshot!(pf.run(&["dlq", "list", "--since", "soon"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'soon' for '--since <TIME>': not a valid time; use for example `[TIME]`, `2026-03-01 09:00`, `09:00` or `tomorrow 09:00`

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["dlq", "list", "--kind", "broken"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'broken' for '--kind <KIND>'
      [possible values: decode, permanent, exhausted, terminated, crashed, unknown, expired]

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--rate", "0"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '0' for '--rate <N>': not a valid number per second of at least 0.000001

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "-o", "event"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: replay does not print events
    hint: use `-o text` or `-o json`
    ");
}
