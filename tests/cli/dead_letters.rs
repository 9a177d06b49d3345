//! A store in which a group gave up events.

use crate::harness::{Pf, Run};

/// Returns a user with this many dead letters of `billing`.
pub(crate) fn failed(events: u32) -> Pf {
    let pf = Pf::new();
    // In batches that do not open the breaker.
    for first in (1..=events).step_by(15) {
        publish(&pf, first..=events.min(first + 14));
        let _ = consume(&pf, "billing", "echo card declined >&2; exit 65");
    }
    pf
}

pub(crate) fn publish(pf: &Pf, events: impl Iterator<Item = u32>) {
    let event = |n| {
        let head = r#""specversion":"1.0","source":"shop","type":"order.created""#;
        format!(r#"{{{head},"id":"e{n}","data":{{"n":{n}}}}}"#)
    };
    let lines = events.map(event).collect::<Vec<_>>().join("\n");
    let _ = pf
        .run_with(&["publish", "--ndjson", "-q"], lines)
        .succeeded();
}

/// Consumes what is there and returns stdout.
pub(crate) fn consume(pf: &Pf, group: &str, script: &str) -> Run {
    let args = [
        "consume",
        "order.created",
        "--group",
        group,
        "--until-end",
        "-q",
        "--",
        "sh",
        "-c",
        script,
    ];
    pf.run(&args)
}

pub(crate) fn ids(pf: &Pf) -> Vec<String> {
    let letters = pf.run(&["dlq", "list", "-o", "json"]).succeeded().json();
    let id = |letter: &serde_json::Value| letter["dead_letter"]["id"].as_str().unwrap().to_owned();
    letters.iter().map(id).collect()
}
