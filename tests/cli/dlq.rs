//! `pf dlq`: look at dead letters, replay and purge them, one operator at a time.

use std::io::{BufRead as _, BufReader};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Pf, Run};

/// A user on whom `billing` gave up so many events.
fn failed(events: u32) -> Pf {
    let pf = Pf::new();
    // Not so many at once that the consumer stops trusting its handler.
    for first in (1..=events).step_by(15) {
        publish(&pf, first..=events.min(first + 14));
        let _ = consume(&pf, "billing", "echo card declined >&2; exit 65");
    }
    pf
}

fn publish(pf: &Pf, events: impl Iterator<Item = u32>) {
    let event = |n| {
        let head = r#""specversion":"1.0","source":"shop","type":"order.created""#;
        format!(r#"{{{head},"id":"e{n}","data":{{"n":{n}}}}}"#)
    };
    let lines = events.map(event).collect::<Vec<_>>().join("\n");
    let _ = pf
        .run_with(&["publish", "--ndjson", "-q"], lines)
        .succeeded();
}

/// Consumes what is there and returns stdout.
fn consume(pf: &Pf, group: &str, script: &str) -> Run {
    let args = [
        "consume",
        "order.created",
        "--group",
        group,
        "--until-end",
        "-q",
        "--",
        "sh",
        "-c",
        script,
    ];
    pf.run(&args)
}

fn ids(pf: &Pf) -> Vec<String> {
    let letters = pf.run(&["dlq", "list", "-o", "json"]).succeeded().json();
    let id = |letter: &serde_json::Value| letter["dead_letter"]["id"].as_str().unwrap().to_owned();
    letters.iter().map(id).collect()
}

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
    purge no letters of sqlite:[HOME]/events.db
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
    hint: --where sees the record: `.event`, `.message` and `.dead_letter`
    ");
    assert_snapshot!(pf.run(&["dlq", "stats", "--topic", "order.craeted"]), @"
    exit: 0
    --- stdout

    --- stderr
    no dead letters
    hint: there is no topic `order.craeted` yet; did you mean `order.created`?
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
    letter       [LETTER]
    died         [TIME]  permanent after 1 failed run
    topic        order.created
    group        billing
    position     2  stored [TIME]
    event        e2  order.created
    failure      exit status 65: card declined (exit 65)
    sort         1:[LETTER]
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
    error: no dead letter is named
    hint: `pf dlq list` shows their ids; --all shows every one
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
    error: there is no dead letter `[WRONG]` in this selection
    hint: did you mean `[LETTER]`?
    ");
    let text = pf.run(&["dlq", "purge", &wrong, "--yes"]).to_string();
    assert_snapshot!(text.replace(&wrong, "[WRONG]"), @"
    exit: 1
    --- stdout

    --- stderr
    error: there is no dead letter `[WRONG]` in this selection
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
        run.stderr().contains("dead letters\nhint: they are "),
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
    COUNT  TOPIC          GROUP    KIND       SORT            FIRST                 LAST                  REASON
        3  order.created  billing  permanent  1:[LETTER]  [TIME]  [TIME]  exit status 65: card declined

    --- stderr
    6 dead letters, 3 of them of sorts not shown
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
    exit: 0
    --- stdout
    {"n":1}
    {"n":3}

    --- stderr
    warning: the filter failed on 1 letter, left out: [LETTER]: cannot index "e2" with "x"
    "#);
}

#[test]
fn bad_arguments_point_at_the_place() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["dlq", "list", "--where", ".event.type = = 1"]), @r#"
    exit: 2
    --- stdout

    --- stderr
    error: `--where` is not a filter that can be used
      caused by: expected a term at column 15: `= 1`
    hint: it is jq over the record of `-o json`, as in `.event.type == "order.created"`
    "#);
    assert_snapshot!(pf.run(&["dlq", "list", "--since", "soon"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'soon' for '--since <TIME>': not a time; write it like `[TIME]`, `2026-03-01 09:00`, `09:00` or `tomorrow 09:00`

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["dlq", "list", "--kind", "broken"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'broken' for '--kind <KIND>'
      [possible values: decode, permanent, exhausted, terminated, crashed, expired]

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--rate", "0"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '0' for '--rate <N>': not a number of letters per second above 0

    For more information, try '--help'.
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "-o", "event"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: replay shows no events
    hint: it can write `-o text` and `-o json`
    ");
}

#[test]
fn the_wrong_queue_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["dlq", "purge", "--topic", "order.created.dlq"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `order.created.dlq` is a store of dead letters
    hint: --topic is the topic that they were consumed from; without it, every store is read
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--to", "ORDERS_DLQ"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `ORDERS_DLQ` is a store of dead letters
    hint: `pf dlq list` shows dead letters, `pf dlq replay` publishes them again
    ");
}

#[test]
fn everything_is_never_meant_by_leaving_something_out() {
    let pf = failed(1);
    assert_snapshot!(pf.run(&["dlq", "purge", "--yes"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: nothing is selected to purge
    hint: `pf dlq stats` shows what there is; --all means every dead letter of the store
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--all", "--reason", "declined"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: --all and a selection contradict each other
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--ids", "-", "--yes"]), @"
    exit: 0
    --- stdout

    --- stderr
    no ids were given: nothing is selected
    ");
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn off_a_terminal_nobody_is_asked() {
    let pf = failed(2);
    assert_snapshot!(pf.run(&["dlq", "replay", "--all"]), @"
    exit: 2
    --- stdout

    --- stderr
    replay 2 letters of sqlite:[HOME]/events.db
            2  to billing on order.created
    because of
            2  exit status 65: card declined (permanent)
    error: replay asks before it acts, and here is nobody to ask
    hint: --yes says yes
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--all", "--dry-run"]), @"
    exit: 0
    --- stdout
    purge 2 letters of sqlite:[HOME]/events.db
            2  of billing on order.created
    because of
            2  exit status 65: card declined (permanent)

    --- stderr
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--dry-run", "-o", "json"]), @r#"
    exit: 0
    --- stdout
    {"store":"sqlite:[HOME]/events.db","action":"replay","to":null,"letters":2,"targets":[{"topic":"order.created","group":"billing","letters":2}],"elsewhere":0,"reasons":{"rows":[{"topic":"order.created","group":"billing","kind":"permanent","fingerprint":"1:[LETTER]","sample":"exit status 65: card declined","count":2,"first":"[TIME]","last":"[TIME]"}],"rest":0},"warnings":[],"left_out":0,"missing":0}

    --- stderr
    "#);
    assert_eq!(ids(&pf).len(), 2);
}

#[test]
fn a_replay_goes_to_the_group_that_failed() {
    let pf = failed(2);
    let _ = consume(&pf, "audit", "cat >/dev/null").succeeded();
    assert_snapshot!(pf.run(&["dlq", "replay", "--reason", "declined", "--yes"]), @"
    exit: 0
    --- stdout
    replayed 2 letters

    --- stderr
    replay 2 letters of sqlite:[HOME]/events.db
            2  to billing on order.created
    because of
            2  exit status 65: card declined (permanent)
    ");
    assert_eq!(consume(&pf, "audit", "cat").succeeded().stdout(), "");
    let again = consume(&pf, "billing", "cat").succeeded();
    let ids: Vec<_> = again
        .json()
        .iter()
        .map(|event| event["id"].clone())
        .collect();
    assert_eq!(ids, ["e1", "e2"]);
}

#[test]
fn letters_that_came_back_are_told_and_can_be_left_out() {
    let pf = failed(2);
    let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    let _ = consume(&pf, "billing", "exit 65");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--dry-run"]), @"
    exit: 0
    --- stdout
    replay 2 letters of sqlite:[HOME]/events.db
            2  to billing on order.created
    because of
            2  exit status 65 (permanent)

    --- stderr
    warning: 2 letters were replayed before, at most 1x each: is the cause gone?
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--max-replays", "1", "--yes"]), @"
    exit: 0
    --- stdout

    --- stderr
    replay no letters of sqlite:[HOME]/events.db
    left out, replayed too often: 2
    ");
    assert_eq!(ids(&pf).len(), 2);
}

#[test]
fn a_replay_can_go_to_another_topic() {
    let pf = failed(1);
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--yes", "--to", "order.repaired"]), @"
    exit: 0
    --- stdout
    replayed 1 letter

    --- stderr
    replay 1 letter of sqlite:[HOME]/events.db
            1  to order.repaired, for every group
    because of
            1  exit status 65: card declined (permanent)
    warning: every group that reads `order.repaired` gets these
    ");
    let run = pf.run(&[
        "tail",
        "order.repaired",
        "--since",
        "1h",
        "--until-end",
        "-o",
        "data",
    ]);
    assert_eq!(run.stdout(), "{\"n\":1}\n");
}

#[test]
fn ids_come_through_a_pipe() {
    let pf = failed(3);
    let some = pf
        .run(&["dlq", "list", "-o", "json", "--limit", "2"])
        .succeeded();
    assert_snapshot!(pf.run_with(&["dlq", "purge", "--ids", "-", "--yes", "-o", "json"], some.stdout()), @r#"
    exit: 0
    --- stdout
    {"id":"[LETTER]","outcome":"done"}
    {"id":"[LETTER]","outcome":"done"}
    {"job":"[ULID]","action":"purge","planned":2,"missing":0,"done":2,"gone":0,"failed":0,"ambiguous":0,"complete":true}

    --- stderr
    purge 2 letters of sqlite:[HOME]/events.db
            2  of billing on order.created
    because of
            2  exit status 65: card declined (permanent)
    "#);
    assert_snapshot!(pf.run_with(&["dlq", "purge", "--ids", "-", "--yes"], "not an id\n"), @"
    exit: 2
    --- stdout

    --- stderr
    error: line 1 holds no id of a dead letter
    hint: each line is an id, or a record as `pf dlq list -o json` writes it
    ");
    let both = format!("{}\n\nnobodyhere22\n", ids(&pf)[0]);
    assert_snapshot!(pf.run_with(&["dlq", "purge", "--ids", "-", "--yes"], both), @"
    exit: 4
    --- stdout
    purged 1 letter

    --- stderr
    purge 1 letter of sqlite:[HOME]/events.db
            1  of billing on order.created
    because of
            1  exit status 65: card declined (permanent)
    warning: no letter has the name (any more): [LETTER]
    error: 1 of the names given fit no letter
    ");
    assert!(ids(&pf).is_empty());
}

/// Starts a slow job and waits until it has dealt with a letter.
fn start_slowly(pf: &Pf, verb: &str) -> std::process::Child {
    let mut child = pf.spawn(&["dlq", verb, "--all", "--yes", "--rate", "2", "-o", "json"]);
    let mut line = String::new();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap());
    lines.read_line(&mut line).unwrap();
    assert!(line.contains("\"done\""), "{line}");
    child
}

#[test]
fn of_two_that_purge_at_once_the_second_is_told() {
    let pf = failed(30);
    let first = start_slowly(&pf, "purge");
    let second = pf.run(&["dlq", "purge", "--all", "--yes"]).to_string();
    let other = pf
        .run(&["dlq", "replay", "--kind", "permanent", "--yes", "-q"])
        .to_string();
    kill_process(Pid::from_child(&first), Signal::TERM).unwrap();
    let first = pf.finish(first);
    assert_eq!(first.code(), Some(4), "{first}");
    assert!(
        first
            .stderr()
            .contains("hint: the same command goes on where it stopped"),
        "{first}"
    );
    assert_snapshot!(without_holder(&second), @"
    exit: 1
    --- stdout

    --- stderr
    error: [HOLDER] is at work on this purge
    hint: jobs on dead letters run one at a time; run this again when that one has ended
    ");
    assert!(
        other.contains("exit: 1\n") && other.contains(" works on the dead letters"),
        "{other}"
    );

    let rest = pf.run(&["dlq", "purge", "--all", "--yes"]).succeeded();
    assert!(
        rest.stderr().starts_with("going on with the purge of "),
        "{rest}"
    );
    assert!(ids(&pf).is_empty());
}

/// Replaces who holds the lease and how far they are.
fn without_holder(text: &str) -> String {
    let hide = |line: &str| match line.find(" is at work on ") {
        Some(at) => format!("error: [HOLDER]{}", &line[at..line.find(", with").unwrap()]),
        None => line.to_owned(),
    };
    text.lines().map(hide).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_replay_that_was_killed_goes_on_and_repeats_nothing() {
    let pf = failed(20);
    let mut first = start_slowly(&pf, "replay");
    kill_process(Pid::from_child(&first), Signal::KILL).unwrap();
    first.wait().unwrap();

    let rest = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    assert!(
        rest.stderr().contains("going on with the replay of "),
        "{rest}"
    );
    let again = consume(&pf, "billing", "cat").succeeded();
    let ids: Vec<_> = again
        .json()
        .iter()
        .map(|event| event["id"].as_str().unwrap().to_owned())
        .collect();
    let all: Vec<_> = (1..=20).map(|n| format!("e{n}")).collect();
    assert_eq!(ids, all, "each once, in order");
}

#[cfg(feature = "failpoints")]
#[test]
fn a_job_that_dies_between_any_two_steps_goes_on_and_repeats_nothing() {
    let points = ["planned", "enlisted", "leased", "advanced", "released"];
    for point in points {
        let pf = failed(5);
        let point = format!("triage.{point}");
        let mut command = pf.command(&["dlq", "replay", "--all", "--yes"]);
        let died = command.env("PF_FAILPOINT", &point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point} was not reached");

        let _ = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
        let again = consume(&pf, "billing", "cat").succeeded().json();
        let ids: Vec<_> = again.iter().map(|event| event["id"].clone()).collect();
        assert_eq!(ids, ["e1", "e2", "e3", "e4", "e5"], "{point}");
        assert!(self::ids(&pf).is_empty(), "{point}");
    }
}
