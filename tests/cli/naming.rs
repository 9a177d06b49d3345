//! Attribute names: what a handler is given, and what becomes of it when the event is published again.

use insta::{allow_duplicates, assert_snapshot};
use serde_json::{Map, Value, json};

use crate::{
    consume::{consume, event, store_with},
    harness::{Pf, Run},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Publishes a line as an event that stands alone.
fn publish(pf: &Pf, line: impl Into<Vec<u8>>) {
    let _ = pf.run_with(&["publish", "--ndjson"], line).succeeded();
}

/// Stores a payload as another program would, without a look at it.
fn store(pf: &Pf, payload: &str) {
    let message = json!({"topic": "order.created", "payload": payload});
    publish(pf, format!("{}\n", json!({"message": message})));
}

/// Returns the extensions of an event: everything that CloudEvents itself has no name for.
fn extensions(event: &Value) -> String {
    let core = ["specversion", "id", "source", "type", "time", "data"];
    let members = event.as_object().unwrap().iter();
    let own: Map<String, Value> = members
        .filter(|(name, _)| !core.contains(&name.as_str()) && *name != "datacontenttype")
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Value::from(own).to_string()
}

/// Returns what a command is given on stdin for the one event of a store, its extensions alone.
fn given(pf: &Pf, flags: &[&str]) -> String {
    let run = consume(pf, &[&["-q"], flags].concat(), "cat").succeeded();
    extensions(&run.json()[0])
}

/// Returns what a worker is given, its extensions alone.
fn given_to_worker(pf: &Pf, flags: &[&str]) -> String {
    let body = r#"read -r event; echo "$event" >given; printf '{"id":"a","action":"ack"}\n'"#;
    let _ = consume(pf, &[&["-q", "--worker"], flags].concat(), body).succeeded();
    let line = std::fs::read(pf.path("given")).unwrap();
    let mut event: Value = serde_json::from_slice(&line).unwrap();
    // A command has it in its environment.
    let key = event.as_object_mut().unwrap().remove("pfdedupkey");
    assert_eq!(key.unwrap().as_str().unwrap().len(), 26);
    extensions(&event)
}

/// What the publisher of the usual event says about it.
fn traced(more: &str) -> String {
    event(
        "a",
        &format!(",\"correlationid\":\"req-1\",\"traceparent\":\"{TRACE}\"{more}"),
    )
}

/// A payload as the Go library writes it.
fn of_the_go_library(more: &str) -> String {
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let ids =
        format!(r#""pf_correlation_id":"req-1","pf_trace_id":"{trace}","pf_event_version":"2""#);
    format!(
        r#"{{"data":1,"id":"a",{ids}{more},"source":"/bench","specversion":"1.0","type":"order.created"}}"#
    )
}

type Given = fn(&Pf, &[&str]) -> String;
const EACH: [Given; 2] = [given, given_to_worker];

#[test]
fn a_handler_is_given_names_that_every_sdk_takes() {
    allow_duplicates! {
    for given in EACH {
        let pf = Pf::new();
        publish(&pf, traced(""));
        let flags = ["--max-attempts", "7"];
        assert_snapshot!(given(&pf, &flags), @r#"{"correlationid":"req-1","pfattempt":1,"pfattemptlimit":7,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#);
    }
    }
}

#[test]
fn a_handler_may_be_given_the_names_of_the_go_library() {
    allow_duplicates! {
    for given in EACH {
        let pf = Pf::new();
        publish(&pf, traced(",\"pfeventversion\":\"2\""));
        let flags = ["--naming", "protoflow"];
        assert_snapshot!(given(&pf, &flags), @r#"{"pf_attempt":1,"pf_correlation_id":"req-1","pf_event_version":"2","pf_max_attempts":3,"pf_parent_id":"b7ad6b7169203331","pf_trace_id":"0af7651916cd43dd8448eb211c80319c","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#);
    }
    }
}

#[test]
fn how_events_are_stored_does_not_change_what_a_handler_is_given() {
    let pf = Pf::new().env("PF_URL", "sqlite:events.db?naming=protoflow");
    publish(&pf, traced(",\"pfmaxattempts\":7"));
    let tail = ["tail", "--last", "1", "--until-end", "-o", "event"];
    let stored = pf.run(&tail).succeeded().json();
    assert_snapshot!(extensions(&stored[0]), @r#"{"pf_correlation_id":"req-1","pf_max_attempts":7,"pf_parent_id":"b7ad6b7169203331","pf_trace_id":"0af7651916cd43dd8448eb211c80319c","traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#);
    assert_snapshot!(given(&pf, &[]), @r#"{"correlationid":"req-1","pfattempt":1,"pfattemptlimit":7,"pfmaxattempts":7,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#);
}

#[test]
fn events_of_the_go_library_are_translated() {
    let marks = r#","pf_attempt":2,"pf_delay_ms":3000,"pf_dead_letter":false,"pf_error_message":"x","pf_max_attempts":4,"pf_next_attempt_at":1795312674128,"pf_original_topic":"order""#;
    allow_duplicates! {
    for given in EACH {
        let pf = Pf::new();
        store(&pf, &of_the_go_library(marks));
        assert_snapshot!(given(&pf, &[]), @r#"{"correlationid":"req-1","pfattempt":1,"pfattemptlimit":4,"pfeventversion":"2","pfmaxattempts":4,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-8448eb211c80319c-01"}"#);
    }
    }
    let pf = Pf::new();
    store(&pf, &of_the_go_library(marks));
    let tail = ["tail", "--last", "1", "--until-end", "-o", "event"];
    let shown = pf.run(&tail).succeeded();
    assert_eq!(
        shown.stdout().trim_end(),
        of_the_go_library(marks),
        "verbatim"
    );
}

#[test]
fn what_is_null_is_absent() {
    let pf = Pf::new();
    let nulls = r#","pf_max_attempts":null,"pfmaxattempts":null,"Upper":null,"my_name":null"#;
    store(&pf, &of_the_go_library(nulls).replace("\"2\"", "null"));
    let run = consume(&pf, &[], "cat").succeeded();
    assert!(!run.stderr().contains("warning"), "{run}");
    assert_snapshot!(extensions(&run.json()[0]), @r#"{"correlationid":"req-1","pfattempt":1,"pfattemptlimit":3,"traceparent":"00-0af7651916cd43dd8448eb211c80319c-8448eb211c80319c-01"}"#);
}

#[test]
fn the_delivery_beats_what_an_event_claims() {
    let pf = Pf::new();
    let claims = r#","pfattempt":9,"pfattemptlimit":9"#;
    store(&pf, event("a", claims).trim_end());
    let run = consume(&pf, &[], "cat").succeeded();
    assert!(!run.stderr().contains("warning"), "{run}");
    assert_snapshot!(extensions(&run.json()[0]), @r#"{"pfattempt":1,"pfattemptlimit":3}"#);
    assert_eq!(run.stdout().matches("\"pfattempt\"").count(), 1, "{run}");
}

#[test]
fn what_no_sdk_takes_is_handed_over_as_it_is_with_one_warning() {
    for (member, rule) in [
        (r#""Upper":"x""#, "`Upper` has a name"),
        (r#""my_name":1"#, "`my_name` has a name"),
        (r#""pf_mine":1"#, "`pf_mine` has a name"),
        (r#""my-name":1"#, "`my-name` has a name"),
        (r#""ratio":1.50"#, "`ratio` must be a string"),
        (r#""count":2147483648"#, "`count` must be a string"),
        (r#""object":{"a":[1, 2]}"#, "`object` must be a string"),
        (r#""list":[1]"#, "`list` must be a string"),
    ] {
        for flags in [&[][..], &["--naming", "protoflow"]] {
            let pf = Pf::new();
            for id in ["a", "b", "c"] {
                store(&pf, event(id, &format!(",{member}")).trim_end());
            }
            let run = consume(&pf, flags, "cat").succeeded();
            assert_eq!(run.stdout().matches(member).count(), 3, "as written: {run}");
            let warnings: Vec<_> = warnings(&run).collect();
            assert!(
                warnings.len() == 1 && warnings[0].contains(rule),
                "{member}: {run}"
            );
        }
    }
}

fn warnings(run: &Run) -> impl Iterator<Item = &str> {
    let lines = run.stderr().lines();
    lines.filter(|line| line.starts_with("warning: "))
}

#[test]
fn the_warning_names_the_event_the_attribute_and_the_rule() {
    let pf = Pf::new();
    store(&pf, event("a", ",\"my_name\":1").trim_end());
    assert_snapshot!(consume(&pf, &[], "exit 0"), @"
    exit: 0
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c 'exit 0'
    warning: order.created a: attribute `my_name` has a name with characters other than `a` to `z` and `0` to `9`; it is passed on unchanged, but official CloudEvents SDKs refuse such events (reported once)
    1 handled
    ");
}

/// The ways in which a command publishes the event that it was given, as `order.paid`.
const PASSED_ON: [(&[&str], &str); 3] = [
    (&[], "sed s/order.created/order.paid/ | pf publish --ndjson"),
    (&["--emit"], "sed s/order.created/order.paid/"),
    (
        &["--worker", "--emit"],
        r#"read -r event; event=$(printf %s "$event" | sed s/order.created/order.paid/)
           printf '{"id":"a","action":"ack","emit":[%s]}\n' "$event""#,
    ),
];

/// Passes the one event of a store on with `--max-attempts 1`, and returns what is stored then: extensions, and how often
/// the next consumer tries it.
fn passed_on(pf: &Pf, flags: &[&str], way: &(&[&str], &str)) -> (String, usize) {
    let script = way.1.replace(
        "pf publish",
        &format!("{} publish", env!("CARGO_BIN_EXE_pf")),
    );
    let flags = [&["--max-attempts", "1"], way.0, flags].concat();
    let _ = consume(pf, &flags, &script).succeeded();
    let tail = [
        "tail",
        "order.paid",
        "--last",
        "1",
        "--until-end",
        "-o",
        "event",
    ];
    let stored = pf.run(&tail).succeeded().json();
    let next = [
        "consume",
        "order.paid",
        "-g",
        "next",
        "--until-end",
        "--backoff",
        "0s",
        "--",
    ];
    let failing = ["sh", "-c", "echo >>runs; exit 1"];
    assert_eq!(pf.run(&[&next[..], &failing].concat()).code(), Some(4));
    let runs = std::fs::read_to_string(pf.path("runs")).unwrap();
    (extensions(&stored[0]), runs.lines().count())
}

#[test]
fn the_limit_of_a_delivery_is_not_passed_on() {
    for way in &PASSED_ON {
        for naming in ["cloudevents", "protoflow"] {
            let pf = store_with(&["a"]);
            let (stored, runs) = passed_on(&pf, &["--naming", naming], way);
            assert_eq!((stored.as_str(), runs), ("{}", 3), "{way:?} {naming}");
        }
    }
}

#[test]
fn the_wish_of_a_publisher_is_passed_on() {
    for way in &PASSED_ON {
        for naming in ["cloudevents", "protoflow"] {
            for wish in ["pfmaxattempts", "pf_max_attempts"] {
                let pf = Pf::new();
                publish(&pf, event("a", &format!(",\"{wish}\":2")));
                let (stored, runs) = passed_on(&pf, &["--naming", naming], way);
                let expected = (r#"{"pfmaxattempts":2}"#, 2);
                assert_eq!((stored.as_str(), runs), expected, "{way:?} {naming} {wish}");
            }
        }
    }
}

#[test]
fn a_delay_that_is_over_is_not_passed_on() {
    for way in &PASSED_ON {
        for naming in ["cloudevents", "protoflow"] {
            let pf = Pf::new();
            store(&pf, &of_the_go_library(r#","pf_delay_ms":3600000"#));
            let (stored, runs) = passed_on(&pf, &["--naming", naming], way);
            assert!(!stored.contains("delay"), "{stored}");
            assert_eq!(runs, 3, "{way:?} {naming}");
        }
    }
}

#[test]
fn a_wish_is_followed_in_every_form() {
    let wish = |pf: &Pf| {
        let run = consume(pf, &["-q"], "echo $PF_DELIVERY_MAX_ATTEMPTS; cat").succeeded();
        let (limit, event) = run.stdout().split_once('\n').unwrap();
        assert_eq!(limit, "7", "{run}");
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["pfattemptlimit"], 7);
        event["pfmaxattempts"].clone()
    };
    for (member, given) in [
        (r#","pfmaxattempts":7"#, json!(7)),
        (r#","pfmaxattempts":"7""#, json!("7")),
        (r#","pf_max_attempts":7"#, json!(7)),
        (r#","pf_max_attempts":"7""#, json!(7)),
    ] {
        let line = event("a", member);
        let pf = Pf::new();
        publish(&pf, line.as_str());
        assert_eq!(wish(&pf), given);
        let pf = Pf::new();
        store(&pf, line.trim_end());
        assert_eq!(wish(&pf), given);
    }
    for extension in ["pfmaxattempts=7", "pf_max_attempts=7"] {
        for mode in ["structured", "binary"] {
            let pf = Pf::new();
            let args = ["publish", "order.created", "1", "--extension", extension];
            let _ = pf.run(&[&args[..], &["--mode", mode]].concat()).succeeded();
            assert_eq!(wish(&pf), 7, "{extension} {mode}");
        }
    }
    for header in [
        "pf_max_attempts",
        "ce_pf_max_attempts",
        "ce-pf_max_attempts",
    ] {
        let message = json!({
            "topic": "order.created", "headers": [[header, "7"]], "payload": event("a", "").trim_end()
        });
        let pf = Pf::new();
        publish(&pf, json!({"message": message}).to_string());
        assert_eq!(wish(&pf), 7, "{header}");
    }
}

#[test]
fn lines_lose_what_belongs_to_a_delivery_and_records_do_not() {
    let pf = Pf::new();
    let claims = event("a", r#","pfattempt":9,"pfattemptlimit":9"#);
    let run = pf
        .run_with(&["publish", "--ndjson"], claims.as_str())
        .succeeded();
    assert_eq!(run.stderr(), "published 1 event\n");
    store(&pf, claims.trim_end());
    let tail = ["tail", "--last", "2", "--until-end", "-o", "event"];
    let stored = pf.run(&tail).succeeded();
    let [bare, record] = &stored.json()[..] else {
        panic!("{stored}");
    };
    assert_eq!(extensions(bare), "{}");
    assert_eq!(extensions(record), r#"{"pfattempt":9,"pfattemptlimit":9}"#);
}
