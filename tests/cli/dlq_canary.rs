//! `pf dlq replay --canary N -- CMD`: a command is tried on copies first, and `PF_CANARY` keeps a nested `pf` from changes.

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};
use test_support::wait::until;

use crate::{
    dead_letters::{consume, failed, ids},
    harness::{Pf, Run, program},
};

/// Runs a canary with a shell script.
fn canary(pf: &Pf, flags: &[&str], script: &str) -> Run {
    let args = [&["dlq", "replay", "--all", "--canary", "2"], flags].concat();
    pf.run(&[&args[..], &["--", "sh", "-c", script]].concat())
}

fn script(text: &str) -> String {
    format!("pf() {{ '{}' \"$@\"; }}; {text}", program().display())
}

fn is_empty(pf: &Pf, topic: &str) -> bool {
    let tail = ["tail", topic, "--since", "1h", "--until-end", "-o", "event"];
    pf.run(&tail).succeeded().json().is_empty()
}

#[test]
fn the_command_is_tried_on_copies_and_then_all_are_replayed() {
    let pf = failed(3);
    let tried = canary(
        &pf,
        &["--yes"],
        "cat; env | grep -E '^PF_(CANARY|EVENT_ID|DELIVERY)' | sort",
    );
    assert_snapshot!(tried, @r#"
    exit: 0
    --- stdout
    [LETTER]  order.created  e1  exit status 0  [MS]  would be acknowledged
    [LETTER]  order.created  e2  exit status 0  [MS]  would be acknowledged
    replayed 3 dead letters

    --- stderr
    canary: sh -c 'cat; env | grep -E '\''^PF_(CANARY|EVENT_ID|DELIVERY)'\'' | sort' on copies of 2 dead letters
    nothing is published or settled; what the command does elsewhere (calls, writes) is real
    {"specversion":"1.0","id":"e1","source":"shop","type":"order.created","pfattempt":1,"pfattemptlimit":3,"data":{"n":1}}
    PF_CANARY=1
    PF_DELIVERY_ATTEMPT=1
    PF_DELIVERY_GROUP=billing
    PF_DELIVERY_MAX_ATTEMPTS=3
    PF_DELIVERY_TOPIC=order.created
    PF_EVENT_ID=e1
    {"specversion":"1.0","id":"e2","source":"shop","type":"order.created","pfattempt":1,"pfattemptlimit":3,"data":{"n":2}}
    PF_CANARY=1
    PF_DELIVERY_ATTEMPT=1
    PF_DELIVERY_GROUP=billing
    PF_DELIVERY_MAX_ATTEMPTS=3
    PF_DELIVERY_TOPIC=order.created
    PF_EVENT_ID=e2
    the canary handled 2 dead letters
    replay 3 dead letters of sqlite:[HOME]/events.db
            3  to billing on order.created
    because of
            3  exit status 65: card declined (permanent)
    "#);
    assert!(ids(&pf).is_empty());
    let handled = consume(&pf, "billing", "echo \"$PF_CANARY,$PF_DELIVERY_ATTEMPT\"");
    assert_eq!(handled.stdout(), ",1\n,1\n,1\n");
}

#[test]
fn a_run_that_fails_is_named_and_nothing_is_replayed() {
    let pf = failed(3);
    let before = ids(&pf);
    let fails = "test $PF_EVENT_ID = e1 || { echo no card >&2; exit 65; }";
    assert_snapshot!(canary(&pf, &["--yes"], fails), @"
    exit: 1
    --- stdout
    [LETTER]  order.created  e1  exit status 0  [MS]  would be acknowledged
    [LETTER]  order.created  e2  exit status 65  [MS]  would be dead-lettered: exit status 65: no card

    --- stderr
    canary: sh -c 'test $PF_EVENT_ID = e1 || { echo no card >&2; exit 65; }' on copies of 2 dead letters
    nothing is published or settled; what the command does elsewhere (calls, writes) is real
    no card
    error: the canary failed on 1 of 2 dead letters: [LETTER] would be dead-lettered: exit status 65: no card
    hint: nothing was replayed
    ");
    let shown = canary(&pf, &["--yes", "-o", "json"], fails);
    assert_eq!(shown.code(), Some(1));
    let runs = shown.json();
    assert_eq!(runs.len(), 2);
    let (first, second) = (&runs[0]["canary"], &runs[1]["canary"]);
    assert_eq!(
        (&first["id"], &first["outcome"], &first["status"]),
        (&before[0].clone().into(), &"acknowledged".into(), &0.into())
    );
    assert_eq!(
        (&second["outcome"], &second["status"], &second["stderr"]),
        (&"dead_lettered".into(), &65.into(), &"no card".into())
    );
    assert!(second["duration_ms"].is_u64(), "{shown}");
    assert_eq!(ids(&pf), before);
}

#[test]
fn the_outcome_is_that_of_the_handler_contract() {
    let pf = failed(1);
    let cases: [(&[&str], &str, &str, i32); 9] = [
        (&[], "exit 1", "retried", 1),
        (&[], "kill -9 $$", "retried", 1),
        (&[], "exit 78", "stopped", 1),
        (
            &[],
            r#"echo '{"action":"skip","reason":"old"}' > $PF_RESULT"#,
            "skipped",
            0,
        ),
        (
            &[],
            r#"echo '{"action":"dead_letter"}' > $PF_RESULT"#,
            "dead_lettered",
            1,
        ),
        (&["--on-exit", "3=ack"], "exit 3", "acknowledged", 0),
        (&["--handler-timeout", "20ms"], "sleep 60", "retried", 1),
        (
            &["--stdin", "data"],
            r#"test "$(cat)" = '{"n":1}'"#,
            "acknowledged",
            0,
        ),
        (&["--emit"], "echo '{}'", "retried", 1),
    ];
    for (flags, script, outcome, code) in cases {
        let flags = [flags, &["-n", "-o", "json"]].concat();
        let run = canary(&pf, &flags, script);
        assert_eq!(run.json()[0]["canary"]["outcome"], outcome, "{run}");
        assert_eq!(run.code(), Some(code), "{run}");
    }
    let missing = pf.run(&[
        "dlq", "replay", "--all", "--canary", "1", "-n", "--", "./nope",
    ]);
    assert_eq!(missing.code(), Some(1), "{missing}");
    assert_eq!(ids(&pf).len(), 1, "a dry run only tries");
}

#[test]
fn events_that_it_emits_are_shown_and_not_published() {
    let pf = failed(2);
    let emits =
        r#"echo '{"specversion":"1.0","type":"order.paid","source":"//pay","data":1}'; echo"#;
    let run = canary(&pf, &["-n", "--emit", "-o", "json"], emits).succeeded();
    for run in run.json() {
        let event = &run["canary"]["emits"][0];
        assert_eq!(
            (&event["type"], &event["data"]),
            (&"order.paid".into(), &1.into())
        );
        assert!(event["id"].is_string(), "{event}");
    }
    let shown = canary(&pf, &["-n", "--emit"], emits).succeeded();
    assert_eq!(shown.stdout().matches("\n  emits {").count(), 2, "{shown}");
    assert!(is_empty(&pf, "order.paid"));
}

#[test]
fn what_a_nested_pf_would_change_is_only_validated() {
    let pf = failed(2);
    let changes = script(
        "pf publish order.paid '{}' --create && pf schedule cancel x && pf dlq purge --all --yes",
    );
    let run = canary(&pf, &["-n"], &changes).succeeded();
    assert!(run.stderr().contains(" to order.paid\n"), "{run}");
    assert_eq!(ids(&pf).len(), 2);
    assert!(is_empty(&pf, "order.paid"));
    let missing = script("pf publish order.paid '{}' --create --url sqlite:missing.db");
    let run = canary(&pf, &["-n"], &missing).succeeded();
    assert!(run.stderr().contains(" to order.paid\n"), "{run}");
    assert!(!pf.path("missing.db").exists(), "{run}");
    let invalid = canary(&pf, &["-n"], &script("pf publish order.paid '{'"));
    assert_eq!(invalid.code(), Some(1), "{invalid}");
}

/// Commands that change a store.
const CHANGES: [&str; 21] = [
    "publish order.created {} --create",
    "publish order.created {} --delay 1h",
    "dlq replay --all --yes",
    "dlq replay --all --canary 1 --yes -- true",
    "dlq purge --all --yes",
    "dlq edit LETTER",
    "dlq apply plan.json",
    "dlq jobs cancel x",
    "dlq jobs resume x",
    "dlq archive --all",
    "dlq restore --archived",
    "dlq fixed x --in v2",
    "dlq import letters.ndjson",
    "dlq policy set policy.json",
    "dlq capture",
    "schedule cancel x",
    "schedule reschedule x --delay 2h",
    "schedule run",
    "consume order.created --group other --until-end -- false",
    "demo --url sqlite:events.db",
    "doctor --fix",
];

#[test]
fn with_pf_canary_every_command_leaves_the_store_as_it_is() {
    let pf = failed(2);
    let _ = pf
        .run(&["publish", "order.later", "{}", "--delay", "1h", "--create"])
        .succeeded();
    let state = |pf: &Pf| {
        let lists = [
            &["dlq", "list"][..],
            &["dlq", "log"],
            &["dlq", "policy", "show"],
            &["schedule", "list"],
            &["tail", "**", "--since", "1h", "--until-end"],
        ];
        lists.map(|list| pf.run(list).succeeded().stdout().to_owned())
    };
    let before = state(&pf);
    let letter = ids(&pf).remove(0);
    let pf = pf.env("PF_CANARY", "1");
    pf.write("policy.json", r#"{"read-only":true}"#);
    for line in CHANGES {
        let line = line.replace("LETTER", &letter);
        let run = pf.run(&line.split(' ').collect::<Vec<_>>()).succeeded();
        assert!(
            run.stderr().starts_with("PF_CANARY is set: "),
            "{line}: {run}"
        );
        assert_eq!(run.stdout(), "", "{line}");
    }
    assert_eq!(state(&pf), before);
    let args = ["publish", "--ndjson", "-o", "json"];
    let event = r#"{"specversion":"1.0","source":"shop","type":"order.created","id":"e9"}"#;
    let stream = pf.run_with(&args, event).succeeded();
    assert_snapshot!(stream, @r#"
    exit: 0
    --- stdout
    {"line":1,"id":"e9","topic":"order.created","canary":true}

    --- stderr
    PF_CANARY is set: nothing is published, this only validates
    would publish 1 event
    "#);
    assert_eq!(state(&pf), before);
    let off = pf.env("PF_CANARY", "0");
    let _ = off.run_with(&args, event).succeeded();
    assert_ne!(state(&off), before);
}

#[test]
fn the_first_that_the_plan_would_have_are_tried_where_they_would_be_replayed_to() {
    let pf = failed(2);
    let _ = pf
        .run(&["dlq", "replay", &ids(&pf)[0], "--yes"])
        .succeeded();
    let _ = consume(&pf, "billing", "exit 65");
    assert_eq!(ids(&pf).len(), 2);
    let flags = ["-n", "--max-replays", "1", "--to", "order.again"];
    let run = canary(&pf, &flags, "echo $PF_EVENT_ID $PF_DELIVERY_TOPIC").succeeded();
    assert!(run.stderr().contains("\ne2 order.again\n"), "{run}");
    assert_eq!(run.stdout().lines().count(), 1, "{run}");
}

#[test]
fn a_canary_that_cannot_begin_runs_nothing() {
    let pf = failed(1);
    let mark = "touch ran";
    assert_snapshot!(canary(&pf, &[], mark), @"
    exit: 2
    --- stdout

    --- stderr
    error: a replay needs confirmation and stdin is not a terminal
    hint: confirm with `--yes`; `--dry-run` runs the canary only
    ");
    let without = ["dlq", "replay", "--all", "--canary", "5", "--emit", "--yes"];
    assert_snapshot!(pf.run(&without), @"
    exit: 2
    --- stdout

    --- stderr
    error: `--emit` needs a command
    hint: add it after `--`: pf dlq replay … --canary 5 -- ./handle.sh
    ");
    assert_snapshot!(pf.run(&["dlq", "replay", "--all", "--yes", "--", "touch", "ran"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: a command is given, but no `--canary N`
    hint: `--canary 5` runs it on copies of the first 5 dead letters
    ");
    let waits = canary(&pf, &["--canary-timeout", "1s"], mark);
    assert_eq!(waits.code(), Some(2), "{waits}");
    for number in ["0", "101", "x"] {
        let args = ["dlq", "replay", "--all", "--canary", number, "--", "true"];
        assert_eq!(pf.run(&args).code(), Some(2));
    }
    let args = ["dlq", "replay", "nosuch", "--canary", "1", "--yes"];
    let unknown = pf.run(&[&args[..], &["--", "touch", "ran"]].concat());
    assert_eq!(unknown.code(), Some(1), "{unknown}");
    pf.write("policy.json", r#"{"read-only":true}"#);
    let _ = pf.run(&["dlq", "policy", "set", "policy.json"]).succeeded();
    assert_eq!(canary(&pf, &["--yes"], mark).code(), Some(77));
    assert!(!pf.path("ran").exists());
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn an_interrupted_canary_replays_nothing() {
    let pf = failed(2);
    // The second run, if the signal is slow, gives it time.
    let waits =
        "test $PF_EVENT_ID = e1 || sleep 5; touch ran; until test -e go; do sleep 0.01; done";
    let args = ["dlq", "replay", "--all", "--canary", "2", "--yes", "--"];
    let running = pf.spawn(&[&args[..], &["sh", "-c", waits]].concat());
    until("the command runs", || pf.path("ran").exists());
    kill_process(Pid::from_child(&running), Signal::INT).unwrap();
    pf.write("go", "");
    let run = pf.finish(running);
    assert_eq!(run.code(), Some(130), "{run}");
    assert_eq!(ids(&pf).len(), 2);
}
