//! Records that are odd, and come through `pf` byte for byte.

use test_support::kafka::records::Record;

use super::shop::Shop;

/// Headers as the Go library's attributes come by Kafka, in binary mode.
#[test]
fn a_binary_record_of_the_go_library_is_handed_over_under_lawful_names() {
    let shop = Shop::with_orders();
    let attributes = [
        ("ce_specversion", "1.0"),
        ("ce_id", "1"),
        ("ce_source", "/shop"),
        ("ce_type", "order.created"),
        ("ce_pf_correlation_id", "req-1"),
        ("ce_pf_max_attempts", "4"),
        ("ce_pf_delay_ms", "3000"),
        ("pf_attempt", "2"),
    ];
    let header = |(name, value): (&str, &str)| (name.to_owned(), Some(value.into()));
    let record = Record {
        payload: Some(b"{}".to_vec()),
        headers: attributes.map(header).into(),
        ..Record::default()
    };
    shop.raw.write(&shop.name("order.created"), &[record]);
    let consume = ["consume", "order.created", "-g", "g", "--until-end", "-q"];
    let run = shop
        .pf
        .run(&[&consume[..], &["--", "cat"]].concat())
        .succeeded();
    assert!(!run.stdout().contains("pf_"), "{run}");
    let event = &run.json()[0];
    assert_eq!(event["correlationid"], "req-1");
    assert_eq!(
        (&event["pfmaxattempts"], &event["pfattemptlimit"]),
        (&4.into(), &4.into())
    );
}

fn odd() -> Vec<Record> {
    let header = |name: &str, value: Option<&[u8]>| (name.to_owned(), value.map(<[u8]>::to_vec));
    vec![
        Record {
            payload: None,
            key: Some(b"null".to_vec()),
            ..Record::default()
        },
        Record {
            payload: Some(Vec::new()),
            key: Some(Vec::new()),
            ..Record::default()
        },
        Record {
            payload: Some(vec![0xff, 0, 0xfe]),
            key: Some(vec![0xff]),
            headers: vec![
                header("twice", Some(b"1")),
                header("bytes", Some(&[0xff, 0xfe])),
                header("twice", Some(b"2")),
                header("null", None),
                header("empty", Some(b"")),
            ],
            ..Record::default()
        },
        Record {
            payload: Some(b"two\nlines".to_vec()),
            ..Record::default()
        },
    ]
}

#[test]
fn odd_records_survive_a_tail_and_a_publish() {
    let shop = Shop::with_orders();
    shop.make("copy", 1, &[]);
    shop.raw.write(&shop.name("order.created"), &odd());
    let tail = ["tail", "order.created", "--until-end", "-o", "json"];
    let records = shop.pf.run(&tail).succeeded().stdout().to_owned();
    assert_eq!(records.lines().count(), odd().len());
    let publish = ["publish", "--ndjson", "--topic", "copy"];
    let _ = shop.pf.run_with(&publish, records).succeeded();
    let copied = shop.raw.topic(&shop.name("copy"));
    let original = shop.raw.topic(&shop.name("order.created"));
    assert_eq!(copied.len(), original.len());
    for (copied, original) in copied.iter().zip(&original) {
        assert_eq!(copied.key, original.key);
        assert_eq!(copied.headers, original.headers);
        assert_eq!(copied.payload, original.payload);
    }
}

#[test]
fn odd_records_are_shown_to_people() {
    let shop = Shop::with_orders();
    shop.raw.write(&shop.name("order.created"), &odd());
    let run = shop
        .pf
        .run(&["tail", "order.created", "--until-end"])
        .succeeded();
    assert_eq!(run.stderr(), "");
    assert!(run.stdout().lines().count() >= odd().len(), "{run}");
}
