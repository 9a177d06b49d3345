//! `pf consume --worker`: one process for many events, a line in and a line out.

use insta::assert_snapshot;

use crate::{
    consume::{consume, letters, store_with},
    harness::{Pf, Run},
};

/// Reads events and has their ids in `$id`.
const EACH: &str = r#"while read -r event; do id=${event#*\"id\":\"}; id=${id%%\"*}; "#;

/// Runs a worker that does this for each event.
fn work(pf: &Pf, flags: &[&str], body: &str) -> Run {
    let flags = [&["--worker"], flags].concat();
    consume(pf, &flags, &format!("{EACH}{body}; done"))
}

fn answer(verdict: &str) -> String {
    format!(r#"printf '{{"id":"%s",{verdict}}}\n' "$id""#)
}

#[test]
fn one_process_handles_many_events() {
    let pf = store_with(&["a", "b", "c"]);
    let body = format!("echo $$ >>pids; {}", answer(r#""action":"ack""#));
    assert_snapshot!(work(&pf, &[], &body), @r#"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    3 handled
    "#);
    let pids = std::fs::read_to_string(pf.path("pids")).unwrap();
    let mut pids: Vec<_> = pids.lines().collect();
    assert_eq!(pids.len(), 3);
    pids.dedup();
    assert_eq!(pids.len(), 1);
}

#[test]
fn every_verdict_is_taken() {
    let pf = store_with(&["ack", "skip", "late", "dead"]);
    let body = r#"case $id in
        ack) v='"action":"ack"';;
        skip) v='"action":"skip","reason":"test order"';;
        late) v='"action":"retry","after":"0s","reason":"429"';;
        dead) v='"action":"dead_letter","reason":"no stock"';;
    esac; printf '{"id":"%s",%s}\n' "$id" "$v""#;
    assert_snapshot!(work(&pf, &["--max-attempts", "2"], body), @r#"
    exit: 4
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    skipped order.created skip: test order
    attempt 1 of order.created late failed, retrying in 0s: 429
    dead letter order.created dead (permanent): no stock
    dead letter order.created late (exhausted): 429
    1 handled, 1 skipped, 1 retry, 2 dead letters
    error: 2 events were dead-lettered
    hint: list them: pf dlq list --group billing
    "#);
    assert_eq!(letters(&pf).len(), 2);
}

/// What one event's run comes to with this worker.
fn fault(body: &str) -> String {
    let pf = store_with(&["a"]);
    let run = work(&pf, &["-q", "--max-attempts", "1"], body);
    let letters = letters(&pf);
    let failure = &letters[0]["dead_letter"]["failure"];
    format!(
        "{}: {} {}",
        run.code().unwrap(),
        failure["class"],
        failure["message"]
    )
}

#[test]
fn a_worker_that_misbehaves_fails_its_event() {
    assert_snapshot!(fault(r#"echo '{"id":"other","action":"ack"}'"#), @r#"4: "worker" "the worker answered for `other`, an event that it was not given""#);
    assert_snapshot!(fault(r#"echo '{"action":"ack"}'"#), @r#"4: "worker" "the worker's answer is malformed: missing field `id`""#);
    assert_snapshot!(fault("echo done"), @r#"4: "worker" "the worker's answer is malformed: expected value at line 1 column 1""#);
    assert_snapshot!(fault("exec >&-; cat >/dev/null"), @r#"4: "worker" "the worker closed its stdout before it answered""#);
    assert_snapshot!(fault("echo 'out of memory' >&2; exit 3"), @r#"4: "exit 3" "the worker exited before it answered: exit status 3: out of memory""#);
    assert_snapshot!(fault("kill -9 $$"), @r#"4: "signal 9" "the worker exited before it answered: killed by signal 9""#);
    assert_snapshot!(fault("head -c 100000 /dev/zero | tr '\\0' x"), @r#"4: "worker" "the worker's answer is malformed: longer than 65536 bytes""#);
    assert_snapshot!(fault(r#"echo '{"id":"a","action":"ack","emit":[]}'"#), @r#"4: "worker" "the worker's answer has `emit`, which needs `pf consume --emit`""#);
}

#[test]
fn a_worker_that_died_is_replaced() {
    let pf = store_with(&["a", "b"]);
    let body = format!(
        "test -e died || {{ touch died; exit 1; }}; {}",
        answer(r#""action":"ack""#)
    );
    assert_snapshot!(work(&pf, &[], &body), @r#"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    attempt 1 of order.created a failed, retrying in 0s: the worker exited before it answered: exit status 1
    2 handled, 1 retry
    "#);
}

#[test]
fn a_worker_that_ends_between_events_fails_none() {
    let pf = store_with(&["a", "b", "c"]);
    let body = format!("{}; exit 0", answer(r#""action":"ack""#));
    let run = work(&pf, &[], &body).succeeded();
    assert!(run.stderr().ends_with("3 handled\n"), "{run}");
}

#[test]
fn a_second_answer_that_comes_late_is_named_and_fails_nobody() {
    let pf = store_with(&["a", "b", "c"]);
    let body = format!(
        r#"test $id != b || printf '{{"id":"a","action":"dead_letter"}}\n'; {}"#,
        answer(r#""action":"ack""#)
    );
    assert_snapshot!(work(&pf, &[], &body), @r#"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    warning: the worker answered twice for `a`; the second answer is ignored
    3 handled
    "#);
}

#[test]
fn of_two_answers_at_once_the_first_counts() {
    let pf = store_with(&["a", "b"]);
    let body =
        r#"printf '{"id":"%s","action":"ack"}\n{"id":"%s","action":"dead_letter"}\n' "$id" "$id""#;
    assert_snapshot!(work(&pf, &[], body), @r#"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    warning: the worker answered twice for `a`; the second answer is ignored
    warning: the worker answered twice for `b`; the second answer is ignored
    2 handled
    "#);
}

#[test]
fn a_second_answer_says_nothing_of_the_next_event_with_the_same_id() {
    let pf = store_with(&["a", "a", "b"]);
    let verdict = |verdict| answer(&format!(r#""action":"{verdict}""#));
    // The second answer comes while the next event is on its way, and the worker has not looked at it.
    let body = format!(
        "if test -e told; then {}; else touch told; {}; sleep 0.2; {}; sleep 0.2; fi",
        verdict("dead_letter"),
        verdict("ack"),
        verdict("ack")
    );
    let run = work(&pf, &[], &body);
    assert!(
        run.stderr().contains("1 handled, 2 dead letters\n"),
        "{run}"
    );
}

#[test]
fn an_empty_line_says_nothing() {
    let ids: Vec<String> = (0..20).map(|number| format!("e{number}")).collect();
    let pf = store_with(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let body = format!("echo; {}; echo; echo", answer(r#""action":"ack""#));
    let run = work(&pf, &["--max-attempts", "1"], &body);
    assert!(run.stderr().ends_with("\n20 handled\n"), "{run}");
}

#[test]
fn what_a_worker_says_beside_its_answer_costs_its_place_and_no_event() {
    let pf = store_with(&["a", "b"]);
    let unfinished = r#"printf '{"id":"%s","action":"ack"}\ndone' "$id""#;
    let run = work(&pf, &["--max-attempts", "1"], unfinished);
    assert!(
        run.stderr().ends_with("; replacing it\n2 handled\n"),
        "{run}"
    );
    let pf = store_with(&["a", "b"]);
    let body = r#"printf '{"id":"%s","action":"ack"}\ndone\n' "$id""#;
    assert_snapshot!(work(&pf, &[], body), @r#"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    warning: the worker wrote more than its answer for `a`; replacing it
    2 handled
    "#);
}

#[test]
fn an_event_that_no_worker_saw_has_not_taken_too_long() {
    let pf = store_with(&["a", "b", "c"]);
    let body = format!(
        r#"echo "$id" >>seen; test $(wc -l <seen) -gt 3 || exit 3; {}"#,
        answer(r#""action":"ack""#)
    );
    let flags = ["--handler-timeout", "300ms", "--max-attempts", "4"];
    let run = work(&pf, &flags, &body).succeeded();
    assert!(!run.stderr().contains("took longer"), "{run}");
    let seen = std::fs::read_to_string(pf.path("seen")).unwrap();
    assert_eq!(seen.lines().count(), 6, "{seen}");
}

#[test]
fn the_end_of_a_worker_takes_no_time_of_the_next_event() {
    let pf = store_with(&["a", "b"]);
    let body = r#"trap '' TERM; printf '{"id":"%s","action":"ack"}\nmore\n' "$id""#;
    // Less than the worker is given to end.
    let flags = ["--handler-timeout", "450ms", "--max-attempts", "1"];
    let run = work(&pf, &flags, body).succeeded();
    assert!(run.stderr().ends_with("\n2 handled\n"), "{run}");
    // It has read nothing of the next one, and takes its time to end.
    let pf = store_with(&["a", "b"]);
    let body = format!(
        "trap '' TERM; {}; exec >&-; sleep 0.2; while :; do sleep 1; done",
        answer(r#""action":"ack""#)
    );
    let run = work(&pf, &flags, &body).succeeded();
    assert!(run.stderr().ends_with("\n2 handled\n"), "{run}");
}

#[test]
fn a_worker_that_cannot_be_run_stops_with_78() {
    let pf = store_with(&["a"]);
    assert_eq!(work(&pf, &[], "exit 127").code(), Some(78));
    let args = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--worker",
        "--",
        "./no-such-command",
    ];
    assert_snapshot!(pf.run(&args), @"
    exit: 78
    --- stdout

    --- stderr
    consuming order.created as group g: ./no-such-command
    error: the handler cannot run: cannot run `./no-such-command`: No such file or directory (os error 2)
    hint: the event went back without losing an attempt; run this again once the command works
    ");
    let run = consume(&pf, &["-q"], "echo $PF_DELIVERY_ATTEMPT").succeeded();
    assert_eq!(run.stdout(), "1\n");
}

#[test]
fn a_worker_may_emit() {
    let pf = store_with(&["a"]);
    let emit =
        r#""action":"ack","emit":[{"specversion":"1.0","type":"order.paid","source":"//pay"}]"#;
    let _ = work(&pf, &["-q", "--emit"], &answer(emit)).succeeded();
    let tail = [
        "tail",
        "order.paid",
        "--since",
        "1h",
        "--until-end",
        "-o",
        "event",
    ];
    assert_eq!(pf.run(&tail).succeeded().json().len(), 1);
}

#[test]
fn a_slow_answer_is_a_failed_run_and_the_worker_is_replaced() {
    let pf = store_with(&["a", "b"]);
    let body = format!("test $id = b || sleep 300; {}", answer(r#""action":"ack""#));
    let flags = ["--handler-timeout", "300ms", "--max-attempts", "1"];
    assert_snapshot!(work(&pf, &flags, &body), @r#"
    exit: 4
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'while read -r event; do id=${event#*\"id\":\"}; id=${…
    dead letter order.created a (exhausted): took longer than [MS]
    1 handled, 1 dead letter
    error: 1 event was dead-lettered
    hint: list them: pf dlq list --group billing
    "#);
}
