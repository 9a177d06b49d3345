//! What becomes of replays: `--canary N` without a command, and the lineage that `pf dlq show` prints.

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use test_support::wait::until;

use crate::{
    dead_letters::{consume, failed, ids},
    harness::{Pf, Run},
};

/// Starts a consumer of `billing` that runs until it is stopped.
fn consumer(pf: &Pf, script: &str) -> Child {
    let args = ["consume", "order.created", "--group", "billing", "-q", "--"];
    pf.spawn(&[&args[..], &["sh", "-c", script]].concat())
}

/// Waits until a process handles SIGINT itself.
fn wait_for_signals(pid: Pid) {
    let status = format!("/proc/{}/status", pid.as_raw_nonzero());
    until("signals are caught", || {
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        caught.is_some_and(|mask| mask & 0b10 != 0)
    });
}

fn stop(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn canary(pf: &Pf, flags: &[&str]) -> Run {
    pf.run(&[&["dlq", "replay", "--all", "--canary", "2", "--yes"], flags].concat())
}

fn job(pf: &Pf) -> String {
    let jobs = pf.run(&["dlq", "jobs", "list", "-o", "json"]).succeeded();
    jobs.json()[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn the_rest_follows_once_the_first_were_handled() {
    let pf = failed(4);
    let consumer = consumer(&pf, "cat >> handled");
    let run = canary(&pf, &["-o", "json"]).succeeded();
    stop(consumer);
    let lines = run.json();
    let canaries: Vec<_> = lines.iter().filter_map(|line| line.get("canary")).collect();
    assert_eq!(canaries.len(), 2, "{run}");
    for canary in canaries {
        assert_eq!(canary["fate"], "handled", "{run}");
        assert_eq!(canary["group"], "billing");
    }
    let summary = lines.last().unwrap();
    assert_eq!(
        (&summary["done"], &summary["complete"]),
        (&4.into(), &true.into())
    );
    assert!(
        run.stderr()
            .contains("\nthe canary handled 2 dead letters\n"),
        "{run}"
    );
    assert_eq!(ids(&pf), [""; 0]);
}

#[test]
fn nothing_more_is_replayed_if_one_died_again() {
    let pf = failed(4);
    let consumer = consumer(&pf, "exit 65");
    let run = canary(&pf, &[]);
    stop(consumer);
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(run.stdout().contains("  died again as "), "{run}");
    assert!(run.stdout().ends_with("replayed 2 dead letters\n"), "{run}");
    assert!(run.stderr().contains("error: the canary failed: "), "{run}");
    let job = job(&pf);
    let resume = format!("`pf dlq jobs resume {job}` replays the rest without waiting");
    assert!(run.stderr().contains(&resume), "{run}");
    let rest = pf.run(&["dlq", "jobs", "resume", &job]).succeeded();
    assert_eq!(rest.stdout(), "replayed 2 dead letters\n");
}

#[test]
fn a_canary_that_nobody_handles_ends_in_time_and_goes_on_later() {
    let pf = failed(3);
    let run = canary(&pf, &["--canary-timeout", "200ms"]);
    assert_eq!(run.code(), Some(3), "{run}");
    assert!(
        run.stdout().contains("  not handled by billing yet\n"),
        "{run}"
    );
    assert_eq!(ids(&pf).len(), 1);
    let waiting = pf.spawn(&["dlq", "replay", "--all", "--canary", "2", "--yes"]);
    let pid = Pid::from_child(&waiting);
    // It holds no lease while it waits, so that others can work.
    let listed = || pf.run(&["dlq", "jobs", "list", "-o", "json"]).json();
    until("the job waits", || {
        listed().len() == 1 && listed()[0]["holder"].is_null()
    });
    wait_for_signals(pid);
    kill_process(pid, Signal::INT).unwrap();
    let interrupted = pf.finish(waiting);
    assert_eq!(interrupted.code(), Some(130), "{interrupted}");
    assert!(
        interrupted.stderr().contains("run the same command again"),
        "{interrupted}"
    );
    let consumer = consumer(&pf, "true");
    let again = canary(&pf, &[]).succeeded();
    stop(consumer);
    assert!(
        again.stdout().ends_with("replayed 1 dead letter\n"),
        "{again}"
    );
    assert_eq!(ids(&pf), [""; 0]);
}

#[test]
fn a_canary_needs_a_group_that_can_tell() {
    let pf = failed(1);
    let refused: [&[&str]; 4] = [
        &["--to", "order.other"],
        &["--emit"],
        &["--on-exit", "3=ack"],
        &["--plan", "plan.json"],
    ];
    for flags in refused {
        let args = ["dlq", "replay", "--all", "--canary", "2"];
        let run = pf.run(&[&args[..], flags].concat());
        assert_eq!(run.code(), Some(2), "{flags:?}: {run}");
        assert!(run.stderr().contains("\nhint: "), "{run}");
    }
    assert_eq!(ids(&pf).len(), 1);
}

#[test]
fn lineage_links_replays_edits_and_new_deaths_until_one_is_handled() {
    let pf = failed(1);
    let first = ids(&pf).remove(0);
    let replay = |flags: &[&str]| {
        let args = ["dlq", "replay", "--all", "--yes"];
        let _ = pf.run(&[&args[..], flags].concat()).succeeded();
    };
    replay(&[]);
    let show = |id: &str| {
        pf.run(&["dlq", "show", id, "-o", "json"])
            .succeeded()
            .json()
    };
    let lineage = |id: &str| show(id)[0]["dead_letter"]["lineage"].clone();
    assert_eq!(lineage(&first)[0]["fate"], "pending");
    let _ = consume(&pf, "billing", "exit 65");
    let second = ids(&pf).remove(0);
    let steps = lineage(&second);
    let step = |steps: &serde_json::Value, number: usize, name: &str| steps[number][name].clone();
    assert_eq!(step(&steps, 0, "id"), *first);
    assert_eq!(step(&steps, 0, "fate"), "died_again");
    assert_eq!(step(&steps, 0, "dead_letter"), *second);
    assert_eq!(step(&steps, 0, "group"), "billing");
    assert_eq!(step(&steps, 1, "step"), "dead_letter");
    replay(&["--edit", ".event.data.n = 7"]);
    let _ = consume(&pf, "billing", "true");
    assert_eq!(ids(&pf), [""; 0]);
    let steps = lineage(&first);
    let names: Vec<_> = (0..2).map(|number| step(&steps, number, "step")).collect();
    assert_eq!(names, ["replayed", "replayed"]);
    let edited = |number| step(&steps, number, "edited");
    assert_eq!(
        (edited(0), edited(1)),
        (serde_json::Value::Null, true.into())
    );
    assert_eq!(step(&steps, 1, "fate"), "handled");
    assert_eq!(steps, lineage(&second), "it is one story");
    let text = pf.run(&["dlq", "show", &first]).succeeded();
    assert!(text.stdout().contains("; handled by billing\n"), "{text}");
    let unknown = pf.run(&["dlq", "show", &first, "zzzzzz"]);
    assert_eq!(unknown.code(), Some(4), "{unknown}");
}

#[test]
fn a_replay_warns_of_newer_events_of_the_same_key() {
    let pf = Pf::new();
    let publish_keyed = |key: &str| {
        let args = ["publish", "order.created", "{}", "--key", key, "-q"];
        let _ = pf.run(&args).succeeded();
    };
    publish_keyed("a");
    publish_keyed("b");
    let _ = consume(&pf, "billing", "exit 65");
    let preview = || pf.run(&["dlq", "replay", "--all", "-n"]).succeeded();
    assert!(
        !preview().stderr().contains("newer events"),
        "{}",
        preview()
    );
    publish_keyed("a");
    let warning = "warning: 1 dead letter has newer events of the same key behind it: the replay comes out of order\n";
    assert!(preview().stderr().contains(warning), "{}", preview());
}
