//! Streams that the Go library writes to and reads from.

use insta::assert_snapshot;

use super::shop::Shop;

/// A message exactly as the Go library writes it.
const PAYLOAD: &str = r#"{"data":{"big":12345678901234567890,"f":1.0,"n":9007199254740993},"id":"01M80FJS9VRRG202J65T4N9H7T","pf_correlation_id":"req-1","pf_max_attempts":4,"source":"/bench","specversion":"1.0","time":"2026-11-22T01:57:54.107409358Z","type":"order.created"}"#;
const HEADERS: [(&str, &str); 7] = [
    ("ce_specversion", "1.0"),
    ("ce_id", "01M80FJS9VRRG202J65T4N9H7T"),
    ("ce_type", "order.created"),
    ("ce_source", "/bench"),
    ("ce_time", "2026-11-22T01:57:54.107409358Z"),
    ("pf_correlation_id", "req-1"),
    ("pf_max_attempts", "4"),
];

fn recorded() -> Shop {
    let shop = Shop::plain();
    shop.broker
        .publish_raw("SHOP.order.created", &HEADERS, PAYLOAD);
    shop
}

#[test]
fn its_events_are_tailed_as_they_are() {
    let shop = recorded();
    let tail = ["tail", "order.*", "--since", "1h", "--until-end", "-o"];
    let run = shop.pf.run(&[&tail[..], &["raw"]].concat()).succeeded();
    assert_eq!(run.stdout().trim_end(), PAYLOAD);
    let run = shop.pf.run(&[&tail[..], &["data"]].concat()).succeeded();
    assert_eq!(
        run.stdout().trim_end(),
        r#"{"big":12345678901234567890,"f":1.0,"n":9007199254740993}"#
    );
    assert_snapshot!(shop.show(&[&tail[..], &["json"]].concat()), @r#"
    exit: 0
    --- stdout
    {"event":{"data":{"big":12345678901234567890,"f":1.0,"n":9007199254740993},"id":"[ULID]","pf_correlation_id":"req-1","pf_max_attempts":4,"source":"/bench","specversion":"1.0","time":"[TIME]","type":"order.created"},"message":{"topic":"order.created","key":null,"headers":[["ce_id","[ULID]"],["ce_source","/bench"],["ce_specversion","1.0"],["ce_time","[TIME]"],["ce_type","order.created"],["pf_correlation_id","req-1"],["pf_max_attempts","4"]],"position":"1","time":"[TIME]"}}

    --- stderr
    "#);
}

#[test]
fn its_events_are_handled_with_the_attempts_they_ask_for() {
    let shop = recorded();
    let script = "cat >> seen; echo >> seen; \
                  echo $PF_DELIVERY_ATTEMPT/$PF_DELIVERY_MAX_ATTEMPTS $PF_EVENT_CORRELATION_ID >> runs; exit 1";
    let run = shop.pf.run(&[
        "consume",
        "order.created",
        "--group",
        "pf_order",
        "--until-end",
        "--backoff",
        "1ms",
        "--",
        "sh",
        "-c",
        script,
    ]);
    assert_eq!(run.code(), Some(4), "{run}");
    let runs = std::fs::read_to_string(shop.pf.path("runs")).unwrap();
    assert_eq!(runs, "1/4 req-1\n2/4 req-1\n3/4 req-1\n4/4 req-1\n");
    let seen = std::fs::read_to_string(shop.pf.path("seen")).unwrap();
    assert!(seen.contains("9007199254740993") && seen.contains("12345678901234567890"));
    let given = seen.lines().next().unwrap();
    assert!(!given.contains("pf_"), "every SDK takes it: {given}");
    assert!(
        given.contains(
            r#""correlationid":"req-1","pfmaxattempts":4,"pfattempt":1,"pfattemptlimit":4"#
        )
    );
    let dead = shop.raw.letters();
    assert_eq!(dead[0].payload, PAYLOAD.as_bytes(), "the bytes are kept");
}

#[test]
fn its_events_are_handled_under_its_names_where_that_is_asked_for() {
    let shop = recorded();
    let consume = ["consume", "order.created", "-g", "g", "--until-end", "-q"];
    let names = ["--naming", "protoflow", "--", "cat"];
    let run = shop.pf.run(&[&consume[..], &names].concat()).succeeded();
    let event = &run.json()[0];
    assert_eq!(event["pf_correlation_id"], "req-1");
    assert_eq!(
        (&event["pf_attempt"], &event["pf_max_attempts"]),
        (&1.into(), &4.into())
    );
}

#[test]
fn attempts_that_it_stored_are_spent() {
    let shop = Shop::plain();
    let payload = PAYLOAD.replace(r#""pf_corr"#, r#""pf_attempt":3,"pf_corr"#);
    let headers = [&HEADERS[..], &[("pf_attempt", "3")]].concat();
    shop.broker
        .publish_raw("SHOP.order.created", &headers, &payload);
    let consume = [
        "consume",
        "order.created",
        "--group",
        "g",
        "--until-end",
        "--",
        "sh",
        "-c",
    ];
    let script = "echo $PF_DELIVERY_ATTEMPT >> runs; exit 1";
    let run = shop.pf.run(&[&consume[..], &[script]].concat());
    assert_eq!(run.code(), Some(4), "{run}");
    assert_eq!(
        std::fs::read_to_string(shop.pf.path("runs")).unwrap(),
        "4\n"
    );
}

#[test]
fn what_is_published_for_it_has_its_names() {
    let shop = Shop::plain();
    let url = shop.broker.url("SHOP?naming=protoflow");
    let publish = [
        "publish",
        "order.created",
        "{}",
        "--correlation-id",
        "req-2",
        "--url",
        &url,
        "-q",
    ];
    let _ = shop.pf.run(&publish).succeeded();
    let stored = shop.raw.topic("order.created").remove(0);
    let event: serde_json::Value = serde_json::from_slice(&stored.payload).unwrap();
    assert_eq!(event["pf_correlation_id"], "req-2");
    assert!(event.get("correlationid").is_none());
}

#[test]
fn what_it_gave_up_becomes_a_letter_without_a_run() {
    let shop = Shop::plain();
    let marks = r#""pf_attempt":4,"pf_corr"#;
    let payload = PAYLOAD.replace(r#""pf_corr"#, marks).replace(
        r#""pf_max"#,
        r#""pf_dead_letter":true,"pf_error_message":"no such\norder","pf_max"#,
    );
    let more = [
        ("pf_attempt", "4"),
        ("pf_dead_letter", "true"),
        ("pf_error_message", "no such order"),
        ("pf_original_topic", "order.created"),
    ];
    let headers = [&HEADERS[..], &more].concat();
    // It publishes the same event again and again: more often than the breaker would bear.
    for _ in 0..30 {
        shop.broker
            .publish_raw("SHOP.order.created", &headers, &payload);
    }
    shop.broker
        .publish_raw("SHOP.order.created", &HEADERS, PAYLOAD);
    let consume = [
        "consume",
        "order.created",
        "--group",
        "g",
        "--until-end",
        "-q",
        "--",
        "sh",
        "-c",
        "echo $PF_DELIVERY_ATTEMPT >> runs",
    ];
    let run = shop.pf.run(&consume);
    assert_eq!(run.code(), Some(4), "{run}");
    let runs = || std::fs::read_to_string(shop.pf.path("runs")).unwrap();
    assert_eq!(runs(), "1\n", "only what is alive is handled");
    let letters = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    let letters = letters.json();
    assert_eq!(letters.len(), 30);
    let story = &letters[0]["dead_letter"];
    assert_eq!(story["kind"], "terminated");
    assert_eq!(story["attempts"], 4);
    assert_eq!(story["failure"]["message"], "no such order");
    assert_eq!(shop.raw.letters()[0].payload, payload.as_bytes());
    let first = story["id"].as_str().unwrap();
    let _ = shop.pf.run(&["dlq", "replay", first, "--yes"]).succeeded();
    let _ = shop.pf.run(&consume).succeeded();
    assert_eq!(runs(), "1\n1\n", "a replay is handled");
}

#[test]
fn what_it_delayed_is_handled_when_it_is_due() {
    let shop = Shop::plain();
    let now = std::time::SystemTime::now();
    let due = now + std::time::Duration::from_secs(2);
    let stamp = due.duration_since(std::time::UNIX_EPOCH).unwrap();
    let stamp = stamp.as_millis().to_string();
    let more = [("pf_delay_ms", "2000"), ("pf_delay_until", stamp.as_str())];
    shop.broker.publish_raw(
        "SHOP.order.created",
        &[&HEADERS[..], &more].concat(),
        PAYLOAD,
    );
    let consume = [
        "consume",
        "order.created",
        "--group",
        "g",
        "--count",
        "1",
        "--timeout",
        "30s",
        "--",
        "sh",
        "-c",
        "echo $PF_DELIVERY_ATTEMPT",
    ];
    let run = shop.pf.run(&consume).succeeded();
    assert!(std::time::SystemTime::now() >= due, "not before");
    assert_eq!(run.stdout(), "1\n", "waiting spends no attempt");
}
