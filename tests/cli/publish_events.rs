//! `pf publish --ndjson`: what else than one event a line is read, and how errors name the place.

use insta::assert_snapshot;

use crate::{
    harness::{Pf, Run},
    publish::stored,
};

/// Returns an event on one line.
fn event(id: &str, ty: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"{ty}","data":"{id}"}}"#)
}

/// Returns an event on six lines.
fn pretty(id: &str) -> String {
    event(id, "a")
        .replace(",\"", ",\n  \"")
        .replace('{', "{\n  ")
        .replace('}', "\n}")
}

fn publish(pf: &Pf, input: impl Into<Vec<u8>>) -> Run {
    pf.run_with(&["publish", "--ndjson"], input)
}

fn publish_all(pf: &Pf, input: impl Into<Vec<u8>>) -> Run {
    pf.run_with(&["publish", "--ndjson", "--on-error", "continue"], input)
}

/// Publishes all of the input and returns the data of everything that is stored.
fn read(input: impl Into<Vec<u8>>) -> String {
    let pf = Pf::new();
    let _ = publish(&pf, input).succeeded();
    stored(&pf).replace("\"\n", " ").replace('"', "")
}

#[test]
fn an_event_may_span_lines() {
    let text = format!("\n{}\n{}\n\n{}", pretty("1"), event("2", "a"), pretty("3"));
    assert_eq!(read(text.clone()), "1 2 3 ");
    assert_eq!(read(text.replace('\n', "\r\n")), "1 2 3 ");
    let pf = Pf::new();
    let _ = publish(&pf, pretty("1")).succeeded();
    let show = ["tail", "--until-end", "-o", "raw"];
    assert_eq!(
        pf.run(&show).stdout(),
        event("1", "a") + "\n",
        "on one line"
    );
}

