//! Requests and their replies, the same on every transport.

use std::process::Child;

use crate::harness::Pf;

/// The topic of the requests.
pub const TOPIC: &str = "price.asked";

/// Starts a consumer that replies; it ends after so many requests.
pub fn responder(pf: &Pf, group: &str, count: &str, flags: &[&str], script: &str) -> Child {
    let consume = [
        "consume", TOPIC, "--group", group, "--count", count, "--reply",
    ];
    let limits = ["--create", "--timeout", "50s"];
    pf.spawn(&[&consume[..], &limits, flags, &["--", "sh", "-c", script]].concat())
}

/// Goes through what a requester and its responders do.
pub fn check(pf: &Pf) {
    let request = |data: &str, flags: &[&str]| {
        let args = ["request", TOPIC, data, "--create", "--timeout", "40s"];
        pf.run(&[&args[..], flags].concat())
    };
    let priced = "jq -c '{total: (.data.count * 12)}'";
    let answers = responder(pf, "pricing", "2", &[], priced);
    let reply = request(r#"{"count":2}"#, &[]);
    assert_eq!(reply.succeeded().stdout(), "{\"total\":24}\n");
    let flags = ["-o", "json", "--correlation-id", "flow-1", "--subject", "s"];
    let reply = request(r#"{"count":3}"#, &flags).succeeded();
    let event = &reply.json()[0]["event"];
    assert_eq!(event["data"]["total"], 36);
    assert_eq!(
        (&event["type"], &event["subject"]),
        (&"price.asked.reply".into(), &"s".into())
    );
    assert_eq!(event["correlationid"], "flow-1");
    assert!(event["causationid"].is_string(), "{event}");
    let _ = pf.finish(answers).succeeded();
    let refuses = responder(pf, "pricing", "1", &[], "echo no price >&2; exit 65");
    let failed = request(r#"{"count":1}"#, &[]);
    assert_eq!(failed.code(), Some(4), "{failed}");
    let said = "error: the request was not handled: permanent: ";
    assert!(failed.stderr().starts_with(said), "{failed}");
    assert_eq!(failed.stdout(), "");
    let _ = pf.finish(refuses);
}
