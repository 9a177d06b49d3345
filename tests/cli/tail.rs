//! `pf tail`: what is shown, and when it ends.

use std::time::{Duration, SystemTime};

use insta::assert_snapshot;

use crate::harness::Pf;

/// A store with three orders and a payment.
pub(crate) fn shop() -> Pf {
    let pf = Pf::new();
    let line = |ty: &str, id: &str, data: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/shop\",\"type\":\"{ty}\",\"data\":{data}}}\n"
        )
    };
    let input = [
        line("order.created", "o1", "{\"total\":10}"),
        line("order.created", "o2", "{\"total\":200}"),
        line("payment.made", "p1", "\"paid\""),
        line("order.shipped", "o3", "null"),
    ];
    let _ = pf
        .run_with(&["publish", "--ndjson", "-q"], input.concat())
        .succeeded();
    pf
}

#[test]
fn text_is_one_line_per_event() {
    assert_snapshot!(shop().run(&["tail", "--until-end"]), @r#"
    exit: 0
    --- stdout
    [TIME]  order.created  o1  {"total":10}
    [TIME]  order.created  o2  {"total":200}
    [TIME]  payment.made  p1  "paid"
    [TIME]  order.shipped  o3  null

    --- stderr
    "#);
}

#[test]
fn formats_show_the_same_event() {
    let pf = shop();
    let show = |format| pf.run(&["tail", "payment.made", "--until-end", "-o", format]);
    assert_snapshot!(show("json"), @r#"
    exit: 0
    --- stdout
    {"event":{"specversion":"1.0","id":"p1","source":"/shop","type":"payment.made","data":"paid"},"message":{"topic":"payment.made","key":null,"headers":[["content-type","application/cloudevents+json"]],"position":"3","time":"[TIME]"}}

    --- stderr
    "#);
    assert_snapshot!(show("event"), @r#"
    exit: 0
    --- stdout
    {"specversion":"1.0","id":"p1","source":"/shop","type":"payment.made","data":"paid"}

    --- stderr
    "#);
    assert_snapshot!(show("data"), @r#"
    exit: 0
    --- stdout
    "paid"

    --- stderr
    "#);
    assert_snapshot!(show("raw"), @r#"
    exit: 0
    --- stdout
    {"specversion":"1.0","id":"p1","source":"/shop","type":"payment.made","data":"paid"}

    --- stderr
    "#);
}

#[test]
fn patterns_choose_topics_and_each_event_is_shown_once() {
    let pf = shop();
    let run = pf.run(&[
        "tail",
        "order.*",
        "order.**",
        "order.shipped",
        "--until-end",
    ]);
    assert_snapshot!(run, @r#"
    exit: 0
    --- stdout
    [TIME]  order.created  o1  {"total":10}
    [TIME]  order.created  o2  {"total":200}
    [TIME]  order.shipped  o3  null

    --- stderr
    "#);
}

#[test]
fn the_last_ones_are_shown_in_order() {
    assert_snapshot!(shop().run(&["tail", "order.**", "--last", "2", "--until-end"]), @r#"
    exit: 0
    --- stdout
    [TIME]  order.created  o2  {"total":200}
    [TIME]  order.shipped  o3  null

    --- stderr
    "#);
}

#[test]
fn a_filter_chooses_by_content() {
    let pf = shop();
    let filter = |text| pf.run(&["tail", "--until-end", "-o", "data", "--where", text]);
    assert_snapshot!(filter(".event.type == \"order.shipped\""), @"
    exit: 0
    --- stdout
    null

    --- stderr
    ");
    assert_snapshot!(filter(".event.data.total > 100"), @r#"
    exit: 4
    --- stdout
    {"total":200}

    --- stderr
    warning: `--where` failed at 3: cannot index "paid" with "total"
    error: left out 1 event on which `--where` failed
    "#);
}

#[test]
fn too_few_events_exit_3() {
    let pf = shop();
    assert_snapshot!(pf.run(&["tail", "payment.*", "--since", "1h", "-n", "2", "--timeout", "50ms"]), @r#"
    exit: 3
    --- stdout
    [TIME]  payment.made  p1  "paid"

    --- stderr
    error: received 1 of 2 events
    "#);
    assert_snapshot!(pf.run(&["tail", "payment.*", "--until-end", "-n", "2"]), @r#"
    exit: 3
    --- stdout
    [TIME]  payment.made  p1  "paid"

    --- stderr
    error: received 1 of 2 events
    "#);
    assert_eq!(pf.run(&["tail", "--until-end", "-n", "4"]).code(), Some(0));
    assert_eq!(pf.run(&["tail", "--timeout", "10ms"]).code(), Some(0));
}

#[test]
fn no_events_are_not_worth_waiting_for() {
    assert_snapshot!(shop().run(&["tail", "--count", "0"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: invalid value '0' for '--count <N>': 0 is not in 1..18446744073709551615

    For more information, try '--help'.
    ");
}

#[test]
fn times_bound_what_is_shown() {
    let pf = shop();
    let lines = |args: &[&str]| pf.run(args).succeeded().stdout().lines().count();
    assert_eq!(lines(&["tail", "--until", "2020-01-01T00:00:00Z"]), 0);
    assert_eq!(lines(&["tail", "--until", "0s"]), 4);
    assert_eq!(lines(&["tail", "--since", "1h", "--until-end"]), 4);
    assert_eq!(lines(&["tail", "--since", "earliest", "-n", "3"]), 3);
}

#[test]
fn a_time_that_comes_while_much_is_read_leaves_nothing_out() {
    let pf = Pf::new();
    let lines = "1\n".repeat(100_000);
    let _ = pf.run_with(&["publish", "a", "--lines"], lines).succeeded();
    let until = SystemTime::now() + Duration::from_millis(200);
    let until = humantime::format_rfc3339_millis(until).to_string();
    let run = pf
        .run(&["tail", "--until", &until, "-o", "data"])
        .succeeded();
    assert_eq!(run.stdout().lines().count(), 100_000);
}

#[test]
fn an_expanded_pattern_and_a_wrong_topic_get_hints() {
    let pf = shop();
    pf.write("order.txt", "");
    assert_snapshot!(pf.run(&["tail", "order.txt", "--until-end"]), @"
    exit: 0
    --- stdout

    --- stderr
    hint: `order.txt` is a file in this folder; if the shell expanded your pattern, quote it: 'order.*'
    ");
    assert_snapshot!(pf.run(&["tail", "order.craeted", "--until-end"]), @"
    exit: 0
    --- stdout

    --- stderr
    hint: topic `order.craeted` does not exist yet; did you mean `order.created`?
    ");
    assert_snapshot!(pf.run(&["tail", "order.craeted", "--until-end", "-q"]), @"
    exit: 0
    --- stdout

    --- stderr
    ");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let pf = Pf::new();
    let text = [
        "publish",
        "a",
        "x\u{1b}[31my",
        "--content-type",
        "text/plain",
        "--mode",
        "binary",
    ];
    let _ = pf.run(&text).succeeded();
    let run = pf.run(&["tail", "--until-end"]).succeeded();
    assert!(!run.stdout().contains('\u{1b}'), "{run}");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let pf = shop();
    let coloured = |pf: &Pf, args: &[&str]| pf.run(args).stdout().contains('\u{1b}');
    assert!(!coloured(&pf, &["tail", "--until-end"]));
    assert!(coloured(&pf, &["tail", "--until-end", "--color", "always"]));
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_looking() {
    let pf = Pf::new();
    let follow = ["tail", "--url", "sqlite:typo.db"];
    assert_snapshot!(pf.run(&follow), @"
    exit: 1
    --- stdout

    --- stderr
    error: sqlite: there is no store `[HOME]/typo.db`
    hint: check the name; the first `pf publish` creates a store
    ");
    assert!(!pf.path("typo.db").exists());
    let create = ["--create", "--count", "1", "--timeout", "100ms"];
    let run = pf.run(&[&follow[..], &create].concat());
    assert_eq!(run.code(), Some(3), "{run}");
    assert!(pf.path("typo.db").exists());
}

#[test]
fn a_batch_is_one_array_that_can_be_published_again() {
    let pf = shop();
    let batch = ["tail", "order.*", "--until-end", "-o", "batch"];
    assert_snapshot!(pf.run(&batch), @r#"
    exit: 0
    --- stdout
    [
    {"specversion":"1.0","id":"o1","source":"/shop","type":"order.created","data":{"total":10}},
    {"specversion":"1.0","id":"o2","source":"/shop","type":"order.created","data":{"total":200}},
    {"specversion":"1.0","id":"o3","source":"/shop","type":"order.shipped","data":null}
    ]

    --- stderr
    "#);
    let array = pf.run(&batch).succeeded().stdout().to_owned();
    let events: Vec<serde_json::Value> = serde_json::from_str(&array).unwrap();
    assert_eq!(events.len(), 3);
    let other = Pf::new();
    let _ = other
        .run_with(&["publish", "--ndjson"], array.clone())
        .succeeded();
    assert_eq!(
        other.run(&["tail", "--until-end", "-o", "batch"]).stdout(),
        array
    );
    let none = ["tail", "nothing", "--until-end", "-o", "batch"];
    assert_eq!(pf.run(&none).succeeded().stdout(), "[]\n");
    let late = [
        "tail",
        "--since",
        "earliest",
        "--timeout",
        "1s",
        "--count",
        "9",
        "-o",
        "batch",
    ];
    let late = pf.run(&late);
    assert_eq!(late.code(), Some(3));
    assert!(serde_json::from_str::<serde_json::Value>(late.stdout()).is_ok());
    assert_snapshot!(pf.run(&["tail", "-o", "batch"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `-o batch` needs a tail with an end
    hint: use `--until-end`, `--count`, `--until` or `--timeout`
    ");
    assert_snapshot!(pf.run(&["dlq", "list", "-o", "batch"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: `-o batch` is only for `pf tail`
    ");
    let plain = r#"{"message":{"topic":"order.plain","payload":"text"}}"#;
    let _ = pf.run_with(&["publish", "--ndjson"], plain).succeeded();
    let run = pf.run(&batch);
    assert_eq!((run.code(), run.stdout()), (Some(4), array.as_str()));
    assert_snapshot!(run.stderr(), @"error: left out 1 message that an array of CloudEvents cannot hold");
}

#[test]
fn data_with_a_lone_surrogate_can_be_selected() {
    let pf = Pf::new();
    let data = r#"{"a":"x\ud800"}"#;
    let event =
        format!(r#"{{"specversion":"1.0","id":"1","source":"/s","type":"a","data":{data}}}"#);
    let _ = pf.run(&["publish", "a", data]).succeeded();
    let _ = pf.run_with(&["publish", "a", "--lines"], data).succeeded();
    let _ = pf
        .run(&["publish", "a", data, "--mode", "binary"])
        .succeeded();
    let _ = pf.run_with(&["publish", "--ndjson"], event).succeeded();
    let select = |filter| {
        let run = pf.run(&["tail", "--until-end", "-o", "data", "--where", filter]);
        run.succeeded().stdout().to_owned()
    };
    assert_eq!(
        select(r#".event.data.a == "x\ufffd""#),
        format!("{data}\n").repeat(4)
    );
    assert_eq!(select(r#".event.data.a == "y""#), "");
}
