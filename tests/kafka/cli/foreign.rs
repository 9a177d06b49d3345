//! Dead letters that other programs stored.

use test_support::{
    harness::{Pf, Run},
    kafka::records::Record,
};

use super::shop::Shop;

fn record(headers: &[(&str, &[u8])], payload: &str) -> Record {
    let headers = headers.iter();
    Record {
        partition: Some(0),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), Some(value.to_vec())))
            .collect(),
        payload: Some(payload.as_bytes().to_vec()),
        ..Record::default()
    }
}

/// Returns a dead letter as Spring Kafka stores it.
fn springs(shop: &Shop, payload: &str) -> Record {
    let topic = shop.name("order.created");
    let headers: &[(&str, &[u8])] = &[
        ("kafka_dlt-original-topic", topic.as_bytes()),
        ("kafka_dlt-original-partition", &[0, 0, 0, 0]),
        ("kafka_dlt-original-offset", &[0, 0, 0, 0, 0, 0, 0, 7]),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kafka_dlt-exception-fqcn", b"java.Broke"),
        ("kafka_dlt-exception-message", b"no stock"),
    ];
    record(headers, payload)
}

/// Returns a dead letter as `SmallRye` stores it.
fn smallryes(shop: &Shop, payload: &str) -> Record {
    let topic = shop.name("order.created");
    let headers: &[(&str, &[u8])] = &[
        ("dead-letter-exception-class-name", b"java.Broke"),
        ("dead-letter-reason", b"no stock"),
        ("dead-letter-topic", topic.as_bytes()),
        ("dead-letter-partition", b"0"),
        ("dead-letter-offset", b"7"),
    ];
    record(headers, payload)
}

fn count(run: &Run) -> usize {
    run.stdout().lines().count()
}

const LIST: [&str; 4] = ["dlq", "list", "-o", "json"];
const REPLAY: [&str; 4] = ["dlq", "replay", "--all", "--yes"];

#[test]
fn springs_dead_letters_are_found_by_the_name_of_their_topic() {
    let shop = Shop::with_orders();
    for topic in ["order.created.DLT", "order.created-dlt"] {
        shop.make(topic, 1, &[]);
        // A topic of that name may be one of events.
        let plain = record(&[], "plain");
        shop.raw
            .write(&shop.name(topic), &[springs(&shop, topic), plain]);
    }
    let listed = shop.pf.run(&LIST).succeeded();
    assert_eq!(count(&listed), 2, "{listed}");
    assert!(listed.stdout().contains(r#""group":"billing""#), "{listed}");
    // Billing is a group of the other program.
    let planned = shop.pf.run(&["dlq", "replay", "--all", "--dry-run"]);
    assert!(
        planned
            .stdout()
            .contains("2  to order.created, for every group"),
        "{planned}"
    );
    let warning = "2 dead letters were stored by another program: every group of the topic gets these events again";
    assert!(planned.stderr().contains(warning), "{planned}");
    let replayed = shop.pf.run(&REPLAY);
    assert_eq!(replayed.code(), Some(0), "{replayed}");
    let stored = shop.raw.topic(&shop.name("order.created"));
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|record| {
        !record
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("kafka_"))
    }));
    assert_eq!(count(&shop.pf.run(&LIST)), 0);
    let left = shop.raw.topic(&shop.name("order.created.DLT"));
    assert_eq!(left.len(), 2, "its owner may still read it");
}

#[test]
fn a_topic_is_named_that_holds_dead_letters_of_another_program() {
    let shop = Shop::with_orders();
    shop.make("failed", 1, &[]);
    let records = [smallryes(&shop, "1"), record(&[], "2")];
    shop.raw.write(&shop.name("failed"), &records);
    assert_eq!(count(&shop.pf.run(&LIST)), 0);
    let named = ["--dead-letter-topic", "failed"];
    let listed = shop.pf.run(&[&LIST[..], &named].concat()).succeeded();
    assert_eq!(count(&listed), 2, "{listed}");
    let url = shop.url("dead-letters=failed");
    let by_url = ["--url", &url];
    let listed = shop.pf.run(&[&LIST[..], &by_url].concat()).succeeded();
    assert_eq!(count(&listed), 2, "{listed}");
    let replayed = shop.pf.run(&[&REPLAY[..], &named].concat());
    assert_eq!(replayed.code(), Some(4), "{replayed}");
    assert!(
        replayed
            .stdout()
            .contains("does not say which topic it came from"),
        "{replayed}"
    );
    assert_eq!(shop.raw.topic(&shop.name("order.created")).len(), 1);
    let to = ["--to", "order.created"];
    let replayed = shop.pf.run(&[&REPLAY[..], &named, &to].concat());
    assert_eq!(replayed.code(), Some(0), "{replayed}");
    assert_eq!(shop.raw.topic(&shop.name("order.created")).len(), 2);
    assert_eq!(shop.raw.topic(&shop.name("failed")).len(), 2);
    // It is a topic of events no more.
    let publish = ["publish", "failed", "{}"];
    let refused = shop.pf.run(&[&publish[..], &by_url].concat());
    assert_eq!(refused.code(), Some(1), "{refused}");
    assert!(refused.stderr().contains("holds dead letters"), "{refused}");
}

#[test]
fn a_topic_of_dead_letters_that_does_not_exist_is_an_error() {
    let shop = Shop::with_orders();
    let run = shop
        .pf
        .run(&["dlq", "list", "--dead-letter-topic", "filed"]);
    assert_eq!(run.code(), Some(1), "{run}");
    let name = shop.name("filed");
    let message = format!("there is no topic `{name}`, which was to hold dead letters");
    assert!(run.stderr().contains(&message), "{run}");
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("events.db").display());
    let pf = Pf::bare().env("PF_URL", &url);
    let run = pf.run(&["dlq", "list", "--dead-letter-topic", "failed"]);
    assert_eq!(run.code(), Some(2), "{run}");
    assert!(run.stderr().contains("`sqlite:` has none"), "{run}");
}
