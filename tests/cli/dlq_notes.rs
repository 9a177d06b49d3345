//! `pf dlq archive`, `restore`, `fixed`, `check`, `log` and `policy`.

use insta::assert_snapshot;

use crate::{
    dead_letters::{consume, failed, ids, publish},
    harness::Pf,
};

#[test]
fn what_is_archived_is_left_out_of_everything_until_it_is_restored() {
    let pf = failed(3);
    let all = ids(&pf);
    let archived = pf.run(&["dlq", "archive", &all[1], "--because", "the customer knows"]);
    assert_eq!(archived.succeeded().stdout(), "archived 1 dead letter\n");
    assert_eq!(ids(&pf), [all[0].clone(), all[2].clone()]);
    let stats = pf.run(&["dlq", "stats", "-o", "json"]).succeeded().json();
    assert_eq!(stats[0]["count"], 2);
    let replayed = pf.run(&["dlq", "replay", "--all", "--yes"]).succeeded();
    assert_eq!(replayed.stdout(), "replayed 2 dead letters\n");
    assert_eq!(ids(&pf), [""; 0]);
    let shown = pf
        .run(&["dlq", "list", "--archived", "-o", "json"])
        .succeeded();
    assert_eq!(shown.json()[0]["dead_letter"]["id"], all[1].as_str());
    let gone = pf.run(&["dlq", "restore", &all[0]]);
    assert_eq!(gone.code(), Some(1), "{gone}");
    let restored = pf.run(&["dlq", "restore", "--all"]).succeeded();
    assert_eq!(restored.stdout(), "restored 1 dead letter\n");
    assert_eq!(ids(&pf), [all[1].clone()]);
    assert_eq!(
        pf.run(&["dlq", "list", "--archived"]).succeeded().stdout(),
        ""
    );
}

