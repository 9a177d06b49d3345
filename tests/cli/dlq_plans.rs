//! Plan files, `pf dlq apply` and `pf dlq jobs`.

use insta::assert_snapshot;

use crate::{
    dead_letters::{consume, failed, ids, publish},
    harness::Pf,
};

fn plan(pf: &Pf) {
    let _ = pf
        .run(&["dlq", "replay", "--all", "--plan", "plan.json"])
        .succeeded();
}

fn read(pf: &Pf) -> String {
    std::fs::read_to_string(pf.path("plan.json")).unwrap()
}

#[test]
fn a_plan_file_is_applied_as_it_is_and_once() {
    let pf = failed(2);
    plan(&pf);
    assert_eq!(ids(&pf).len(), 2, "nothing was done");
    let file: serde_json::Value = serde_json::from_str(&read(&pf)).unwrap();
    assert_eq!(file["dead_letters"].as_array().unwrap().len(), 2);
    assert_eq!(file["dead_letters"][0]["group"], "billing");
    assert_eq!(file["plan"]["hash"].as_str().unwrap().len(), 64);
    publish(&pf, 3..=3);
    let _ = consume(&pf, "billing", "exit 65");
    let applied = pf.run(&["dlq", "apply", "plan.json"]).succeeded();
    assert_eq!(applied.stdout(), "replayed 2 dead letters\n");
    assert!(applied.stderr().ends_with(", as planned\n"), "{applied}");
    assert_eq!(ids(&pf).len(), 1, "a later one is not in the plan");
    let again = pf.run(&["dlq", "apply", "plan.json"]);
    assert_eq!(again.code(), Some(1), "{again}");
    let log = pf.run(&["dlq", "log", "-o", "json"]).succeeded().json();
    assert_eq!(log[0]["plan"], file["plan"]["hash"]);
}

#[test]
fn a_plan_that_changed_is_refused() {
    let pf = failed(2);
    plan(&pf);
    let all = ids(&pf);
    let altered = read(&pf).replace(&all[0], &all[0].replace(|c| c != 'a', "b"));
    pf.write("altered.json", &altered);
    assert_eq!(pf.run(&["dlq", "apply", "altered.json"]).code(), Some(1));
    pf.write("other.json", "{}");
    assert_eq!(pf.run(&["dlq", "apply", "other.json"]).code(), Some(1));
    let other = failed(2);
    other.write("plan.json", read(&pf));
    let refused = other.run(&["dlq", "apply", "plan.json"]);
    assert_eq!(refused.code(), Some(1), "of another store: {refused}");
    let _ = pf.run(&["dlq", "purge", &all[0], "--yes"]).succeeded();
    let gone = pf.run(&["dlq", "apply", "plan.json"]);
    assert_eq!(gone.code(), Some(1), "{gone}");
    assert!(
        gone.stderr()
            .contains("1 dead letter of this plan are gone since")
            || gone.stderr().contains("gone since"),
        "{gone}"
    );
    assert_eq!(ids(&pf), [all[1].clone()]);
}

