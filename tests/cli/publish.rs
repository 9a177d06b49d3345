//! `pf publish`: one event, streams, and what is refused.

use std::io::Write as _;

use insta::assert_snapshot;
use serde_json::Value;

use crate::harness::Pf;

/// Returns the data of everything that is stored.
fn stored(pf: &Pf) -> String {
    if !pf.path("events.db").exists() {
        return String::new();
    }
    let run = pf.run(&["tail", "--until-end", "-q", "-o", "data"]);
    run.succeeded().stdout().to_owned()
}

fn count(pf: &Pf) -> usize {
    stored(pf).lines().count()
}

#[test]
fn one_event_is_told_on_stderr_and_stored_as_it_was_written() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "order.created", r#"{"z": 1.0, "a": 9007199254740993}"#]), @"
    exit: 0
    --- stdout

    --- stderr
    published [ULID] to order.created
    ");
    assert_snapshot!(stored(&pf), @r#"
    {"z": 1.0, "a": 9007199254740993}
    "#);
}

#[test]
fn a_receipt_is_json_when_asked_for() {
    let pf = Pf::new();
    let args = [
        "publish",
        "order.created",
        "{}",
        "-o",
        "json",
        "-q",
        "--id",
        "a\"b",
    ];
    assert_snapshot!(pf.run(&args), @r#"
    exit: 0
    --- stdout
    {"id":"a\"b","topic":"order.created","position":"1"}

    --- stderr
    "#);
    let late = [
        "publish",
        "order.created",
        "{}",
        "-o",
        "json",
        "-q",
        "--delay",
        "1h",
    ];
    assert_snapshot!(pf.run(&late), @r#"
    exit: 0
    --- stdout
    {"id":"[ULID]","topic":"order.created","schedule":"[ULID]"}

    --- stderr
    "#);
}

#[test]
fn every_flag_of_the_envelope_is_kept() {
    let pf = Pf::new();
    let _ = pf
        .run(&[
            "publish",
            "order.created",
            "[1]",
            "--topic",
            "orders",
            "--source",
            "/shop",
            "--subject",
            "7",
            "--id",
            "e1",
            "--key",
            "k",
            "--correlation-id",
            "c1",
            "--extension",
            "tenant=acme",
            "--header",
            "h=1",
            "--header",
            "h=2",
        ])
        .succeeded();
    let run = pf
        .run(&["tail", "orders", "--until-end", "-o", "json"])
        .succeeded();
    let record = &run.json()[0];
    let mut event = record["event"].clone();
    event.as_object_mut().unwrap().remove("time");
    assert_snapshot!(event, @r#"
    {"correlationid":"c1","data":[1],"datacontenttype":"application/json","id":"e1","source":"/shop","specversion":"1.0","subject":"7","tenant":"acme","type":"order.created"}
    "#);
    assert_snapshot!(record["message"]["key"], @r#"
    "k"
    "#);
    assert_snapshot!(record["message"]["headers"], @r#"
    [["content-type","application/cloudevents+json"],["h","1"],["h","2"]]
    "#);
}

#[test]
fn binary_mode_has_the_attributes_in_headers() {
    let pf = Pf::new();
    let args = [
        "publish",
        "order.created",
        "{\"a\":1}",
        "--mode",
        "binary",
        "--id",
        "e1",
    ];
    let _ = pf.run(&args).succeeded();
    let raw = pf.run(&["tail", "--until-end", "-o", "raw"]).succeeded();
    assert_eq!(raw.stdout(), "{\"a\":1}\n");
    let run = pf.run(&["tail", "--until-end", "-o", "json"]).succeeded();
    let headers = run.json()[0]["message"]["headers"].to_string();
    assert!(headers.contains(r#"["ce_id","e1"]"#), "{headers}");
}

#[test]
fn data_comes_from_stdin_and_may_have_several_lines() {
    let pf = Pf::new();
    let _ = pf
        .run_with(&["publish", "a"], "{\n  \"a\": [\n    1\n  ]\n}\n")
        .succeeded();
    let _ = pf.run_with(&["publish", "a", "-"], "2").succeeded();
    let text = ["publish", "a", "-", "--content-type", "text/plain"];
    let _ = pf.run_with(&text, "some text").succeeded();
    let _ = pf.run(&["publish", "a", "--no-data"]).succeeded();
    assert_snapshot!(stored(&pf), @r#"
    {"a": [1]}
    2
    "some text"
    "#);
}

#[test]
fn what_is_not_json_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "a", "hello"]), @r#"
    exit: 1
    --- stdout

    --- stderr
    error: the data cannot be published
      caused by: not valid JSON: expected value at line 1 column 1
    hint: a JSON string has quotes of its own, as in '"text"'; text that is not JSON needs `--content-type text/plain`
    "#);
    assert_snapshot!(pf.run(&["publish", "a", "{\"a\":"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data cannot be published
      caused by: not valid JSON: EOF while parsing a value at line 1 column 5
    hint: data that is not JSON needs `--content-type`, as in `--content-type text/plain`
    ");
    assert_snapshot!(pf.run(&["publish", "a"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: there is no data: stdin is empty
    hint: `--no-data` publishes an event without data
    ");
    let big = format!("\"{}\"", "x".repeat(1 << 20));
    assert_snapshot!(pf.run_with(&["publish", "a", "-"], big), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data is longer than 1048576 bytes
    hint: `--max-size` allows more
    ");
    assert_eq!(count(&pf), 0);
}

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
    hint: `--on-error continue` goes on with the next line
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
    error: line 3: not valid JSON: no UTF-8 at byte 1
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
    hint: `--on-error continue` goes on with the next line
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
    hint: `--max-size` allows more
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
fn a_time_that_is_past_is_now() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "a", "1", "--at", "2020-01-01T00:00:00Z"]), @"
    exit: 0
    --- stdout

    --- stderr
    that time is past: publishing now
    published [ULID] to a
    ");
    assert_eq!(count(&pf), 1);
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
    ];
    let _ = pf.run(&tail).succeeded();
    kill_process(Pid::from_child(&publish), Signal::INT).unwrap();
    assert_snapshot!(pf.finish(publish), @r#"
    exit: 130
    --- stdout
    {"line":1,"id":"[ULID]","topic":"a","position":"1"}
    {"line":2,"id":"[ULID]","topic":"a","position":"2"}

    --- stderr
    stopping; a second signal ends at once
    published 2 events
    error: interrupted after line 2; the rest was not read
    "#);
}
