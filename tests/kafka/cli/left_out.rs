//! Events that `pf consume` settles without a run: expired ones, tombstones, and those that `--where` leaves out.

use test_support::{harness::Run, kafka::records::Record};

use super::shop::Shop;

fn record(id: &str, more: &[(&str, &str)]) -> Record {
    let attributes = [
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_source", "/shop"),
        ("ce_type", "order.created"),
    ];
    let headers = attributes.iter().chain(more);
    Record {
        key: Some(id.into()),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), Some((*value).into())))
            .collect(),
        payload: Some(b"{}".to_vec()),
        ..Record::default()
    }
}

fn shop() -> Shop {
    let shop = Shop::with_orders();
    let expired = [("ce_expirytime", "1999-01-01T00:00:00Z")];
    let tombstone = Record {
        key: Some(b"1".to_vec()),
        ..Record::default()
    };
    // In binary mode, an event without data has a null payload too.
    let without_data = Record {
        payload: None,
        ..record("4", &[])
    };
    let records = [
        record("1", &[]),
        record("2", &expired),
        tombstone.clone(),
        record("3", &[]),
    ];
    let topic = shop.name("order.created");
    shop.raw.write(&topic, &records);
    shop.raw.write(&topic, &[without_data, tombstone]);
    shop
}

fn consume(shop: &Shop, flags: &[&str]) -> Run {
    let mut args = vec!["consume", "order.created", "--group", "g", "--until-end"];
    args.extend(flags);
    args.extend(["--", "sh", "-c", "echo $PF_EVENT_TYPE $PF_EVENT_ID"]);
    shop.pf.run(&args)
}

#[test]
fn expired_events_and_tombstones_are_skipped_if_asked() {
    let shop = shop();
    let run = consume(&shop, &["--expired", "skip", "--tombstones", "skip"]).succeeded();
    assert_eq!(
        run.stdout(),
        "order.created 1\norder.created 3\norder.created 4\n"
    );
    let summary = "3 handled, 3 skipped (1 expired, 2 tombstones)\n";
    assert!(run.stderr().ends_with(summary), "{run}");
    assert_eq!(
        run.stderr().matches("a tombstone (reported once)").count(),
        1,
        "{run}"
    );
    let run = consume(&shop, &[]).succeeded();
    assert!(run.stderr().ends_with("\n0 handled\n"), "{run}");
}

#[test]
fn expired_events_and_tombstones_are_dead_lettered_by_default() {
    let shop = shop();
    let run = consume(&shop, &[]);
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(
        run.stderr()
            .contains("3 handled, 3 dead letters (1 expired)\n"),
        "{run}"
    );
    let list = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    let letters = list.json();
    let mut kinds: Vec<_> = letters
        .iter()
        .map(|letter| &letter["dead_letter"]["kind"])
        .collect();
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["decode", "decode", "expired"]);
    let replay = ["dlq", "replay", "--kind", "expired", "--yes", "-q"];
    let _ = shop.pf.run(&replay).succeeded();
    let run = consume(&shop, &[]).succeeded();
    assert_eq!(
        run.stdout(),
        "order.created 2\n",
        "a replay is handled: {run}"
    );
}

#[test]
fn what_the_filter_does_not_match_is_acknowledged() {
    let shop = shop();
    let flags = [
        "--tombstones",
        "deliver",
        "--where",
        r#".event.type == "tombstone""#,
    ];
    let run = consume(&shop, &flags).succeeded();
    assert_eq!(
        run.stdout()
            .lines()
            .filter(|line| line.starts_with("tombstone "))
            .count(),
        2,
        "{run}"
    );
    assert!(
        run.stderr().ends_with("2 handled, 4 not matched\n"),
        "{run}"
    );
    let run = consume(&shop, &[]).succeeded();
    assert!(run.stderr().ends_with("\n0 handled\n"), "{run}");
}
