//! `pf dlq jobs show JOB --verify`: proof of a replay.

use insta::assert_snapshot;
use rusqlite::Connection;
use serde_json::Value;

use crate::{
    dead_letters::{consume, failed, ids},
    harness::{Pf, Run},
};

fn replay(pf: &Pf, args: &[&str]) -> String {
    let mut all = vec!["dlq", "replay", "--all", "--yes", "-o", "json"];
    all.extend(args);
    let lines = pf.run(&all).succeeded().json();
    lines.last().unwrap()["job"].as_str().unwrap().to_owned()
}

fn verify(pf: &Pf, job: &str) -> Run {
    pf.run(&["dlq", "jobs", "show", job, "--verify", "-o", "json"])
}

/// Returns what was found of each of these dead letters.
fn found(run: &Run, ids: &[String]) -> Vec<String> {
    let lines = run.json();
    let of = |id: &String| {
        let line = lines.iter().find(|line| line["id"] == **id);
        line.unwrap()["found"].as_str().unwrap().to_owned()
    };
    ids.iter().map(of).collect()
}

fn raw(pf: &Pf) -> Connection {
    Connection::open(pf.path("events.db")).unwrap()
}

#[test]
fn a_replay_is_proven_letter_by_letter() {
    let pf = failed(2);
    let all = ids(&pf);
    let job = replay(&pf, &[]);
    let shown = pf.run(&["dlq", "jobs", "show", &job[..12], "--verify"]);
    let shown = shown.succeeded().stdout().replace(&job, "JOB");
    let shown = shown.replace(&all[0], "ONE").replace(&all[1], "TWO");
    assert_snapshot!(shown, @"
    ONE  there once    to billing on order.created at 3
    TWO  there once    to billing on order.created at 4
    verified 2 dead letters of JOB: 2 there once
    ");
    let _ = consume(&pf, "billing", "grep -q e1 || exit 65");
    let again = ids(&pf).remove(0);
    let shown = pf.run(&["dlq", "jobs", "show", &job, "--verify"]);
    let shown = shown.succeeded().stdout().replace(&job, "JOB");
    let shown = shown.replace(&all[0], "ONE").replace(&all[1], "TWO");
    assert_snapshot!(shown.replace(&again, "AGAIN"), @"
    ONE  there once    to billing on order.created at 3; settled
    TWO  there once    to billing on order.created at 4; died again as AGAIN
    verified 2 dead letters of JOB: 2 there once
    ");
}

#[test]
fn what_is_removed_doubled_or_changed_is_found() {
    for to in [&["--to", "order.again"][..], &[]] {
        let pf = failed(5);
        let all = ids(&pf);
        let job = replay(&pf, to);
        let clean = verify(&pf, &job).succeeded();
        assert_eq!(found(&clean, &all), ["once"; 5]);
        let seq = |id: &String| {
            let sql = "SELECT seq FROM messages WHERE lineage LIKE '%' || ?1 || '%'";
            let seq = raw(&pf).query_row(sql, [id], |row| row.get::<_, i64>(0));
            seq.unwrap()
        };
        let (removed, doubled, changed) = (seq(&all[0]), seq(&all[2]), seq(&all[4]));
        let double = "INSERT INTO messages SELECT (SELECT max(seq) + 1 FROM messages), topic, time, \
                      key, headers, payload, only_group, lineage FROM messages WHERE seq = ?1";
        let change = "UPDATE messages SET payload = payload || ' ' WHERE seq = ?1";
        for (sql, seq) in [
            ("DELETE FROM messages WHERE seq = ?1", removed),
            (double, doubled),
            (change, changed),
        ] {
            assert_eq!(raw(&pf).execute(sql, [seq]).unwrap(), 1);
        }
        let run = verify(&pf, &job);
        assert_eq!(run.code(), Some(4), "{run}");
        let expected = ["missing", "once", "twice", "once", "changed"];
        assert_eq!(found(&run, &all), expected, "{to:?}");
        let summary = run.json().pop().unwrap();
        let counts = ["letters", "once", "changed", "missing", "twice", "unknown"];
        let counts = counts.map(|name| summary[name].as_u64().unwrap());
        assert_eq!(counts, [5, 2, 1, 1, 1, 0]);
        assert!(
            run.stderr()
                .contains("3 of 5 replays are not there exactly once"),
            "{run}"
        );
    }
}

/// Faults by SQL on the row of a dead letter, and how it has to be found; `?1` is its place in the log.
const FAULTS: [(&str, &str); 16] = [
    ("SELECT 1", "once"),
    ("DELETE FROM messages WHERE seq = ?1", "missing"),
    ("DELETE FROM messages WHERE seq = ?1", "missing"),
    (DOUBLE, "twice"),
    (
        "UPDATE messages SET payload = CAST(replace(payload, '}}', '} }') AS BLOB) WHERE seq = ?1",
        "changed",
    ),
    (
        "UPDATE messages SET payload = CAST(replace(payload, '\"shop\"', '\"shot\"') AS BLOB) WHERE seq = ?1",
        "changed",
    ),
    (
        "UPDATE messages SET payload = x'' WHERE seq = ?1",
        "changed",
    ),
    (
        "UPDATE messages SET payload = NULL WHERE seq = ?1",
        "changed",
    ),
    (
        "UPDATE messages SET headers = NULL WHERE seq = ?1",
        "changed",
    ),
    (
        "UPDATE messages SET headers = CAST(headers || headers AS BLOB) WHERE seq = ?1",
        "changed",
    ),
    ("UPDATE messages SET key = x'61' WHERE seq = ?1", "changed"),
    (
        "UPDATE messages SET lineage = NULL WHERE seq = ?1",
        "missing",
    ),
    (OF_ANOTHER, "missing"),
    ("SELECT 1", "twice"),
    (SWAPPED, "changed"),
    ("SELECT 1", "once"),
];
const DOUBLE: &str = "INSERT INTO messages SELECT (SELECT max(seq) + 1 FROM messages), topic, time, \
                      key, headers, payload, only_group, lineage FROM messages WHERE seq = ?1";
/// It says that it replays the next one.
const OF_ANOTHER: &str = "UPDATE messages SET lineage = \
                          (SELECT lineage FROM messages WHERE seq = ?1 + 1) WHERE seq = ?1";
/// It has the payload of the next one.
const SWAPPED: &str = "UPDATE messages SET payload = \
                       (SELECT payload FROM messages WHERE seq = ?1 + 1) WHERE seq = ?1";

#[test]
fn each_planted_fault_is_found() {
    for to in [&["--to", "order.again"][..], &[]] {
        let pf = failed(16);
        let all = ids(&pf);
        let job = replay(&pf, to);
        for (id, (sql, _)) in all.iter().zip(FAULTS) {
            let number =
                "SELECT seq FROM messages WHERE lineage LIKE '%' || ?1 || '%' ORDER BY seq";
            let seq = raw(&pf).query_row(number, [id], |row| row.get::<_, i64>(0));
            if sql != "SELECT 1" {
                raw(&pf).execute(sql, [seq.unwrap()]).unwrap();
            }
        }
        let run = verify(&pf, &job);
        assert_eq!(run.code(), Some(4), "{run}");
        assert_eq!(found(&run, &all), FAULTS.map(|(_, found)| found), "{to:?}");
    }
}

#[test]
fn what_was_moved_to_another_topic_or_group_is_found() {
    let pf = failed(4);
    let all = ids(&pf);
    let other = ["publish", "order.other", "{}", "-q"];
    let _ = pf.run(&other).succeeded();
    let _ = consume(&pf, "mail", "true");
    let job = replay(&pf, &[]);
    assert_eq!(found(&verify(&pf, &job).succeeded(), &all), ["once"; 4]);
    let to = [
        "topic = (SELECT id FROM topics WHERE name = 'order.other')",
        "only_group = (SELECT id FROM groups WHERE name = 'mail')",
        "only_group = NULL",
    ];
    for (id, set) in all.iter().zip(to) {
        let sql = format!("UPDATE messages SET {set} WHERE lineage LIKE '%' || ?1 || '%'");
        assert_eq!(raw(&pf).execute(&sql, [id]).unwrap(), 1);
    }
    let run = verify(&pf, &job);
    assert_eq!(run.code(), Some(4), "{run}");
    let expected = ["elsewhere", "elsewhere", "elsewhere", "once"];
    assert_eq!(found(&run, &all), expected);
    let shown = pf.run(&["dlq", "jobs", "show", &job, "--verify"]);
    assert!(
        shown.stdout().contains(": 1 there once, 3 elsewhere"),
        "{shown}"
    );
}

#[test]
fn what_retention_may_have_deleted_is_not_called_missing() {
    let pf = failed(2);
    let all = ids(&pf);
    let job = replay(&pf, &["--to", "order.again"]);
    let raw = raw(&pf);
    let gone = "DELETE FROM messages WHERE lineage LIKE '%' || ?1 || '%'";
    assert_eq!(raw.execute(gone, [&all[1]]).unwrap(), 1);
    let older = "INSERT INTO meta(name, value) VALUES('removed_until', '1')";
    assert_eq!(raw.execute(older, []).unwrap(), 1);
    assert_eq!(found(&verify(&pf, &job), &all), ["once", "missing"]);
    let now =
        "UPDATE meta SET value = (SELECT max(time) FROM messages) WHERE name = 'removed_until'";
    assert_eq!(raw.execute(now, []).unwrap(), 1);
    let run = verify(&pf, &job);
    assert_eq!(run.code(), Some(4), "{run}");
    assert_eq!(found(&run, &all), ["once", "unknown"]);
    let reason = |line: &Value| line["reason"].as_str().map(str::to_owned);
    let reasons: Vec<_> = run.json().iter().filter_map(reason).collect();
    assert_eq!(reasons, ["retention may have deleted it since"]);
}

#[test]
fn what_was_not_replayed_or_went_elsewhere_is_told() {
    let pf = failed(3);
    let all = ids(&pf);
    let _ = pf
        .run(&["dlq", "replay", "--all", "--plan", "plan.json"])
        .succeeded();
    let jobs = pf.run(&["dlq", "jobs", "list", "-o", "json"]).json();
    let job = jobs[0]["id"].as_str().unwrap().to_owned();
    let run = verify(&pf, &job);
    assert_eq!(
        (run.code(), found(&run, &all)),
        (Some(4), vec!["not_replayed".to_owned(); 3])
    );
    let _ = pf.run(&["dlq", "purge", &all[1], "--yes"]).succeeded();
    let _ = pf.run(&["dlq", "jobs", "resume", &job]).succeeded();
    let run = verify(&pf, &job);
    assert_eq!(run.code(), Some(4), "{run}");
    assert_eq!(found(&run, &all), ["once", "unknown", "once"]);
}

#[test]
fn only_listed_replays_can_be_verified() {
    let pf = failed(1);
    assert_snapshot!(pf.run(&["dlq", "jobs", "show", "nosuch", "--verify"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: there is no job `nosuch`
    hint: `pf dlq jobs list --all` shows all of them
    ");
    let purged = pf.run(&["dlq", "purge", "--all", "--yes", "-o", "json"]);
    let purged = purged.succeeded().json();
    let job = purged.last().unwrap()["job"].as_str().unwrap();
    let run = pf.run(&["dlq", "jobs", "show", job, "--verify"]);
    assert_snapshot!(run.to_string().replace(job, "JOB"), @"
    exit: 1
    --- stdout

    --- stderr
    error: the store keeps no list of the dead letters of `[ULID]`
    hint: it keeps those of the last 20 replays, for 30 days
    ");
}
