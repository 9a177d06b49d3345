//! Events of the embedded store.

use serde_json::json;

use crate::{
    cases::{cases, check, in_binary_mode, lines},
    harness::Pf,
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