#[test]
fn nothing_is_archived_by_leaving_something_out() {
    let pf = failed(1);
    assert_snapshot!(pf.run(&["dlq", "archive"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: nothing selected to archive
    hint: select by ids or flags, or every one with `--all`; see `pf dlq list`
    ");
    assert_eq!(pf.run(&["dlq", "restore", "x", "--all"]).code(), Some(2));
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn the_first_new_dead_letter_of_a_fixed_failure_is_a_regression() {
    let pf = failed(1);
    let before = pf.run(&["dlq", "check", "--no-regressions"]).succeeded();
    assert!(before.stdout().starts_with("ok"), "{before}");
    let fingerprint =
        pf.run(&["dlq", "list", "-o", "json"]).json()[0]["dead_letter"]["failure"]["fingerprint"]
            .clone();
    let fingerprint = fingerprint.as_str().unwrap();
    let unknown = pf.run(&["dlq", "fixed", "1:zzzz", "--in", "v42"]);
    assert_eq!(unknown.code(), Some(1), "{unknown}");
    let note = "cards are checked earlier";
    let _ = pf
        .run(&["dlq", "fixed", fingerprint, "--in", "v42", "--note", note])
        .succeeded();
    let _ = pf.run(&["dlq", "check", "--no-regressions"]).succeeded();
    publish(&pf, 2..=3);
    let _ = consume(&pf, "billing", "echo card declined >&2; exit 65");
    let listed = pf.run(&["dlq", "list"]).succeeded();
    let marks: Vec<_> = listed
        .stdout()
        .lines()
        .map(|line| line.ends_with("regressed: was fixed in v42"))
        .collect();
    assert_eq!(marks, [false, true, false]);
    let marked = pf.run(&["dlq", "list", "-o", "json"]).json();
    assert_eq!(marked[1]["dead_letter"]["regressed"]["note"], note);
    assert!(marked[2]["dead_letter"].get("regressed").is_none());
    let check = pf.run(&["dlq", "check", "--no-regressions"]);
    assert_eq!(check.code(), Some(3), "{check}");
    assert!(
        check.stderr().contains("was fixed in v42 and is back"),
        "{check}"
    );
}

#[test]
fn a_check_says_which_limits_are_exceeded() {
    let pf = failed(3);
    let _ = pf
        .run(&[
            "dlq",
            "check",
            "--max-depth",
            "3",
            "--max-age",
            "1d",
            "--max-rate",
            "3/h",
        ])
        .succeeded();
    let check = pf.run(&[
        "dlq",
        "check",
        "--max-depth",
        "2",
        "--max-rate",
        "2/h",
        "-o",
        "json",
    ]);
    assert_eq!(check.code(), Some(3), "{check}");
    let report = &check.json()[0];
    assert_eq!(
        (&report["depth"], &report["recent"]),
        (&3.into(), &3.into())
    );
    assert_eq!(report["exceeded"].as_array().unwrap().len(), 2);
    let metrics = pf
        .run(&["dlq", "check", "--max-depth", "3", "-o", "prometheus"])
        .succeeded();
    assert!(
        metrics.stdout().contains("\npf_dead_letters 3\n"),
        "{metrics}"
    );
    let other = pf
        .run(&["dlq", "check", "--group", "other", "--max-depth", "0"])
        .succeeded();
    assert!(other.stdout().starts_with("ok"), "{other}");
    assert_snapshot!(pf.run(&["dlq", "check"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: nothing to check
    hint: give a limit: `--max-depth`, `--max-age`, `--max-rate` or `--no-regressions`
    ");
    assert_eq!(
        pf.run(&["dlq", "check", "--max-rate", "ten"]).code(),
        Some(2)
    );
    assert_eq!(
        pf.run(&["tail", "-o", "prometheus", "--until-end"]).code(),
        Some(2)
    );
}

#[test]
fn the_log_says_who_did_what_and_why() {
    let pf = failed(2).env("USER", "ann");
    let _ = pf
        .run(&[
            "dlq",
            "replay",
            "--all",
            "--yes",
            "--because",
            "cards work again",
        ])
        .succeeded();
    let _ = consume(&pf, "billing", "exit 65");
    let _ = pf.run(&["dlq", "purge", "--all", "--yes"]).succeeded();
    let log = pf.run(&["dlq", "log", "-o", "json"]).succeeded().json();
    let actions: Vec<_> = log
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["replay", "purge"]);
    assert!(log[0]["who"].as_str().unwrap().starts_with("ann@"));
    assert_eq!(log[0]["because"], "cards work again");
    assert_eq!(log[0]["result"]["done"], 2);
    assert_eq!(log[0]["plan"].as_str().unwrap().len(), 64);
    let last = pf.run(&["dlq", "log", "--last", "1"]).succeeded();
    assert!(last.stdout().contains("purge --all  2 done"), "{last}");
}

#[test]
fn a_policy_is_kept_in_the_store_and_a_local_one_forbids_more() {
    let pf = failed(2);
    let set = |policy: &str| pf.run_with(&["dlq", "policy", "set", "-"], policy);
    assert_eq!(set(r#"{"read-olny":true}"#).code(), Some(2));
    let _ = set(r#"{"read-only":true}"#).succeeded();
    assert_snapshot!(pf.run(&["dlq", "purge", "--all", "--yes"]), @"
    exit: 77
    --- stdout

    --- stderr
    error: the policy of this store forbids it: it is read-only
    hint: see `pf dlq policy show`
    ");
    assert_eq!(pf.run(&["dlq", "archive", "--all"]).code(), Some(77));
    assert_eq!(ids(&pf).len(), 2);
    let _ = set(r#"{"targets":["payment.**"]}"#).succeeded();
    let elsewhere = pf.run(&["dlq", "replay", "--all", "--yes"]);
    assert_eq!(elsewhere.code(), Some(77), "{elsewhere}");
    assert_eq!(
        pf.run(&["dlq", "jobs", "list", "-o", "json"])
            .succeeded()
            .json()
            .len(),
        0
    );
    let _ = set(r#"{"never-replay":["1:"]}"#).succeeded();
    let never = pf.run(&["dlq", "replay", "--all", "--yes"]);
    assert!(
        never
            .stderr()
            .contains("left out, never replayed by policy: 2"),
        "{never}"
    );
    assert_eq!(ids(&pf).len(), 2);
    let _ = set("{}").succeeded();
    pf.write("local.json", r#"{"read-only":true}"#);
    let pf = pf.env("PF_DLQ_POLICY", "local.json");
    assert_eq!(pf.run(&["dlq", "purge", "--all", "--yes"]).code(), Some(77));
    pf.write("local.json", "{");
    let broken = pf.run(&["dlq", "list"]);
    assert_eq!(broken.code(), Some(78), "{broken}");
}

#[test]
fn a_policy_is_tried_before_it_is_set() {
    let pf = Pf::new();
    pf.write("policy.json", r#"{"targets":["order.**"],"max-rate":10}"#);
    let _ = pf
        .run(&[
            "dlq",
            "policy",
            "test",
            "policy.json",
            "--to",
            "order.created",
        ])
        .succeeded();
    let refused = pf.run(&["dlq", "policy", "test", "policy.json", "--to", "mail.sent"]);
    assert_eq!(refused.code(), Some(77), "{refused}");
    assert_eq!(
        pf.run(&["dlq", "policy", "test", "none.json"]).code(),
        Some(1)
    );
}

/// Returns a store with a dead letter of which the event and the failure have a number of a card.
fn with_a_card() -> Pf {
    let pf = Pf::new();
    let args = ["publish", "order.created", r#"{"card":"4111222"}"#, "-q"];
    let _ = pf.run(&args).succeeded();
    let fails = "echo card 4111222 declined >&2; exit 65";
    let _ = consume(&pf, "billing", fails);
    pf
}

fn mask_cards(pf: &Pf) {
    let policy = r#"{"mask":[".event.data.card"]}"#;
    let set = pf.run_with(&["dlq", "policy", "set", "-"], policy);
    let _ = set.succeeded();
}

#[test]
fn what_the_policy_masks_is_in_no_plan_edit_or_canary() {
    let pf = with_a_card();
    mask_cards(&pf);
    let handler = "cat > /dev/null; echo no 4111222 >&2; exit 65";
    let emits = r#"echo '{"specversion":"1.0","source":"s","type":"x","data":{"card":"4111222","other":"4111222"}}'"#;
    let edit = ".event.data.note = .event.data.card";
    let shows: [&[&str]; 7] = [
        &["dlq", "stats"],
        &["dlq", "stats", "-o", "json"],
        &["dlq", "replay", "--all", "--dry-run"],
        &["dlq", "replay", "--all", "--dry-run", "-o", "json"],
        &["dlq", "replay", "--all", "--edit", edit, "--dry-run"],
        &[
            "dlq",
            "replay",
            "--all",
            "--canary",
            "1",
            "--dry-run",
            "--",
            "sh",
            "-c",
            handler,
        ],
        &[
            "dlq",
            "replay",
            "--all",
            "--canary",
            "1",
            "--emit",
            "--dry-run",
            "--",
            "sh",
            "-c",
            emits,
        ],
    ];
    for show in shows {
        hides_the_card(&pf, show);
    }
    let planned = pf.run(&["dlq", "replay", "--all", "--plan", "plan.json"]);
    assert!(planned.succeeded().stderr().contains("***"));
    let file = std::fs::read_to_string(pf.path("plan.json")).unwrap();
    assert!(!file.contains("4111222"), "{file}");
}

fn hides_the_card(pf: &Pf, show: &[&str]) {
    let run = pf.run(show);
    assert!(run.stdout().contains("***"), "{show:?}: {run}");
    assert!(!run.stdout().contains("4111222"), "{show:?}: {run}");
    // What a command writes to stderr is its own, and so is the command itself.
    let is_its = |line: &str| line == "no 4111222" || line.starts_with("canary: sh");
    let ours = run.stderr().lines().filter(|line| !is_its(line));
    assert!(
        ours.into_iter().all(|line| !line.contains("4111222")),
        "{show:?}: {run}"
    );
}

#[test]
fn nor_where_an_edit_moves_it_before_a_canary() {
    let pf = with_a_card();
    mask_cards(&pf);
    let moves = ".event.data = {other: .event.data.card} | .event.type = .event.data.other";
    let edit = ["dlq", "replay", "--all", "--edit", moves];
    let canary = [
        "--canary",
        "1",
        "--emit",
        "--dry-run",
        "--",
        "sh",
        "-c",
        "cat",
    ];
    hides_the_card(&pf, &[&edit[..], &canary].concat());
}

#[test]
fn what_the_policy_masks_is_not_shown() {
    let pf = with_a_card();
    let lists: [&[&str]; 7] = [
        &["dlq", "list"],
        &["dlq", "list", "-o", "json"],
        &["dlq", "show", "--all"],
        &["dlq", "show", "--all", "-o", "json"],
        &["dlq", "show", "--all", "-o", "event"],
        &["dlq", "show", "--all", "-o", "raw"],
        &["dlq", "export", "--all"],
    ];
    let before = pf.run(lists[0]).succeeded();
    assert!(before.stdout().contains("4111222"), "{before}");
    mask_cards(&pf);
    for list in lists {
        let run = pf.run(list).succeeded();
        assert!(run.stdout().contains("***"), "{list:?}: {run}");
        assert!(!run.stdout().contains("4111222"), "{list:?}: {run}");
    }
    let wrong = pf.run_with(&["dlq", "policy", "set", "-"], r#"{"mask":[".a ="]}"#);
    assert_eq!(wrong.code(), Some(2), "{wrong}");
}
