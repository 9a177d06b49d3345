//! hexa-event's records, its retry topics and its dead-letter queues.

use test_support::{hexa, kafka::records::Record};

use super::shop::Shop;

fn record(headers: &[(&str, &str)], payload: &str) -> Record {
    let headers = headers.iter();
    Record {
        partition: Some(0),
        key: Some(b"7".to_vec()),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec())))
            .collect(),
        payload: Some(payload.as_bytes().to_vec()),
    }
}

#[test]
fn its_records_are_events_and_the_other_way_round() {
    let shop = Shop::with_orders();
    let topic = shop.name("order.created");
    hexa::Subject {
        pf: &shop.pf,
        url: shop.url("mode=hexa"),
        write: &|headers, payload| shop.raw.write(&topic, &[record(headers, payload)]),
    }
    .check();
    let written = shop.raw.topic(&topic);
    let written = written.iter().find(|one| one.header("ce_id") == Some("e5"));
    let written = written.unwrap();
    assert_eq!(written.payload.as_deref(), Some(&br#"{"n":5}"#[..]));
    for (name, value) in [
        ("_ctx_correlation_id", "e5"),
        ("_ctx_locale", ""),
        ("_reply_channel", "r"),
        ("_payload_encoder", "json"),
        ("ce_type", "order.created"),
        ("ce_ext1", "x"),
    ] {
        assert_eq!(written.header(name), Some(value), "{name}");
    }
    let user = written.header("_ctx_user").unwrap();
    assert!(user.contains("\"_user_type\":\"_guest\""), "{user}");
}

#[test]
fn its_retries_and_dead_letters_keep_the_id_of_the_first_delivery() {
    let shop = Shop::with_orders();
    for topic in ["check_order.retry.1", "check_order.dlq"] {
        shop.make(topic, 1, &[]);
    }
    let root = format!("{}-0-5", shop.name("order.created"));
    let added = [
        ("HEXA_ROOT_EVENT_ID", root.as_str()),
        ("HEXA_ROOT_EVENT_HANDLER_ACTION_NAME", "check_order"),
    ];
    let failed = [hexa::headers(), added.to_vec()].concat();
    for topic in ["check_order.retry.1", "check_order.dlq"] {
        let record = record(&failed, r#"{"n":1}"#);
        shop.raw.write(&shop.name(topic), &[record]);
    }
    let echo = ["--until-end", "--", "sh", "-c", "echo $PF_EVENT_ID"];
    let consume = |topic| {
        let consume = ["consume", topic, "--group", "check_order"];
        shop.pf.run(&[&consume[..], &echo].concat()).succeeded()
    };
    let expected = format!("{root}\n");
    assert_eq!(consume("check_order.retry.*").stdout(), expected);
    let listed = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    let letter = &listed.json()[0]["dead_letter"];
    assert_eq!(letter["origin"]["topic"], "order.created");
    assert_eq!(letter["origin"]["position"], "order.created/0/5");
    assert_eq!(
        (&letter["group"], &letter["event_id"]),
        (&"check_order".into(), &root.into())
    );
    let _ = shop
        .pf
        .run(&["dlq", "replay", "--all", "--yes"])
        .succeeded();
    assert_eq!(
        consume("order.created").stdout(),
        expected,
        "a replay has the same id"
    );
}
