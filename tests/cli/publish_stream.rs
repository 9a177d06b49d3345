//! `pf publish --lines` and `--ndjson`: every line is published, or told with its number.

use std::io::Write as _;

use insta::assert_snapshot;
use serde_json::Value;

use crate::{
    harness::Pf,
    publish::{count, stored},
};

#[test]
fn a_stream_stops_at_the_first_bad_line() {
    let pf = Pf::new();
    assert_snapshot!(pf.run_with(&["publish", "a", "--lines"], "1\n\n2\n{\"a\":\n4\n"), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 4: not valid JSON: EOF while parsing a value at column 5
    published 2 events, skipped 1 empty line
    error: 1 line was not published; the rest was not read
    hint: continue with the next line by `--on-error continue`
    ");
    assert_snapshot!(stored(&pf), @"
    1
    2
    ");
}

#[test]
fn a_stream_goes_on_behind_bad_lines_if_it_may() {
    let pf = Pf::new();
    let input = b"1\r\n{\n\xff\xfe\n\"\x00\"\n\"\\u0000\"\n   \nlast".to_vec();
    let args = ["publish", "a", "--lines", "--on-error", "continue"];
    assert_snapshot!(pf.run_with(&args, input), @r"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: not valid JSON: EOF while parsing an object at column 1
    error: line 3: not valid JSON: not UTF-8 at byte 1
    error: line 4: not valid JSON: control character (\u0000-\u001F) found while parsing a string at column 1
    error: line 7: not valid JSON: expected value at column 1
    published 2 events, skipped 1 empty line
    error: 4 lines were not published
    ");
    assert_snapshot!(stored(&pf), @r#"
    1
    "\u0000"
    "#);
}

#[test]
fn bare_events_are_stored_as_the_url_and_the_mode_say() {
    let pf = Pf::new().env("PF_URL", "sqlite:events.db?naming=protoflow");
    let line = r#"{"specversion":"1.0","id":"1","source":"/s","type":"a","correlationid":"c","data":1e400}"#;
    let _ = pf.run_with(&["publish", "--ndjson"], line).succeeded();
    let binary = ["publish", "--ndjson", "--mode", "binary"];
    let _ = pf.run_with(&binary, line).succeeded();
    assert_snapshot!(pf.run(&["tail", "a", "--until-end", "-o", "raw"]).succeeded().stdout(), @r#"
    {"specversion":"1.0","id":"1","source":"/s","type":"a","pf_correlation_id":"c","data":1e400}
    1e400
    "#);
}

#[test]
fn a_last_line_without_its_end_counts() {
    let pf = Pf::new();
    assert_snapshot!(pf.run_with(&["publish", "a", "--lines"], "1\n2"), @"
    exit: 0
    --- stdout

    --- stderr
    published 2 events
    ");
    assert_eq!(count(&pf), 2);
}

#[test]
fn no_lines_are_no_error() {
    assert_snapshot!(Pf::new().run(&["publish", "a", "--lines"]), @"
    exit: 0
    --- stdout

    --- stderr
    published 0 events
    ");
}

#[test]
fn nothing_published_is_a_failure_of_its_own() {
    let run = Pf::new().run_with(&["publish", "--ndjson"], "{\"type\":\"a\"}\n");
    assert_snapshot!(run, @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: attribute `specversion` is missing
    published 0 events
    error: 1 line was not published; the rest was not read
    hint: continue with the next line by `--on-error continue`
    ");
}

#[test]
fn every_line_has_a_receipt_or_an_error() {
    let pf = Pf::new();
    let input: String = (0..5000)
        .map(|n| match n % 100 {
            7 => "{oops\n".to_owned(),
            n => format!("{{\"n\":{n}}}\n"),
        })
        .collect();
    let args = [
        "publish",
        "a",
        "--lines",
        "--on-error",
        "continue",
        "-o",
        "json",
    ];
    let run = pf.run_with(&args, input);
    assert_eq!(run.code(), Some(4));
    let told = run.json();
    let mut lines: Vec<u64> = told
        .iter()
        .map(|told| told["line"].as_u64().unwrap())
        .collect();
    lines.sort_unstable();
    assert_eq!(lines, (1..=5000).collect::<Vec<_>>());
    let refused = told
        .iter()
        .filter(|told| told["error"] != Value::Null)
        .count();
    assert_eq!(refused, 50);
    assert_eq!(count(&pf), 4950);
}

#[test]
fn lines_refused_alike_are_told_at_once() {
    let pf = Pf::new();
    let late = |id| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"s\",\"type\":\"a\",\
             \"pf_delay_ms\":18446744073709551615}}\n"
        )
    };
    let input = [
        late("1"),
        late("2"),
        "{\"specversion\":\"1.0\",\"id\":\"3\",\"source\":\"s\",\"type\":\"a\"}\n".to_owned(),
        late("4"),
    ]
    .concat();
    let run = pf.run_with(&["publish", "--ndjson", "--on-error", "continue"], input);
    assert_snapshot!(run, @"
    exit: 4
    --- stdout

    --- stderr
    error: lines 1 to 2: sqlite: times after 2262-04-11 cannot be stored
    hint: publish it for an earlier time
    error: line 4: sqlite: times after 2262-04-11 cannot be stored
    published 1 event
    error: 3 lines were not published
    ");
    assert_eq!(count(&pf), 1);
}

#[test]
fn a_long_line_is_refused_alone() {
    let pf = Pf::new();
    let mut input = b"1\n\"".to_vec();
    input.resize(64 << 20, b'x');
    input.extend(b"\"\n3\n");
    let args = ["publish", "a", "--lines", "--on-error", "continue"];
    assert_snapshot!(pf.run_with(&args, input), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: the data is longer than 1048576 bytes
    hint: raise the limit with `--max-size`
    published 2 events
    error: 1 line was not published
    ");
    assert_snapshot!(stored(&pf), @"
    1
    3
    ");
}

#[test]
fn what_tail_shows_can_be_published_again() {
    let pf = Pf::new();
    let args = [
        "publish", "a", "[1]", "--key", "k", "--header", "h=1", "--mode", "binary",
    ];
    let _ = pf.run(&args).succeeded();
    let first = pf.run(&["tail", "--until-end", "-o", "json"]).succeeded();
    let again = pf.run_with(&["publish", "--ndjson", "--topic", "b"], first.stdout());
    let _ = again.succeeded();
    let second = pf
        .run(&["tail", "b", "--until-end", "-o", "json"])
        .succeeded();
    for part in ["key", "headers", "payload"] {
        assert_eq!(
            first.json()[0]["message"][part],
            second.json()[0]["message"][part]
        );
    }
}

#[test]
fn the_same_id_twice_is_two_events() {
    let pf = Pf::new();
    let line = r#"{"specversion":"1.0","id":"1","source":"/a","type":"a","data":1}"#;
    let input = format!("{line}\n{line}\n");
    let _ = pf.run_with(&["publish", "--ndjson"], input).succeeded();
    assert_eq!(count(&pf), 2);
}

#[test]
fn a_dry_run_shows_and_stores_nothing() {
    let pf = Pf::new();
    let args = ["publish", "a", "--lines", "--dry-run", "-o", "data"];
    assert_snapshot!(pf.run_with(&args, "1\n2\n"), @"
    exit: 0
    --- stdout
    1
    2

    --- stderr
    would publish 2 events
    ");
    assert_eq!(count(&pf), 0);
}

#[test]
fn lines_are_published_while_more_are_to_come() {
    let pf = Pf::new();
    let mut publish = pf.spawn(&["publish", "a", "--lines"]);
    let mut stdin = publish.stdin.take().unwrap();
    stdin.write_all(b"1\n").unwrap();
    let tail = [
        "tail",
        "a",
        "--since",
        "earliest",
        "--count",
        "1",
        "--timeout",
        "30s",
        "--create",
        "-o",
        "data",
    ];
    assert_eq!(pf.run(&tail).succeeded().stdout(), "1\n");
    drop(stdin);
    let _ = pf.finish(publish).succeeded();
}

#[test]
fn an_interrupted_stream_says_how_far_it_came() {
    use rustix::process::{Pid, Signal, kill_process};

    let pf = Pf::new();
    let mut publish = pf.spawn(&["publish", "a", "--lines", "-o", "json"]);
    let mut stdin = publish.stdin.take().unwrap();
    stdin.write_all(b"1\n2\n").unwrap();
    let tail = [
        "tail",
        "a",
        "--since",
        "earliest",
        "--count",
        "2",
        "--timeout",
        "30s",
        "--create",
    ];
    let _ = pf.run(&tail).succeeded();
    kill_process(Pid::from_child(&publish), Signal::INT).unwrap();
    assert_snapshot!(pf.finish(publish).unhurried(), @r#"
    exit: 130
    --- stdout
    {"line":1,"id":"[ULID]","topic":"a","position":"1"}
    {"line":2,"id":"[ULID]","topic":"a","position":"2"}

    --- stderr
    published 2 events
    error: interrupted after line 2; the rest was not read
    "#);
}
