//! Events of real brokers.

use serde_json::json;

use test_support::{harness::Pf, kafka, nats};

use crate::{
    cases::{Case, cases, check, in_binary_mode, lines},
    sdk::each,
};

const TOPIC: &str = "order.created";

/// A user of a stream of a server, which others write to as well.
fn nats() -> (nats::Broker, Pf) {
    let broker = nats::Broker::start();
    let pf = Pf::bare().env("PF_URL", &broker.url("SHOP"));
    let _ = pf.run(&["publish", TOPIC, "{}", "--create"]).succeeded();
    (broker, pf)
}

/// Stores events in a mode and lets each SDK read them.
fn check_mode(url: &str, mode: &str, expected: &[Case]) {
    let pf = Pf::bare().env("PF_URL", url);
    let args = ["publish", "--ndjson", "--create", "--mode", mode];
    let _ = pf.run_with(&args, lines(&cases())).succeeded();
    for sdk in each() {
        check(&sdk, sdk.understands(&pf, TOPIC), expected);
    }
}

#[test]
fn every_sdk_understands_the_events_of_a_nats_stream() {
    let broker = nats::Broker::start();
    check_mode(&broker.url("ONE?prefix=one."), "structured", &cases());
    check_mode(&broker.url("TWO?prefix=two."), "binary", &in_binary_mode());
}

#[test]
fn every_sdk_understands_the_events_of_a_kafka_topic() {
    let broker = kafka::Broker::shared();
    let url = |prefix| broker.url(&format!("partitions=1&prefix={prefix}."));
    check_mode(&url("one"), "structured", &cases());
    check_mode(&url("two"), "binary", &in_binary_mode());
}

#[test]
fn every_sdk_understands_what_the_go_library_published() {
    let (broker, pf) = nats();
    let headers = [
        ("ce_specversion", "1.0"),
        ("ce_type", TOPIC),
        ("ce_source", "/bench"),
        ("pf_correlation_id", "req-1"),
        ("pf_max_attempts", "4"),
    ];
    // It publishes an event again for each retry.
    let of_retry: &[(&str, &str)] = &[("pf_attempt", "2"), ("pf_delay_ms", "1")];
    for (id, more) in [("first", &[][..]), ("third", of_retry)] {
        let members = more
            .iter()
            .map(|(name, value)| format!(r#""{name}":{value},"#));
        let members: String = members.collect();
        let payload = format!(
            r#"{{"data":{{"n":1}},"id":"{id}",{members}"pf_correlation_id":"req-1","pf_event_version":"2.1","pf_max_attempts":4,"pf_parent_id":"00f067aa0ba902b7","pf_trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","source":"/bench","specversion":"1.0","time":"2026-11-22T01:57:54.107409358Z","type":"{TOPIC}"}}"#
        );
        let headers = [&headers[..], more, &[("ce_id", id)]].concat();
        broker.publish_raw("SHOP.order.created", &headers, &payload);
    }
    for sdk in each() {
        let mut understood = sdk.understands(&pf, TOPIC);
        for (id, attempt) in [("first", 1), ("third", 3)] {
            let mut event = understood.remove(id).unwrap();
            event["attributes"].as_object_mut().unwrap().remove("time");
            let expected = json!({
                "specversion": "1.0",
                "id": id,
                "source": "/bench",
                "type": TOPIC,
                "correlationid": "req-1",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                "pfeventversion": "2.1",
                "pfattempt": attempt,
                "pfattemptlimit": 4,
                "pfmaxattempts": 4,
            });
            assert_eq!(event["attributes"], expected, "{sdk:?}");
            assert_eq!(event["data"], json!({"json": {"n": 1}}), "{sdk:?}");
        }
    }
}

/// Nobody can tell what was meant; the publisher has to mend it, and whoever looks sees it as it is.
#[test]
fn an_event_that_no_sdk_takes_is_handed_over_as_written_with_one_warning() {
    for (name, value) in [("Upper_case", "x"), ("time", "yesterday")] {
        let (broker, pf) = nats();
        for id in ["a", "b"] {
            let payload = format!(
                r#"{{"specversion":"1.0","id":"{id}","source":"/s","type":"{TOPIC}","{name}":"{value}"}}"#
            );
            broker.publish_raw("SHOP.order.created", &[], &payload);
        }
        let warnings = |stderr: &str| {
            let of_name = |line: &&str| line.starts_with("warning") && line.contains(name);
            stderr.lines().filter(of_name).count()
        };
        let args = ["consume", TOPIC, "-g", "cat", "--until-end", "--", "cat"];
        let run = pf.run(&args).succeeded();
        let written = format!(r#""{name}":"{value}""#);
        assert_eq!(run.stdout().matches(&written).count(), 2);
        assert_eq!(warnings(run.stderr()), 1, "{run}");
        for sdk in each() {
            let run = sdk.refuses(&pf, TOPIC);
            assert_eq!(run.code(), Some(4), "{sdk:?}: {run}");
            assert_eq!(warnings(run.stderr()), 1, "{sdk:?}: {run}");
            let refused =
                |line: &&str| line.starts_with("dead letter") && line.contains("(permanent)");
            assert_eq!(run.stderr().lines().filter(refused).count(), 2, "{run}");
        }
    }
}
