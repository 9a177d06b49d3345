//! Traces: what a collector receives, and what happens without one.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use test_support::traces::{self, Collector, attribute};

use crate::{
    consume::{event, store_with},
    harness::Pf,
};

#[test]
fn a_trace_goes_through_handlers_and_what_they_emit() {
    traces::check(&Pf::new(), "sqlite");
}

#[test]
fn a_run_that_failed_says_why() {
    let (pf, collector) = (store_with(&["1"]), Collector::start());
    let args = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--until-end",
        "--max-attempts",
        "1",
    ];
    let flags = ["--", "sh", "-c", "exit 3"];
    let run = traces::run(&pf, collector.url(), &[&args[..], &flags].concat());
    assert_eq!(run.status.code(), Some(4));
    let spans = collector.spans();
    assert_eq!(spans.len(), 1);
    assert_eq!(attribute(&spans[0], "error.type"), "exit 3");
    assert_eq!(spans[0].status.as_ref().unwrap().code, 2, "an error");
    assert!(
        spans[0].links.is_empty(),
        "nothing is known of who published it"
    );
}

#[test]
fn an_event_that_continues_a_trace_keeps_it() {
    let (pf, collector) = (Pf::new(), Collector::start());
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let more = format!(",\"traceparent\":\"{trace}\",\"tracestate\":\"a=1\"");
    let line = event("1", &more);
    let _ = pf.run_with(&["publish", "--ndjson"], line).succeeded();
    let args = [
        "consume",
        "order.created",
        "-g",
        "g",
        "--until-end",
        "--",
        "true",
    ];
    assert!(traces::run(&pf, collector.url(), &args).status.success());
    let spans = collector.spans();
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    assert_eq!(hex(&spans[0].trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&spans[0].parent_span_id), "00f067aa0ba902b7");
    assert_eq!(hex(&spans[0].links[0].span_id), "00f067aa0ba902b7");
    assert_eq!(spans[0].trace_state, "a=1");
}

#[test]
fn without_an_endpoint_no_event_is_changed() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", "order.created", "{}"]).succeeded();
    let tail = pf.run(&["tail", "order.created", "--until-end", "-o", "json"]);
    assert!(tail.succeeded().json()[0]["event"]["traceparent"].is_null());
}

/// Neither one that is away nor one that never answers holds up work, nor the end of the process for long.
#[test]
fn an_endpoint_that_is_away_holds_up_nothing() {
    let pf = store_with(&["1", "2", "3"]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("http://{}", listener.local_addr().unwrap());
    for (endpoint, group) in [("http://127.0.0.1:1", "a"), (silent.as_str(), "b")] {
        let begun = Instant::now();
        let args = [
            "consume",
            "order.created",
            "-g",
            group,
            "--until-end",
            "--",
            "true",
        ];
        let run = traces::run(&pf, endpoint, &args);
        let said = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{said}");
        assert!(said.ends_with("3 handled\n"), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(9), "{endpoint}");
    }
}

#[test]
fn an_endpoint_that_is_none_is_refused() {
    let pf = Pf::new().env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318");
    assert_snapshot!(pf.run(&["publish", "a", "{}"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: `collector:4318` is not an OTLP endpoint that spans can be sent to
    hint: use `http://HOST:4318` of a collector; one beside `pf` sends them on with TLS
    ");
}
