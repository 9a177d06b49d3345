//! Events that `pf consume` settles without a run: expired ones, tombstones, and those that `--where` leaves out.

use test_support::harness::Run;

use super::shop::Shop;

const ATTRIBUTES: [(&str, &str); 3] = [
    ("ce-specversion", "1.0"),
    ("ce-source", "/shop"),
    ("ce-type", "order.created"),
];

fn shop() -> Shop {
    let shop = Shop::prepared();
    let publish = |headers: &[(&str, &str)], payload| {
        shop.broker
            .publish_raw("SHOP.order.created", headers, payload);
    };
    let event = |id, more: &[(&'static str, &'static str)]| {
        let headers = [&ATTRIBUTES, &[("ce-id", id)][..], more].concat();
        publish(&headers, "{}");
    };
    event("1", &[]);
    event("2", &[("ce-expirytime", "1999-01-01T00:00:00Z")]);
    // A key-value bucket marks a key as deleted with this, and the server one that was purged with an empty message.
    publish(&[("KV-Operation", "DEL")], "");
    publish(&[("Nats-Marker-Reason", "Purge")], "");
    event("3", &[]);
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
    assert_eq!(run.stdout(), "order.created 1\norder.created 3\n");
    let summary = "2 handled, 3 skipped (1 expired, 2 tombstones)\n";
    assert!(run.stderr().ends_with(summary), "{run}");
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
            .contains("2 handled, 3 dead letters (1 expired)\n"),
        "{run}"
    );
    let replay = ["dlq", "replay", "--kind", "expired", "--yes", "-q"];
    let _ = shop.pf.run(&replay).succeeded();
    let run = consume(&shop, &["--expired", "skip"]).succeeded();
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
        r#".event.id == "3" or .event.type == "tombstone""#,
    ];
    let run = consume(&shop, &flags).succeeded();
    assert_eq!(run.stdout(), "tombstone 3\ntombstone 4\norder.created 3\n");
    assert!(
        run.stderr().ends_with("3 handled, 2 not matched\n"),
        "{run}"
    );
    let run = consume(&shop, &[]).succeeded();
    assert!(run.stderr().ends_with("\n0 handled\n"), "{run}");
}