#[test]
fn jobs_are_listed_shown_and_cancelled() {
    let pf = failed(2);
    plan(&pf);
    let jobs = pf
        .run(&["dlq", "jobs", "list", "-o", "json"])
        .succeeded()
        .json();
    assert_eq!(
        (&jobs[0]["state"], &jobs[0]["planned"]),
        (&"planned".into(), &2.into())
    );
    let id = jobs[0]["id"].as_str().unwrap().to_owned();
    let shown = pf.run(&["dlq", "jobs", "show", &id[..20]]).succeeded();
    assert!(shown.stdout().contains("0 of 2  replay --all"), "{shown}");
    let _ = pf
        .run(&["dlq", "jobs", "cancel", &id, "--because", "not yet"])
        .succeeded();
    assert_eq!(pf.run(&["dlq", "jobs", "list"]).succeeded().stdout(), "");
    assert_eq!(ids(&pf).len(), 2);
    let ended = pf.run(&["dlq", "jobs", "list", "--all"]).succeeded();
    assert!(ended.stdout().contains("cancelled"), "{ended}");
    assert_snapshot!(pf.run(&["dlq", "jobs", "resume", "nosuch"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: there is no job `nosuch`
    hint: `pf dlq jobs list --all` shows all of them
    ");
    assert_eq!(pf.run(&["dlq", "apply", "plan.json"]).code(), Some(1));
}

#[test]
fn the_policy_of_now_holds_for_a_plan_of_before() {
    let pf = failed(2);
    plan(&pf);
    let jobs = pf.run(&["dlq", "jobs", "list", "-o", "json"]).json();
    let id = jobs[0]["id"].as_str().unwrap().to_owned();
    let set = |policy: &str| {
        let set = pf.run_with(&["dlq", "policy", "set", "-"], policy);
        let _ = set.succeeded();
    };
    let runs: [&[&str]; 2] = [
        &["dlq", "apply", "plan.json"],
        &["dlq", "jobs", "resume", &id],
    ];
    for policy in [
        r#"{"never-replay":["1:"]}"#,
        r#"{"targets":["mail.**"]}"#,
        r#"{"read-only":true}"#,
    ] {
        set(policy);
        for run in runs {
            let refused = pf.run(run);
            assert_eq!(refused.code(), Some(77), "{policy} {run:?}: {refused}");
        }
    }
    assert_snapshot!(pf.run(&["dlq", "jobs", "cancel", &id]), @"
    exit: 77
    --- stdout

    --- stderr
    error: the policy of this store forbids it: it is read-only
    hint: see `pf dlq policy show`
    ");
    set(r#"{"never-replay":["1:"]}"#);
    let refused = pf.run(&["dlq", "apply", "plan.json"]);
    assert!(
        refused.stderr().contains("which is never replayed"),
        "{refused}"
    );
    assert_eq!(ids(&pf).len(), 2);
    set("{}");
    let _ = pf.run(&["dlq", "apply", "plan.json"]).succeeded();
}

#[test]
fn a_plan_whose_file_cannot_be_written_is_dropped() {
    let pf = failed(1);
    std::fs::create_dir(pf.path("folder")).unwrap();
    let run = pf.run(&["dlq", "replay", "--all", "--plan", "folder"]);
    assert_eq!(run.code(), Some(1), "{run}");
    let listed = pf.run(&["dlq", "jobs", "list"]).succeeded();
    assert_eq!(listed.stdout(), "");
    assert!(!pf.path("folder.partial").exists());
}

#[test]
fn a_planned_job_is_run_by_its_id() {
    let pf = failed(2);
    plan(&pf);
    let jobs = pf
        .run(&["dlq", "jobs", "list", "-o", "json"])
        .succeeded()
        .json();
    let id = jobs[0]["id"].as_str().unwrap().to_owned();
    let resumed = pf.run(&["dlq", "jobs", "resume", &id]).succeeded();
    assert_eq!(resumed.stdout(), "replayed 2 dead letters\n");
    let shown = pf.run(&["dlq", "jobs", "show", &id]).succeeded();
    assert!(
        shown.stdout().contains("done         2 done  replay --all"),
        "{shown}"
    );
}

#[test]
fn a_replay_stops_when_too_many_die_again() {
    let pf = failed(60);
    let mut consumer = pf.spawn(&[
        "consume",
        "order.created",
        "--group",
        "billing",
        "-q",
        "--",
        "sh",
        "-c",
        "exit 65",
    ]);
    let args = [
        "dlq",
        "replay",
        "--all",
        "--yes",
        "--rate",
        "15",
        "--stop-on-refail",
        "20%",
    ];
    let stopped = pf.run(&args);
    assert_eq!(stopped.code(), Some(4), "{stopped}");
    assert!(stopped.stderr().contains("have died again"), "{stopped}");
    consumer.kill().unwrap();
    let _ = consumer.wait().unwrap();
    let left = pf
        .run(&["dlq", "jobs", "list", "-o", "json"])
        .succeeded()
        .json();
    assert_eq!(left[0]["state"], "interrupted");
}

#[test]
fn a_plan_that_was_not_finished_is_not_resumed() {
    let pf = failed(2);
    let replay = ["dlq", "replay", "--all", "--yes"];
    let mut killed = pf.command(&replay);
    let killed = killed.env("PF_FAILPOINT", "triage.planned:1").output();
    assert!(!killed.unwrap().status.success());
    let jobs = pf.run(&["dlq", "jobs", "list", "-o", "json"]).json();
    let id = jobs[0]["id"].as_str().unwrap().to_owned();
    let resumed = pf.run(&["dlq", "jobs", "resume", &id]).to_string();
    assert_snapshot!(resumed.replace(&id, "JOB"), @"
    exit: 1
    --- stdout

    --- stderr
    error: the plan of [ULID] was never confirmed: it waits at a prompt, or was interrupted before it was complete
    hint: nothing was done; run its command again, it makes a new plan
    ");
    assert_eq!(
        pf.run(&replay).succeeded().stdout(),
        "replayed 2 dead letters\n"
    );
}

#[test]
fn a_job_that_is_killed_at_its_end_is_in_the_log() {
    let pf = failed(2);
    let replay = ["dlq", "replay", "--all", "--yes", "--because", "fixed"];
    let mut killed = pf.command(&replay);
    let killed = killed.env("PF_FAILPOINT", "triage.released:1").output();
    assert!(!killed.unwrap().status.success());
    assert_eq!(pf.run(&["dlq", "jobs", "list"]).succeeded().stdout(), "");
    let log = pf.run(&["dlq", "log", "-o", "json"]).succeeded().json();
    assert_eq!(log.len(), 1);
    assert_eq!(log[0]["because"], "fixed");
    let id = log[0]["job"].as_str().unwrap();
    let shown = pf.run(&["dlq", "jobs", "show", id]).succeeded();
    assert!(
        shown
            .stdout()
            .contains("  ended        result unknown  replay --all"),
        "{shown}"
    );
    let verified = pf.run(&["dlq", "jobs", "show", id, "--verify"]);
    let _ = verified.succeeded();
}

#[test]
fn a_job_of_which_letters_were_edited_or_archived_since_is_refused() {
    let pf = failed(3);
    plan(&pf);
    let all = ids(&pf);
    let _ = pf.run(&["dlq", "archive", &all[1]]).succeeded();
    let jobs = pf.run(&["dlq", "jobs", "list", "-o", "json"]).json();
    let id = jobs[0]["id"].as_str().unwrap().to_owned();
    assert_snapshot!(pf.run(&["dlq", "jobs", "resume", &id]), @"
    exit: 1
    --- stdout

    --- stderr
    replay 3 dead letters of sqlite:[HOME]/events.db, as planned
    error: sqlite: 1 dead letter of this plan was archived or edited since it was made
    hint: make a new plan; cancel this one with `pf dlq jobs cancel`
    ");
    assert_eq!(ids(&pf).len(), 2);
}

#[test]
fn a_plan_with_an_edit_says_what_each_becomes_and_is_applied_as_it_is() {
    let pf = failed(3);
    let originals = ids(&pf);
    let edit = r"if .event.data.n == 2 then . else .event.data.n |= tostring end";
    let args = [
        "dlq",
        "replay",
        "--all",
        "--edit",
        edit,
        "--plan",
        "plan.json",
    ];
    let planned = pf.run(&args);
    assert_eq!(planned.code(), Some(4), "one is not edited: {planned}");
    assert_eq!(ids(&pf), originals, "nothing was done");
    let file: serde_json::Value = serde_json::from_str(&read(&pf)).unwrap();
    let letters = file["dead_letters"].as_array().unwrap();
    assert_eq!((letters.len(), &file["plan"]["edit"]), (2, &edit.into()));
    let becomes = letters[0]["becomes"].as_str().unwrap();
    assert_ne!(becomes, letters[0]["id"]);
    let altered = read(&pf).replace("tostring", "tojson");
    pf.write("altered.json", &altered);
    assert_eq!(pf.run(&["dlq", "apply", "altered.json"]).code(), Some(1));
    let job = file["plan"]["job"].as_str().unwrap();
    let resumed = pf.run(&["dlq", "jobs", "resume", job]);
    assert_eq!(resumed.code(), Some(1), "as they are: {resumed}");
    let applied = pf.run(&["dlq", "apply", "plan.json"]).succeeded();
    assert!(
        applied.stdout().ends_with("replayed 2 dead letters\n"),
        "{applied}"
    );
    assert_eq!(ids(&pf), [originals[1].clone()]);
    let events = consume(&pf, "billing", "cat").succeeded().json();
    let data: Vec<_> = events.iter().map(|event| &event["data"]["n"]).collect();
    assert_eq!(data, ["1", "3"]);
    assert_eq!(
        pf.run(&["dlq", "jobs", "list", "-o", "json"])
            .succeeded()
            .json(),
        [""; 0]
    );
    assert_eq!(
        pf.run(&["dlq", "apply", "plan.json"]).code(),
        Some(1),
        "once"
    );
}

#[test]
fn a_planned_edit_that_would_come_out_differently_is_not_applied() {
    let pf = failed(1);
    let edit = ".event.data.n = now";
    let args = [
        "dlq",
        "replay",
        "--all",
        "--edit",
        edit,
        "--plan",
        "plan.json",
    ];
    let _ = pf.run(&args).succeeded();
    let refused = pf.run(&["dlq", "apply", "plan.json"]);
    assert_eq!(refused.code(), Some(1), "{refused}");
    assert!(
        refused
            .stderr()
            .contains("would become another event than planned"),
        "{refused}"
    );
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn the_command_of_a_canary_gets_the_edited_copy() {
    let pf = failed(1);
    let edit = ".event.data.n = 42";
    let tries = ["--canary", "1", "--", "sh", "-c", "grep -q '\"n\":42'"];
    let replay = ["dlq", "replay", "--all", "--edit", edit];
    let planned = [&replay[..], &["--plan", "plan.json"], &tries].concat();
    let _ = pf.run(&planned).succeeded();
    assert_eq!(ids(&pf).len(), 1);
    let _ = pf
        .run(&[&replay[..], &["--yes"], &tries].concat())
        .succeeded();
    assert_eq!(ids(&pf), [""; 0]);
}
