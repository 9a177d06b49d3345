//! `pf dlq replay` and `pf dlq purge`: asked for, one operator at a time, resumed.

use std::io::{BufRead as _, BufReader};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    dead_letters::{consume, failed, ids},
    harness::Pf,
};

#[test]
fn the_wrong_queue_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["dlq", "purge", "--topic", "order.created.dlq"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `order.created.dlq` is a dead-letter store
    hint: `--topic` is the topic of the original messages; without it, every dead-letter store is read
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--to", "ORDERS_DLQ"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `ORDERS_DLQ` is a dead-letter store
    hint: list dead letters with `pf dlq list`, replay them with `pf dlq replay`
    ");
}

#[test]
fn everything_is_never_meant_by_leaving_something_out() {
    let pf = failed(1);
    assert_snapshot!(pf.run(&["dlq", "purge", "--yes"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: nothing selected to purge
    hint: see `pf dlq stats`; `--all` selects every dead letter of the store
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--all", "--reason", "declined"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `--all` cannot be combined with a selection
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--ids", "-", "--yes"]), @"
    exit: 0
    --- stdout

    --- stderr
    no ids given: nothing selected
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
    replay 2 dead letters of sqlite:[HOME]/events.db
            2  to billing on order.created
    because of
            2  exit status 65: card declined (permanent)
    error: replay needs confirmation and stdin is not a terminal
    hint: confirm with `--yes`
    ");
    assert_snapshot!(pf.run(&["dlq", "purge", "--all", "--dry-run"]), @"
    exit: 0
    --- stdout
    purge 2 dead letters of sqlite:[HOME]/events.db
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
    replayed 2 dead letters

    --- stderr
    replay 2 dead letters of sqlite:[HOME]/events.db
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
    replay 2 dead letters of sqlite:[HOME]/events.db
            2  to billing on order.created
    because of
            2  exit status 65 (permanent)

    --- stderr
    warning: 2 dead letters were replayed before, up to 1x each: is the cause fixed?
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--max-replays", "1", "--yes"]), @"
    exit: 0
    --- stdout

    --- stderr
    replay no dead letters of sqlite:[HOME]/events.db
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
    replayed 1 dead letter

    --- stderr
    replay 1 dead letter of sqlite:[HOME]/events.db
            1  to order.repaired, for every group
    because of
            1  exit status 65: card declined (permanent)
    warning: every group that reads `order.repaired` gets these events
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
    purge 2 dead letters of sqlite:[HOME]/events.db
            2  of billing on order.created
    because of
            2  exit status 65: card declined (permanent)
    "#);
    assert_snapshot!(pf.run_with(&["dlq", "purge", "--ids", "-", "--yes"], "not an id\n"), @"
    exit: 2
    --- stdout

    --- stderr
    error: line 1 has no dead-letter id
    hint: each line must be an id, or a record of `pf dlq list -o json`
    ");
    let both = format!("{}\n\nnobodyhere22\n", ids(&pf)[0]);
    assert_snapshot!(pf.run_with(&["dlq", "purge", "--ids", "-", "--yes"], both), @"
    exit: 4
    --- stdout
    purged 1 dead letter

    --- stderr
    purge 1 dead letter of sqlite:[HOME]/events.db
            1  of billing on order.created
    because of
            1  exit status 65: card declined (permanent)
    warning: no dead letter matches: [LETTER]
    error: 1 of the given ids match nothing
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
fn of_two_purges_at_once_the_second_is_refused() {
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
            .contains("hint: run the same command again to resume"),
        "{first}"
    );
    assert_snapshot!(without_holder(&second), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: this purge is already running, held by [HOLDER]
    hint: only one dead-letter job runs at a time; run this again when that one has ended
    ");
    assert!(
        other.contains("exit: 1\n")
            && other.contains("another dead-letter job is running, held by "),
        "{other}"
    );

    let rest = pf.run(&["dlq", "purge", "--all", "--yes"]).succeeded();
    assert!(
        rest.stderr().starts_with("resuming the purge of "),
        "{rest}"
    );
    assert!(ids(&pf).is_empty());
    let look = pf.run(&["dlq", "purge", "--all", "-n"]).succeeded();
    assert!(
        !look.stderr().contains("interrupted"),
        "what was refused never began: {look}"
    );
}

/// Replaces the holder of the lease and its progress.
fn without_holder(text: &str) -> String {
    let hide = |line: &str| match line.split_once(", held by ") {
        Some((start, _)) => format!("{start}, held by [HOLDER]"),
        None => line.to_owned(),
    };
    text.lines().map(hide).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_killed_replay_is_resumed_and_repeats_nothing() {
    let pf = failed(20);
    let mut first = start_slowly(&pf, "replay");
    kill_process(Pid::from_child(&first), Signal::KILL).unwrap();
    first.wait().unwrap();

    let rest = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    assert!(rest.stderr().contains("resuming the replay of "), "{rest}");
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