#[test]
fn an_array_is_a_batch() {
    let (one, two) = (event("1", "a"), event("2", "a"));
    assert_eq!(read(format!("[{one},{two}]")), "1 2 ");
    assert_eq!(read(format!("[\n{one},\n{two}\n]\n")), "1 2 ");
    assert_eq!(
        read(format!(
            " [{}, {}\n] \n[]\n[{}]",
            pretty("1"),
            two,
            event("3", "a")
        )),
        "1 2 3 "
    );
    let pf = Pf::new();
    let input = format!("[{one},\n {{\"id\":\"x\"}}, 7, {two}]");
    assert_snapshot!(publish_all(&pf, input.clone()), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: element [1]: attribute `specversion` is missing
    error: line 2: element [2]: not a CloudEvent: JSON, but not an object
    published 2 events
    error: 2 events were not published
    ");
    assert_eq!(stored(&pf), "\"1\"\n\"2\"\n");
    let pf = Pf::new();
    let args = [
        "publish",
        "--ndjson",
        "--on-error",
        "continue",
        "-q",
        "-o",
        "json",
    ];
    assert_snapshot!(pf.run_with(&args, input).stdout(), @r#"
    {"line":2,"index":1,"error":"attribute `specversion` is missing"}
    {"line":2,"index":2,"error":"not a CloudEvent: JSON, but not an object"}
    {"line":1,"index":0,"id":"1","topic":"a","position":"1"}
    {"line":2,"index":3,"id":"2","topic":"a","position":"2"}
    "#);
}

#[test]
fn a_json_text_sequence_is_read() {
    let text = format!(
        "\u{1e}{}\n\u{1e}{}\n\u{1e}{}",
        event("1", "a"),
        pretty("2"),
        event("3", "a")
    );
    assert_eq!(read(text), "1 2 3 ");
}

#[test]
fn a_byte_order_mark_is_ignored_wherever_json_is_read() {
    assert_eq!(read(format!("\u{feff}{}", event("1", "a"))), "1 ");
    assert_eq!(read(format!("\u{feff}{}", pretty("1"))), "1 ");
    assert_eq!(read(format!("\u{feff}[{}]", event("1", "a"))), "1 ");
    let pf = Pf::new();
    let _ = pf
        .run_with(&["publish", "a"], "\u{feff}{\"n\":1}")
        .succeeded();
    let _ = pf
        .run_with(&["publish", "a", "--lines"], "\u{feff}{\"n\":2}\n3")
        .succeeded();
    let _ = pf
        .run_with(&["publish", "a", "--mode", "binary"], "\u{feff}4")
        .succeeded();
    assert_eq!(stored(&pf), "{\"n\":1}\n{\"n\":2}\n3\n4\n");
}

#[test]
fn nothing_is_read_behind_a_malformed_value_of_several_lines() {
    let pf = Pf::new();
    let input = format!(
        "{}\n{{\n  \"id\": oops\n}}\n{}\n",
        event("1", "a"),
        event("2", "a")
    );
    assert_snapshot!(publish_all(&pf, input), @"
    exit: 4
    --- stdout

    --- stderr
    error: lines 2 to 3: not valid JSON: expected a value on line 3
    published 1 event
    error: 1 event was not published; the rest was not read
    hint: it is unknown where the value ends; `--on-error continue` needs one event per line, as `jq -c` writes them
    ");
    assert_eq!(stored(&pf), "\"1\"\n");
    let input = format!("{{\n  oops\n}}\n{}\n", event("2", "a"));
    assert_eq!(publish_all(&Pf::new(), input).code(), Some(4));
    let input = format!("[{},\n{{\"n\":01}},\n{}]", event("1", "a"), event("2", "a"));
    assert_snapshot!(publish_all(&Pf::new(), input), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: element [1]: not valid JSON: expected `,` or the end of the object or array
    published 1 event
    error: 1 event was not published; the rest was not read
    hint: it is unknown where the value ends; `--on-error continue` needs one event per line, as `jq -c` writes them
    ");
    let input = format!(
        "{}\n[\n{},\n{}\n",
        event("1", "a"),
        event("2", "a"),
        event("3", "a")
    );
    assert_snapshot!(publish_all(&Pf::new(), input), @"
    exit: 4
    --- stdout

    --- stderr
    error: lines 2 to 4: not valid JSON: it ends too early on line 4
    published 3 events
    error: 1 event was not published; the rest was not read
    hint: it is unknown where the value ends; `--on-error continue` needs one event per line, as `jq -c` writes them
    ");
}

#[test]
fn what_breaks_a_rule_is_not_malformed() {
    let pf = Pf::new();
    let input = format!("{}\n{}\n", pretty("").replace("/s", "a b"), pretty("2"));
    assert_snapshot!(publish_all(&pf, input), @"
    exit: 4
    --- stdout

    --- stderr
    error: lines 1 to 7: attribute `id` is empty
    published 1 event
    error: 1 event was not published
    ");
    assert_eq!(stored(&pf), "\"2\"\n");
}

#[test]
fn a_line_that_was_cut_off_is_a_bad_line_alone() {
    let whole = event("1", "a");
    for end in [10, 22, 27, 40, whole.len() - 1] {
        let pf = Pf::new();
        let input = format!(
            "{}\n{}\n{}\n",
            &whole[..end],
            event("2", "a"),
            event("3", "a")
        );
        let run = publish_all(&pf, input);
        assert_eq!(run.code(), Some(4));
        assert!(
            run.stderr().starts_with("error: line 1: not valid JSON: "),
            "{run}"
        );
        assert_eq!(stored(&pf), "\"2\"\n\"3\"\n", "{end}");
    }
    let pf = Pf::new();
    assert_snapshot!(publish_all(&pf, event("1", "a") + "\n" + &whole[..30]), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 2: not valid JSON: expected a name in quotes at byte 31
    published 1 event
    error: 1 line was not published
    ");
}

#[test]
fn the_limit_is_that_of_each_event() {
    let long = event(&"x".repeat(100_000), "a");
    let (one, two) = (event("1", "a"), event("2", "a"));
    let args = [
        "publish",
        "--ndjson",
        "--on-error",
        "continue",
        "--max-size",
        "50000",
    ];
    let many: Vec<String> = (0..2000).map(|n| event(&n.to_string(), "a")).collect();
    let pf = Pf::new();
    let _ = pf
        .run_with(&args, format!("[{}]", many.join(",")))
        .succeeded();
    assert_eq!(stored(&pf).lines().count(), 2000);
    for input in [
        format!("{one}\n{long}\n{two}\n"),
        format!("{one}\n{}\n{two}\n", long.replace(',', ",\n")),
        format!("[{one},{long},{two}]"),
        format!("{one}\n{}\n{two}\n", "x".repeat(200_000)),
    ] {
        let pf = Pf::new();
        let run = pf.run_with(&args, input);
        assert_eq!(run.code(), Some(4));
        assert!(
            run.stderr().contains("the data is longer than 50000 bytes"),
            "{run}"
        );
        assert_eq!(stored(&pf), "\"1\"\n\"2\"\n");
    }
}

#[test]
fn a_type_that_is_no_topic_needs_a_topic() {
    let pf = Pf::new();
    let lawless = event("1", "User Registered");
    assert_snapshot!(publish(&pf, lawless.clone()), @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: attribute `type` cannot be used as a topic: topic `User Registered` contains a space or a control character
    published 0 events
    error: 1 line was not published; the rest was not read
    hint: continue with the next line by `--on-error continue`
    ");
    let _ = pf
        .run_with(
            &["publish", "--ndjson", "--topic", "users"],
            lawless.clone(),
        )
        .succeeded();
    let lines = ["publish", "User Registered", "--lines", "--topic", "users"];
    let _ = pf.run_with(&lines, "2").succeeded();
    let one = [
        "publish",
        "User Registered",
        "3",
        "--topic",
        "users",
        "--mode",
        "binary",
    ];
    let _ = pf.run(&one).succeeded();
    let record = format!(r#"{{"event":{lawless},"message":{{"headers":[]}}}}"#);
    let _ = pf
        .run_with(&["publish", "--ndjson", "--topic", "users"], record)
        .succeeded();
    let types = [
        "tail",
        "users",
        "--until-end",
        "-o",
        "event",
        "--where",
        ".event.type == \"User Registered\"",
    ];
    assert_eq!(pf.run(&types).stdout().lines().count(), 4);
}

#[test]
fn a_dead_letter_store_as_a_type_is_a_bad_line_like_others() {
    let pf = Pf::new();
    let input = format!("{}\n{}\n", event("1", "x.dlq"), event("2", "a"));
    assert_snapshot!(publish_all(&pf, input), @"
    exit: 4
    --- stdout

    --- stderr
    error: line 1: `x.dlq` is a dead-letter store
    hint: list dead letters with `pf dlq list`, replay them with `pf dlq replay`
    published 1 event
    error: 1 line was not published
    ");
    assert_eq!(publish(&Pf::new(), event("1", "x.dlq")).code(), Some(1));
    let given = ["publish", "--ndjson", "--topic", "x.dlq"];
    assert_eq!(pf.run_with(&given, event("1", "a")).code(), Some(2));
}

#[test]
fn null_means_absent() {
    let pf = Pf::new();
    let with = |members: &str| event("1", "a").replace(r#""data":"1""#, members) + "\n";
    let input = [
        with(r#""data":{"n":1},"data_base64":null"#),
        with(r#""data":null,"data_base64":"eA==","subject":null"#),
        with(r#""data":null"#),
    ];
    let _ = publish(&pf, input.concat()).succeeded();
    assert_snapshot!(pf.run(&["tail", "--until-end", "-o", "raw"]).stdout(), @r#"
    {"specversion":"1.0","id":"1","source":"/s","type":"a","data":{"n":1}}
    {"specversion":"1.0","id":"1","source":"/s","type":"a","data_base64":"eA=="}
    {"specversion":"1.0","id":"1","source":"/s","type":"a","data":null}
    "#);
    assert_snapshot!(publish(&pf, with(r#""My_Name":null"#)), @"
    exit: 1
    --- stdout

    --- stderr
    error: line 1: attribute `My_Name` has a name with characters other than `a` to `z` and `0` to `9`
    published 0 events
    error: 1 line was not published; the rest was not read
    hint: continue with the next line by `--on-error continue`
    ");
}

#[test]
fn what_sdks_refuse_is_refused_at_publish_and_consumed_where_it_is_stored() {
    let with = |member: &str| event("1", "a").replace(r#""data""#, &format!("{member},\"data\""));
    for member in [
        "\"time\":\"2026-01-01T00:00:00\u{2212}01:00\"",
        r#""time":"2026-01-01T00:00:60Z""#,
        r#""dataschema":"no uri""#,
        r#""dataschema":"1x:y""#,
        r#""datacontenttype":"json""#,
        r#""datacontenttype":"text/plain; charset""#,
        r#""My_Name":null"#,
    ] {
        let pf = Pf::new();
        let run = publish(&pf, with(member));
        assert_eq!(run.code(), Some(1), "{member}");
        // A record is published as it is.
        let record = format!(r#"{{"event":{},"message":{{"topic":"a"}}}}"#, with(member));
        let _ = publish(&pf, record).succeeded();
        assert_eq!(stored(&pf).replace('"', ""), "1\n");
        let args = [
            "consume", "a", "--group", "g", "--count", "1", "-q", "--", "cat",
        ];
        let _ = pf.run(&args).succeeded();
        let show = ["tail", "--until-end", "-o", "event"];
        assert!(pf.run(&show).stdout().contains(member), "{member}");
    }
}
