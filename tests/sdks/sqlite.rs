//! Events of the embedded store.

use serde_json::json;

use test_support::harness::Pf;

use crate::{
    cases::{cases, check, in_binary_mode, lines},
    sdk::each,
};

const TOPIC: &str = "order.created";

/// A message of the Go library, as a golden file has it.
const OF_GO: &str = include_str!("../events/go_protoflow.txt");

#[test]
fn every_sdk_understands_every_event() {
    for (mode, expected) in [("structured", cases()), ("binary", in_binary_mode())] {
        let pf = Pf::new();
        let args = ["publish", "--ndjson", "--mode", mode];
        let _ = pf.run_with(&args, lines(&cases())).succeeded();
        for sdk in each() {
            check(&sdk, sdk.understands(&pf, TOPIC), &expected);
        }
    }
}

#[test]
fn every_sdk_understands_a_retry() {
    let pf = Pf::new();
    let _ = pf.run(&["publish", TOPIC, "{}", "--id=a"]).succeeded();
    for sdk in each() {
        let understood = sdk.understands_a_retry(&pf, TOPIC);
        let attributes = &understood["a"]["attributes"];
        assert_eq!(attributes["pfattempt"], 2, "{sdk:?}");
        assert_eq!(attributes["pfattemptlimit"], 3, "{sdk:?}");
        assert!(attributes.get("pfmaxattempts").is_none(), "{sdk:?}");
    }
}

#[test]
fn every_sdk_understands_the_wish_of_a_publisher() {
    let pf = Pf::new();
    let args = [
        "publish",
        TOPIC,
        "{}",
        "--id=a",
        "--extension=pf_max_attempts=5",
    ];
    let _ = pf.run(&args).succeeded();
    for sdk in each() {
        let understood = sdk.understands(&pf, TOPIC);
        let attributes = &understood["a"]["attributes"];
        assert_eq!(attributes["pfmaxattempts"], 5, "{sdk:?}");
        assert_eq!(attributes["pfattemptlimit"], 5, "{sdk:?}");
        assert_eq!(attributes["pfattempt"], 1, "{sdk:?}");
    }
}

#[test]
fn every_sdk_understands_what_the_go_library_stored() {
    let pf = Pf::new();
    let record = OF_GO.lines().nth(1).unwrap();
    let _ = pf.run_with(&["publish", "--ndjson"], record).succeeded();
    for sdk in each() {
        let understood = sdk.understands(&pf, "order");
        let mut event = understood["01M80FJS9VRRG202J65T4N9H7T"].clone();
        event["attributes"].as_object_mut().unwrap().remove("time");
        let expected = json!({
            "attributes": {
                "specversion": "1.0",
                "id": "01M80FJS9VRRG202J65T4N9H7T",
                "source": "/bench",
                "type": "order",
                "correlationid": "req-1",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-a3ce929d0e0e4736-01",
                "pfattempt": 1,
                "pfattemptlimit": 4,
                "pfmaxattempts": 4,
            },
            "data": {"json": {"n": 1}},
        });
        assert_eq!(event, expected, "{sdk:?}");
    }
}

/// Values at the edge of what is allowed, by attribute: those that `pf publish` takes, and those that it refuses.
const VALUES: [(&str, &[&str], &[&str]); 5] = [
    (
        "time",
        &[
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.1234567891-00:00",
        ],
        &[
            "2026-01-01t00:00:00Z",
            "2026-01-01T00:00:00z",
            "2026-01-01T23:59:60Z",
            "0000-01-01T00:00:00Z",
        ],
    ),
    (
        "source",
        &[
            "urn:a:b",
            "//shop",
            "http://u:p@[::1]:80/a;b=c?d=e/f?g#h/i?j",
            "mailto:a@b",
        ],
        &["1a:b", "//a:x/", "[a]", "a#b#c", "ü", "http://[x]/"],
    ),
    (
        "dataschema",
        &["a:b", "https://example.org/schema.json#x"],
        &["/x", "urn:a|b", "http://ü/", "http://x/%zz"],
    ),
    (
        "datacontenttype",
        &[
            "text/plain ;charset=\"a;b\" ; x=y",
            "Application/vnd.a+json",
        ],
        &["a/b/c", "text", "a b/c", "a/b; x", "a/b;x=y;x=z"],
    ),
    ("subject", &["ü \u{1f600}"], &[""]),
];

#[test]
fn whatever_is_published_is_taken_by_every_sdk() {
    let pf = Pf::new();
    let line = |id: &str, name: &str, value: &str| {
        let mut event = json!({"specversion": "1.0", "id": id, "source": "/s", "type": TOPIC});
        event[name] = json!(value);
        event.to_string()
    };
    let mut taken = Vec::new();
    for (name, good, bad) in VALUES {
        for value in bad {
            let run = pf.run_with(&["publish", "--ndjson"], line("bad", name, value));
            assert_eq!(run.code(), Some(1), "{name} {value}: {run}");
        }
        for value in good {
            let id = format!("{:02}", taken.len());
            let run = pf.run_with(&["publish", "--ndjson"], line(&id, name, value));
            taken.push(id);
            let _ = run.succeeded();
        }
    }
    for sdk in each() {
        assert!(sdk.understands(&pf, TOPIC).keys().eq(taken.iter()));
    }
}
