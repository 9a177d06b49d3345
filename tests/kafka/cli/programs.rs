//! Dead letters as further programs store them: hexa-event, Watermill, Knative, `RustStream`, and share groups, whose letters
//! only refer to the message.

use serde_json::Value;
use test_support::{
    harness::Run,
    kafka::records::{Record, Stored},
};

use super::shop::Shop;

const EVENT: &str =
    r#"{"specversion":"1.0","id":"1","source":"/s","type":"order.created","data":1"#;

fn record(headers: &[(&str, &str)], payload: Option<&[u8]>) -> Record {
    let headers = headers.iter();
    Record {
        partition: Some(0),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
            .collect(),
        payload: payload.map(<[u8]>::to_vec),
        ..Record::default()
    }
}

/// As the default marshaler and the poison queue of Watermill write it: metadata in headers, in no certain order.
fn watermill(shop: &Shop) -> Record {
    let topic = shop.name("order.created");
    let headers = [
        (
            "_watermill_message_uuid",
            "b1946ac9-2d14-4f0c-8f0b-000000000001",
        ),
        ("handler_poisoned", "charge"),
        ("reason_poisoned", "no stock for 7"),
        ("subscriber_poisoned", "kafka.Subscriber"),
        ("topic_poisoned", topic.as_str()),
        ("tenant", "a"),
    ];
    record(&headers, Some(b"{\"n\":1}"))
}

/// As hexa-event leaves it in `<retry topic>.dlq`: all headers of the first delivery, and two of its own.
fn hexa(shop: &Shop) -> Record {
    let root = format!("{}-0-5", shop.name("order.created"));
    let headers = [
        ("_ctx_correlation_id", "c"),
        ("_ctx_locale", ""),
        ("_ctx_user", "{}"),
        ("_payload_encoder", "json"),
        ("_reply_channel", ""),
        ("HEXA_ROOT_EVENT_ID", root.as_str()),
        ("HEXA_ROOT_EVENT_HANDLER_ACTION_NAME", "check_order"),
    ];
    Record {
        key: Some(b"k".to_vec()),
        ..record(&headers, Some(b"{\"n\":2}"))
    }
}

/// As a dead-letter sink of Knative stores the event, in both modes.
fn knative() -> [Record; 2] {
    let structured = format!(
        r#"{EVENT},"knativeerrordest":"http://charge.shop.svc.cluster.local/","knativeerrorcode":500,"knativeerrordata":"bm8gc3RvY2sgZm9yIDc="}}"#
    );
    let kind = [("content-type", "application/cloudevents+json")];
    let binary = [
        ("ce_specversion", "1.0"),
        ("ce_id", "2"),
        ("ce_source", "/s"),
        ("ce_type", "order.created"),
        (
            "ce_knativeerrordest",
            "http://charge.shop.svc.cluster.local/",
        ),
        ("ce_knativeerrorcode", "500"),
        ("ce_knativeerrordata", "no stock for 7"),
        ("content-type", "application/json"),
    ];
    [
        record(&kind, Some(structured.as_bytes())),
        record(&binary, Some(b"{}")),
    ]
}

fn letters(run: &Run) -> Vec<Value> {
    let records = run.json().into_iter();
    records
        .map(|record| record["dead_letter"].clone())
        .collect()
}

#[test]
fn what_each_program_says_is_read() {
    let shop = Shop::with_orders();
    shop.make("check_order.dlq", 1, &[]);
    shop.make("poison", 1, &[]);
    shop.raw
        .write(&shop.name("check_order.dlq"), &[hexa(&shop)]);
    let [structured, binary] = knative();
    let rust = record(&[("x-ruststream-retry-count", "4")], Some(b"[3]"));
    let other = record(&[("x", "1")], Some(&[0xff, 0, 0x7b]));
    let records = [watermill(&shop), structured, binary, rust, other];
    shop.raw.write(&shop.name("poison"), &records);
    let named = ["--dead-letter-topic", "poison"];
    let list = ["dlq", "list", "-o", "json"];
    let listed = shop.pf.run(&[&list[..], &named].concat()).succeeded();
    let mut said: Vec<String> = letters(&listed)
        .iter()
        .map(|letter| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let failure = &letter["failure"];
            format!(
                "{} {} {} {}x {}: {}",
                text(&letter["origin"]["topic"]),
                text(&letter["group"]),
                text(&letter["kind"]),
                letter["attempts"],
                text(&failure["class"]),
                text(&failure["message"]),
            )
        })
        .collect();
    said.sort_unstable();
    assert_eq!(
        said,
        [
            "order.created charge terminated 1x error: no stock for 7",
            "order.created check_order exhausted 1x exhausted: hexa-event keeps no reason",
            "poison charge.shop exhausted 1x HTTP 500: no stock for 7",
            "poison charge.shop exhausted 1x HTTP 500: no stock for 7",
            "poison unknown exhausted 5x exhausted: RustStream keeps no reason",
            "poison unknown terminated 0x unknown: the dead letter has no reason",
        ]
    );
    let to = ["dlq", "replay", "--all", "--yes", "--to", "order.created"];
    let replayed = shop.pf.run(&[&to[..], &named].concat());
    assert_eq!(replayed.code(), Some(0), "{replayed}");
    let stored = shop.raw.topic(&shop.name("order.created"));
    assert_eq!(stored.len(), 6);
    // The bytes are those that the program stored, without what it added in headers.
    for record in records.iter().chain([&hexa(&shop)]) {
        let found = stored.iter().find(|one| one.payload == record.payload);
        let found = found.unwrap_or_else(|| panic!("{record:?}"));
        assert_eq!(found.key, record.key);
        assert_eq!(own(found), own_of(record));
    }
}

