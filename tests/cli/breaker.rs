//! What `pf consume` prints about its breaker, and the flags that set its limits.

use std::io::{BufRead as _, BufReader};

use insta::assert_snapshot;
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Pf, Run};

fn with_events(count: usize) -> Pf {
    let pf = Pf::new();
    let lines = "1\n".repeat(count);
    let _ = pf.run_with(&["publish", "a", "--lines"], lines).succeeded();
    pf
}

/// Consumes with a handler that gives up on every event.
fn consume(pf: &Pf, flags: &[&str]) -> Run {
    let args = [&["consume", "a", "-g", "g", "-j", "1"], flags];
    let handler = ["--", "sh", "-c", "echo no such customer >&2; exit 65"];
    pf.run(&[&args.concat()[..], &handler].concat())
}

/// Returns the lines about the breaker.
fn of_the_breaker(run: &Run) -> Vec<&str> {
    let lines = run.stderr().lines();
    lines
        .filter(|line| line.contains("warning") || line.contains("succeed again"))
        .collect()
}

#[test]
fn an_open_breaker_reports_what_fails_most_and_when_the_next_event_is_due() {
    let pf = with_events(30);
    let args = [
        "consume",
        "a",
        "-g",
        "g",
        "--backoff",
        "100ms",
        "--breaker-failures",
        "3",
    ];
    let handler = "test -e fixed && exit 0; echo no such customer >&2; exit 65";
    let mut child = pf.spawn(&[&args[..], &["--", "sh", "-c", handler]].concat());
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut text = String::new();
    let mut read_until = |end: &str| {
        while !text.lines().last().is_some_and(|line| line.contains(end)) {
            assert_ne!(stderr.read_line(&mut text).unwrap(), 0, "{text}");
        }
    };
    read_until("the event that was let through failed");
    pf.write("fixed", "");
    read_until("events succeed again");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait().unwrap();
    let warnings: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("warning"))
        .collect();
    let reason =
        "dead letters: exit status 65: no such customer; the next event is let through in 100ms";
    assert_eq!(
        warnings[0],
        format!(
            "warning: nearly every event fails: handling one at a time (pf dlq stats --group g); 3 of the last 3 {reason}"
        )
    );
    let start = "warning: the event that was let through failed; ";
    let mut others = warnings[1..].iter();
    assert!(
        others.all(|line| line.starts_with(start) && line.ends_with(reason)),
        "{text}"
    );
}

#[test]
fn limits_are_set_by_flags() {
    let pf = with_events(30);
    let run = consume(&pf, &["--until-end", "--breaker-failures", "3"]);
    assert_eq!(run.code(), Some(1), "{run}");
    assert_eq!(
        of_the_breaker(&run),
        [
            "warning: nearly every event fails: stopping (pf dlq stats --group g); 3 of the last 3 dead letters: exit status 65: no such customer"
        ]
    );
    let pf = with_events(30);
    let flags = [
        "--until-end",
        "--breaker-failures",
        "0",
        "--breaker-share",
        "10%/5",
    ];
    let run = consume(&pf, &flags);
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(
        of_the_breaker(&run)[0].contains("; 5 of the last 5 dead letters"),
        "{run}"
    );
    let pf = with_events(30);
    let run = consume(&pf, &["--until-end", "--no-breaker"]);
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(of_the_breaker(&run).is_empty(), "{run}");
    assert!(run.stderr().contains("30 dead letters"), "{run}");
}

#[test]
fn limits_that_are_not_valid_are_refused() {
    let pf = Pf::new();
    assert_snapshot!(consume(&pf, &["--breaker-share", "50"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '50' for '--breaker-share <SHARE>': write a share and a number of events, as in `50%/100`

    For more information, try '--help'.
    ");
    assert_snapshot!(consume(&pf, &["--breaker-share", "100%/10"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '100%/10' for '--breaker-share <SHARE>': the share must be at least 0% and less than 100%

    For more information, try '--help'.
    ");
    assert_snapshot!(consume(&pf, &["--no-breaker", "--breaker-failures", "5"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: the argument '--no-breaker' cannot be used with '--breaker-failures <N>'

    Usage: pf consume --group <NAME> --jobs <N> --no-breaker <TOPIC>... -- <CMD>...

    For more information, try '--help'.
    ");
}
