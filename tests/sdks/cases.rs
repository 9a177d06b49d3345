//! Events as they are stored, and what every SDK has to understand of them.

use serde_json::{Value, json};

use crate::sdk::{Sdk, Understood};

/// An event, and what belongs to its first delivery to a handler.
pub(crate) struct Case {
    /// What is stored, but for `specversion`, `source`, `type` and `time`.
    members: Value,
    /// What a handler is given beside.
    given: Value,
    /// The data as an SDK understands it.
    data: Value,
}

/// Has more digits than some SDKs keep.
const TIME: &str = "2026-11-22T01:57:54.107409358Z";
/// What is left of it in all of them.
const KEPT: &str = "2026-11-22T01:57:54.107";

/// Returns events that differ in everything that matters to an SDK.
pub(crate) fn cases() -> Vec<Case> {
    let case = |members: Value, data: Value| Case {
        members,
        given: json!({"pfattempt": 1, "pfattemptlimit": 3}),
        data,
    };
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    vec![
        case(
            json!({"id": "plain", "data": {"n": 1}}),
            json!({"json": {"n": 1}}),
        ),
        case(
            json!({"id": "traced", "correlationid": "req-1", "traceparent": trace, "tracestate": "a=b", "data": [1]}),
            json!({"json": [1]}),
        ),
        case(
            json!({"id": "typed", "flag": true, "number": -7, "text": "7", "data": "x"}),
            json!({"json": "x"}),
        ),
        case(
            json!({"id": "text", "datacontenttype": "text/plain", "data": "a \"b\"\nc"}),
            json!({"text": "a \"b\"\nc"}),
        ),
        case(
            json!({"id": "bytes", "datacontenttype": "image/png", "data_base64": "AAEC/w=="}),
            json!({"base64": "AAEC/w=="}),
        ),
        case(json!({"id": "empty"}), Value::Null),
        case(
            json!({
                "id": "ünï\u{1f600}", "subject": "Größe ☃", "datacontenttype": "application/json",
                "dataschema": "urn:schema:order", "data": {"名": "\u{1f600}"},
            }),
            json!({"json": {"名": "\u{1f600}"}}),
        ),
    ]
}

/// Returns the same events as they are once they were stored in binary mode: headers have no types, and say what data is.
pub(crate) fn in_binary_mode() -> Vec<Case> {
    let mut cases = cases();
    for case in &mut cases {
        let members = case.members.as_object_mut().unwrap();
        if members.contains_key("data") {
            let json = json!("application/json");
            members.entry("datacontenttype").or_insert(json);
        }
        for (name, value) in members {
            if name != "data" && !value.is_string() {
                *value = json!(value.to_string());
            }
        }
    }
    cases
}

/// Returns the events as lines for `pf publish --ndjson`.
pub(crate) fn lines(cases: &[Case]) -> String {
    let lines = cases.iter().map(|case| {
        let mut event = json!({
            "specversion": "1.0", "source": "//shop", "type": "order.created", "time": TIME,
        });
        merge(&mut event, &case.members);
        format!("{event}\n")
    });
    lines.collect()
}

/// Fails the test unless an SDK understood everything as it was meant.
pub(crate) fn check(sdk: &Sdk, mut understood: Understood, cases: &[Case]) {
    for case in cases {
        let mut expected = json!({
            "specversion": "1.0", "source": "//shop", "type": "order.created",
        });
        merge(&mut expected, &case.members);
        merge(&mut expected, &case.given);
        for data in ["data", "data_base64"] {
            expected.as_object_mut().unwrap().remove(data);
        }
        let id = case.members["id"].as_str().unwrap();
        let mut event = understood
            .remove(id)
            .unwrap_or_else(|| panic!("{sdk:?} was not given {id}"));
        let attributes = event["attributes"].as_object_mut().unwrap();
        let time = attributes.remove("time").unwrap();
        assert!(time.as_str().unwrap().starts_with(KEPT), "{sdk:?}: {time}");
        assert_eq!(event["attributes"], expected, "{sdk:?}");
        assert_eq!(event["data"], case.data, "{sdk:?}: {id}");
    }
    assert!(understood.is_empty(), "{sdk:?}: {understood:?}");
}

/// Puts the members of one object into another.
pub(crate) fn merge(into: &mut Value, from: &Value) {
    let from = from.as_object().unwrap().clone();
    into.as_object_mut().unwrap().extend(from);
}
