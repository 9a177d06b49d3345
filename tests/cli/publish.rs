//! `pf publish` of one event, and what is refused.

use insta::assert_snapshot;

use crate::harness::Pf;

/// Returns the data of everything that is stored.
pub(crate) fn stored(pf: &Pf) -> String {
    if !pf.path("events.db").exists() {
        return String::new();
    }
    let run = pf.run(&["tail", "--until-end", "-q", "-o", "data"]);
    run.succeeded().stdout().to_owned()
}

pub(crate) fn count(pf: &Pf) -> usize {
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
fn every_attribute_has_a_flag() {
    let pf = Pf::new();
    let publish = |args: &[&str]| pf.run(&[&["publish", "a", "1", "--id", "1"], args].concat());
    let all = [
        "--time",
        "2026-03-01T10:00:00.5+01:00",
        "--dataschema",
        "https://example.org/a.json",
        "--extension",
        "n:=3",
        "--extension",
        "flag:=true",
        "--extension",
        "text:=\"3\"",
        "--extension",
        "other=3",
        "--source",
        "/s",
    ];
    let _ = publish(&all).succeeded();
    let show = ["tail", "--until-end", "-o", "event"];
    let stored = pf.run(&show).stdout().to_owned();
    let stored: serde_json::Value = serde_json::from_str(&stored).unwrap();
    assert_eq!(stored["time"], "2026-03-01T09:00:00.500Z");
    assert_eq!(stored["dataschema"], "https://example.org/a.json");
    let extensions = ["n", "flag", "text", "other"].map(|name| stored[name].clone());
    assert_eq!(
        serde_json::json!(extensions),
        serde_json::json!([3, true, "3", "3"])
    );
    for (flag, value) in [
        ("--time", "2026-03-01T10:00:60Z"),
        ("--time", "2026-03-01T10:00:00\u{2212}01:00"),
        ("--time", "soon"),
        ("--dataschema", "no uri"),
        ("--dataschema", "/relative"),
        ("--extension", "n:=3000000000"),
        ("--extension", "n:=1.5"),
        ("--extension", "n:=null"),
        ("--extension", "n:={}"),
        ("--extension", "n:=text"),
    ] {
        assert_eq!(publish(&[flag, value]).code(), Some(2), "{flag} {value}");
    }
    assert_snapshot!(publish(&["--extension", "n:=text"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value 'n:=text' for '--extension <NAME=VALUE>': `text` is not JSON; for text use `n=text`

    For more information, try '--help'.
    ");
    assert_eq!(count(&pf), 1);
}

#[test]
fn data_that_is_itself_an_event_is_remarked_on() {
    let pf = Pf::new();
    let event = r#"{"specversion":"1.0","id":"1","source":"/s","type":"User Registered","data":1}"#;
    assert_snapshot!(pf.run(&["publish", "a", event]), @"
    exit: 0
    --- stdout

    --- stderr
    this data is itself a CloudEvent and becomes the data of another; `pf publish --ndjson` publishes it as it is
    published [ULID] to a
    ");
    let record = format!(r#"{{"event":{event},"message":{{"topic":"a"}}}}"#);
    for data in [event.to_owned(), format!("[{event}]"), record] {
        let one = pf.run_with(&["publish", "a"], data.clone());
        let lines = pf.run_with(&["publish", "a", "--lines"], data.clone() + "\n" + &data);
        for run in [one, lines] {
            assert_eq!(
                run.stderr().matches("itself a CloudEvent").count(),
                1,
                "{run}"
            );
        }
    }
    for data in ["{}", "[]", "[1]", "1", r#"{"id":"1"}"#] {
        assert!(
            !pf.run(&["publish", "a", data])
                .stderr()
                .contains("CloudEvent")
        );
    }
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
    some text
    "#);
}

#[test]
fn what_is_not_json_is_refused() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "a", "hello"]), @r#"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not valid JSON: expected value at line 1 column 1
    hint: a JSON string needs quotes: '"text"'; text that is not JSON needs `--content-type text/plain`
    "#);
    assert_snapshot!(pf.run(&["publish", "a", "{\"a\":"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not valid JSON: EOF while parsing a value at line 1 column 5
    hint: data that is not JSON needs a content type, such as `--content-type text/plain`
    ");
    assert_snapshot!(pf.run(&["publish", "a"]), @"
    exit: 1
    --- stdout

    --- stderr
    error: no data: stdin is empty
    hint: publish an event without data with `--no-data`
    ");
    let big = format!("\"{}\"", "x".repeat(1 << 20));
    assert_snapshot!(pf.run_with(&["publish", "a", "-"], big), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data is longer than 1048576 bytes
    hint: raise the limit with `--max-size`
    ");
    assert_eq!(count(&pf), 0);
}

#[test]
fn bytes_that_are_no_text_are_refused_as_json() {
    let pf = Pf::new();
    assert_snapshot!(pf.run_with(&["publish", "a"], b"\"\xff\""), @"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not valid JSON: invalid unicode code point at line 1 column 2
    hint: data that is not JSON needs a content type, such as `--content-type text/plain`
    ");
    assert_snapshot!(pf.run_with(&["publish", "a"], b"\"a\0b\""), @r"
    exit: 1
    --- stdout

    --- stderr
    error: the data is not valid JSON: control character (\u0000-\u001F) found while parsing a string at line 1 column 2
    hint: data that is not JSON needs a content type, such as `--content-type text/plain`
    ");
    assert_snapshot!(pf.run_with(&["publish", "a", "--lines", "-q"], b"\"\xff\"\n"), @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: not valid JSON: not UTF-8 at byte 2
    error: 1 line was not published; the rest was not read
    hint: continue with the next line by `--on-error continue`
    ");
    assert_eq!(count(&pf), 0);
}

#[test]
fn flags_that_make_no_event_are_usage() {
    let pf = Pf::new();
    assert_snapshot!(pf.run(&["publish", "a", "1", "--extension", "Trace_Id=1"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: attribute `Trace_Id` has a name with characters other than `a` to `z` and `0` to `9`
    ");
    assert_snapshot!(pf.run_with(&["publish", "a", "--lines", "--source", ""], "1\n2\n"), @"
    exit: 2
    --- stdout

    --- stderr
    error: attribute `source` is empty
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
    this time is in the past: publishing now
    published [ULID] to a
    ");
    assert_eq!(count(&pf), 1);
}