// hexa-event's id of the first delivery stays: it is the event's id.
const ADDED: [&str; 9] = [
    "handler_poisoned",
    "reason_poisoned",
    "subscriber_poisoned",
    "topic_poisoned",
    "HEXA_ROOT_EVENT_HANDLER_ACTION_NAME",
    "ce_knativeerrordest",
    "ce_knativeerrorcode",
    "ce_knativeerrordata",
    "x-ruststream-retry-count",
];

type Header = (String, Option<Vec<u8>>);

fn own_of(record: &Record) -> Vec<Header> {
    let mut headers = record.headers.clone();
    headers.retain(|(name, _)| !ADDED.contains(&name.as_str()));
    headers
}

/// Returns the headers without those of Protoflow.
fn own(stored: &Stored) -> Vec<Header> {
    let mut headers = stored.headers.clone();
    headers.retain(|(name, _)| !name.starts_with("pf-"));
    headers
}

/// Returns a letter as KIP-1191 describes it, of a record of `order.created`.
fn shared(shop: &Shop, offset: &str, payload: Option<&[u8]>) -> Record {
    let topic = shop.name("order.created");
    let headers = [
        ("__dlq.errors.topic", topic.as_str()),
        ("__dlq.errors.partition", "0"),
        ("__dlq.errors.offset", offset),
        ("__dlq.errors.group", "billing"),
        ("__dlq.errors.delivery.count", "5"),
        (
            "__dlq.errors.message",
            "Offset delivery count exceeded the threshold.",
        ),
    ];
    record(&headers, payload)
}

#[test]
fn letters_of_share_groups_are_completed_by_the_record_they_refer_to() {
    let shop = Shop::with_orders();
    let orders = shop.name("order.created");
    let original = |payload: &[u8]| Record {
        key: Some(b"k".to_vec()),
        ..record(&[("ce_id", "1"), ("mine", "1")], Some(payload))
    };
    let originals = [&b"gone"[..], b"gone but copied", b"here", b"copied"].map(original);
    shop.raw.write(&orders, &originals);
    shop.make("dlq.billing", 1, &[]);
    let letters = [
        shared(&shop, "0", None),
        shared(&shop, "1", Some(b"gone but copied")),
        shared(&shop, "2", None),
        shared(&shop, "3", Some(b"copied")),
    ];
    shop.raw.write(&shop.name("dlq.billing"), &letters);
    shop.raw.remove_before(&orders, 0, 2);
    let named = ["--dead-letter-topic", "dlq.billing"];
    let list = ["dlq", "list", "-o", "json"];
    let listed = shop.pf.run(&[&list[..], &named].concat()).succeeded();
    let messages: Vec<String> = self::letters(&listed)
        .iter()
        .map(|letter| letter["failure"]["message"].as_str().unwrap().to_owned())
        .collect();
    let spent = "Offset delivery count exceeded the threshold.";
    let gone = format!("{spent} (its message was at order.created/0/0 and is gone)");
    assert_eq!(messages, [&*gone, spent, spent, spent]);
    let replay = ["dlq", "replay", "--all", "--yes"];
    let replayed = shop.pf.run(&[&replay[..], &named].concat());
    assert_eq!(replayed.code(), Some(4), "{replayed}");
    assert!(replayed.stdout().contains("no longer exists"), "{replayed}");
    let stored = shop.raw.topic(&orders);
    let replays: Vec<_> = stored
        .iter()
        .skip(2)
        .map(|one| {
            let payload = String::from_utf8(one.payload.clone().unwrap()).unwrap();
            (payload, one.key.is_some(), own(one).len())
        })
        .collect();
    let expected = [
        ("gone but copied", false, 0),
        ("here", true, 2),
        ("copied", true, 2),
    ];
    let expected = expected.map(|(payload, key, headers)| (payload.to_owned(), key, headers));
    assert_eq!(replays, expected);
}
