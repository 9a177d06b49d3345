//! The store is moved or replaced while a command is at work.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::Child,
};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::{dead_letters::failed, harness::Pf, normalise::normalise};

/// Makes a store of this name with one event in it, and nothing in its log.
fn another(pf: &Pf, name: &str, data: &str) {
    let url = format!("sqlite:{name}");
    let args = ["publish", "order.created", data, "--url", &url, "-q"];
    let _ = pf.run(&args).succeeded();
    let raw = rusqlite::Connection::open(pf.path(name)).unwrap();
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    raw.query_row(sql, [], |_| Ok(())).unwrap();
}

fn data(pf: &Pf, name: &str) -> String {
    let url = format!("sqlite:{name}");
    let args = ["tail", "--until-end", "-o", "data", "--url", &url];
    pf.run(&args).succeeded().stdout().to_owned()
}

/// Publishes lines one by one, and does something between two of them.
fn publish_around(pf: &Pf, between: impl FnOnce()) -> String {
    let args = ["publish", "order.created", "--lines", "-o", "json"];
    let mut child = pf.spawn(&args);
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdin.write_all(b"1\n").unwrap();
    let mut receipt = String::new();
    stdout.read_line(&mut receipt).unwrap();
    assert!(receipt.contains(r#""line":1"#), "{receipt}");
    between();
    stdin.write_all(b"2\n").unwrap();
    drop(stdin);
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    let run = pf.finish(child).to_string();
    normalise(&format!("{run}\n--- receipt\n{rest}"))
}

#[test]
fn lines_that_are_in_no_file_of_the_name_are_told() {
    let pf = Pf::new();
    let told = publish_around(&pf, || {
        fs::rename(pf.path("events.db"), pf.path("moved.db")).unwrap();
    });
    let told = told.replace(&pf.path("").display().to_string(), "[HOME]/");
    assert_snapshot!(told, @r#"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: sqlite: `[HOME]/events.db` was removed or renamed while it was in use
    hint: put it back, or restart; the first `pf publish` then creates a new store
    published 1 event
    error: 1 line was not published

    --- receipt
    {"line":2,"error":"sqlite: `[HOME]/events.db` was removed or renamed while it was in use"}
    "#);
    assert_eq!(data(&pf, "moved.db"), "1\n");
    assert!(!pf.path("events.db").exists());
}

#[test]
fn lines_after_a_restore_are_in_the_new_file() {
    let pf = Pf::new();
    another(&pf, "new.db", "0");
    let told = publish_around(&pf, || {
        fs::rename(pf.path("new.db"), pf.path("events.db")).unwrap();
    });
    assert!(told.starts_with("exit: 0\n"), "{told}");
    assert!(told.contains("warning: `"), "{told}");
    assert!(told.contains("was replaced while it was in use"), "{told}");
    assert_eq!(data(&pf, "events.db"), "0\n2\n");
}

/// Reads what a command says until a line has these words.
fn until_said(child: &mut Child, words: &str) -> BufReader<std::process::ChildStderr> {
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    wait_for(&mut stderr, words);
    stderr
}

fn wait_for(stderr: &mut BufReader<std::process::ChildStderr>, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert_ne!(
            stderr.read_line(&mut line).unwrap(),
            0,
            "never said: {words}"
        );
    }
}

#[test]
fn a_consumer_says_that_the_store_is_gone_and_goes_on_with_the_next_one() {
    let pf = Pf::new();
    another(&pf, "events.db", "1");
    another(&pf, "new.db", "2");
    // The notice comes before the command runs.
    let script = "cat >/dev/null; end=led; echo hand$end >&2";
    let args = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--",
        "sh",
        "-c",
        script,
    ];
    let mut child = pf.spawn(&args);
    let mut stderr = until_said(&mut child, "handled");
    fs::remove_file(pf.path("events.db")).unwrap();
    wait_for(
        &mut stderr,
        "was removed or renamed while it was in use; waiting",
    );
    fs::rename(pf.path("new.db"), pf.path("events.db")).unwrap();
    wait_for(
        &mut stderr,
        "was replaced while it was in use; continuing with the new file",
    );
    wait_for(&mut stderr, "handled");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let run = pf.finish(child);
    assert_eq!(run.code(), Some(0), "{run}");
}

#[test]
fn a_tail_reads_the_next_store_from_its_beginning() {
    let pf = Pf::new();
    another(&pf, "events.db", "1");
    another(&pf, "new.db", "2");
    let mut child = pf.spawn(&["tail", "--since", "earliest", "-o", "data"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    fs::rename(pf.path("new.db"), pf.path("events.db")).unwrap();
    let _stderr = until_said(&mut child, "continuing with the beginning of the new file");
    stdout.read_line(&mut line).unwrap();
    assert_eq!(line, "1\n2\n");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(pf.finish(child).code(), Some(0));
}

#[test]
fn a_job_on_dead_letters_ends_where_the_store_is_replaced() {
    let pf = failed(30);
    another(&pf, "new.db", "1");
    let args = [
        "dlq", "purge", "--all", "--yes", "--rate", "2", "-o", "json",
    ];
    let mut child = pf.spawn(&args);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    fs::rename(pf.path("new.db"), pf.path("events.db")).unwrap();
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let run = pf.finish(child);
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(
        run.stderr().contains("was replaced while it was in use"),
        "{run}"
    );
}

#[test]
fn a_store_with_two_names_is_warned_of() {
    let pf = Pf::new();
    another(&pf, "events.db", "1");
    fs::hard_link(pf.path("events.db"), pf.path("second.db")).unwrap();
    for args in [
        &["publish", "order.created", "2"][..],
        &["publish", "order.created", "--lines"],
        &["tail", "--until-end"],
        &[
            "consume",
            "order.created",
            "-g",
            "g",
            "--until-end",
            "--",
            "true",
        ],
        &["dlq", "list"],
        &["schedule", "list"],
    ] {
        let run = pf.run_with(args, "3\n");
        let told = run.stderr().matches("has 2 names (hard links)").count();
        assert_eq!((run.code(), told), (Some(0), 1), "{args:?}: {run}");
    }
    let run = pf.run(&["doctor"]);
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stdout().contains("problem  names"), "{run}");
}
