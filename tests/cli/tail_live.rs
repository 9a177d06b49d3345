//! `pf tail` that waits for what comes, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::tail::shop;

#[test]
fn it_follows_and_a_signal_ends_it_well() {
    let pf = shop();
    let mut tail = pf.spawn(&["tail", "--since", "earliest", "-o", "data"]);
    let mut shown = BufReader::new(tail.stdout.take().unwrap());
    let mut line = String::new();
    for _ in 0..4 {
        shown.read_line(&mut line).unwrap();
    }
    let _ = pf.run(&["publish", "order.created", "5"]).succeeded();
    shown.read_line(&mut line).unwrap();
    assert!(line.ends_with("5\n"), "{line}");
    kill_process(Pid::from_child(&tail), Signal::TERM).unwrap();
    assert_eq!(shown.read_to_string(&mut line).unwrap(), 0);
    assert_snapshot!(pf.finish(tail).unhurried(), @"
    exit: 0
    --- stdout

    --- stderr
    ");
}

#[test]
fn a_delayed_event_is_shown_when_it_is_due() {
    let pf = shop();
    let _ = pf
        .run(&["publish", "late", "1", "--delay", "200ms"])
        .succeeded();
    let run = pf.run(&[
        "tail",
        "late",
        "--since",
        "1h",
        "-n",
        "1",
        "--timeout",
        "30s",
        "-o",
        "data",
    ]);
    assert_snapshot!(run, @"
    exit: 0
    --- stdout
    1

    --- stderr
    ");
}

#[test]
fn a_closed_pipe_is_not_worth_a_word() {
    let pf = shop();
    let mut tail = pf.spawn(&["tail", "--until-end"]);
    drop(tail.stdout.take());
    assert_snapshot!(pf.finish(tail), @"
    exit: 141
    --- stdout

    --- stderr
    ");
}

#[test]
fn a_reader_that_goes_away_ends_a_tail_that_waits() {
    let pf = shop();
    let mut tail = pf.spawn(&["tail", "--last", "1"]);
    let mut line = String::new();
    let mut shown = BufReader::new(tail.stdout.take().unwrap());
    shown.read_line(&mut line).unwrap();
    drop(shown);
    assert_snapshot!(pf.finish(tail), @"
    exit: 141
    --- stdout

    --- stderr
    ");
}
