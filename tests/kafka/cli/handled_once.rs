//! `pf consume --dedup` on Kafka: the marks are in a topic of the action.

use insta::assert_snapshot;
use test_support::{harness::Run, kafka::records::Record};

use super::shop::Shop;

/// Stores an event of each of these ids, in this order, each under its id.
fn store(shop: &Shop, ids: &[&str]) {
    for id in ids {
        let publish = ["publish", "order.created", "{}", "--source", "/shop"];
        let more = ["--id", id, "--key", id, "-q"];
        let _ = shop.pf.run(&[&publish[..], &more].concat()).succeeded();
    }
}

fn consume(shop: &Shop, group: &str, flags: &[&str], command: &str) -> Run {
    let consume = ["consume", "order.created", "--until-end", "--group", group];
    let command = ["--", "sh", "-c", command];
    shop.pf.run(&[&consume[..], flags, &command].concat())
}

/// Returns how many records the topic of the marks of an action has.
fn marks(shop: &Shop, action: &str) -> usize {
    shop.raw.count(&shop.name(&format!("pf.{action}.marks")))
}

#[test]
fn a_copy_is_a_duplicate() {
    let shop = Shop::with_orders();
    store(&shop, &["1", "2", "1", "2"]);
    let run = consume(&shop, "billing", &["--dedup"], "echo $PF_EVENT_ID");
    let run = run.succeeded();
    assert_eq!(run.stdout(), "1\n2\n");
    let created = "pf.billing.marks for marks of what billing has handled\n";
    assert!(run.stderr().contains(created), "{run}");
    assert!(run.stderr().ends_with("2 handled, 2 duplicates\n"), "{run}");
    assert_eq!(marks(&shop, "billing"), 2);
    store(&shop, &["3", "2"]);
    let run = consume(&shop, "billing", &["--dedup"], "echo $PF_EVENT_ID");
    assert_snapshot!(shop.hide(&run), @"
    exit: 0
    --- stdout
    3

    --- stderr
    consuming order.created as group billing: sh -c 'echo $PF_EVENT_ID'
    1 handled, 1 duplicate
    ");
}

#[test]
fn a_dead_letter_has_no_twin() {
    let shop = Shop::with_orders();
    store(&shop, &["1", "1"]);
    let run = consume(&shop, "billing", &["--dedup=1h"], "exit 65");
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(
        run.stderr()
            .contains("0 handled, 1 duplicate, 1 dead letter"),
        "{run}"
    );
    store(&shop, &["1"]);
    let run = consume(&shop, "billing", &["--dedup=1h"], "true").succeeded();
    assert!(run.stderr().ends_with("0 handled, 1 duplicate\n"), "{run}");
    let replay = ["dlq", "replay", "--all", "--yes"];
    let _ = shop.pf.run(&replay).succeeded();
    let run = consume(&shop, "billing", &["--dedup=1h"], "true").succeeded();
    assert!(run.stderr().ends_with("1 handled\n"), "{run}");
    store(&shop, &["1"]);
    let run = consume(&shop, "billing", &["--dedup=1h"], "true").succeeded();
    assert!(run.stderr().ends_with("0 handled, 1 duplicate\n"), "{run}");
}

#[test]
fn a_retry_leaves_no_mark() {
    let shop = Shop::with_orders();
    store(&shop, &["1"]);
    let once = "test -e tried || { touch tried; exit 1; }";
    for mode in ["settled", "at-most-once"] {
        let flags = ["--dedup", "--dedup-mode", mode, "--backoff", "10ms"];
        let run = consume(&shop, mode, &flags, once).succeeded();
        // The retry may come before the settlement that made it is confirmed, and goes back then.
        assert!(run.stderr().contains("\n1 handled, 1 retry"), "{run}");
        std::fs::remove_file(shop.pf.path("tried")).unwrap();
    }
    // Begun, free again, begun, handled.
    assert_eq!(
        (marks(&shop, "settled"), marks(&shop, "at-most-once")),
        (1, 4)
    );
}

/// An action has one topic, whichever groups it is done by; their positions are not each other's.
#[test]
fn groups_of_an_action_share_their_marks() {
    let shop = Shop::with_orders();
    store(&shop, &["1", "2"]);
    let flags = [
        "--dedup",
        "--action",
        "mail",
        "--dedup-mode",
        "at-most-once",
    ];
    let first = consume(&shop, "old", &flags, "true").succeeded();
    assert!(first.stderr().ends_with("2 handled\n"), "{first}");
    let other = consume(&shop, "new", &flags, "true").succeeded();
    assert!(
        other.stderr().ends_with("0 handled, 2 duplicates\n"),
        "{other}"
    );
    let third = consume(&shop, "third", &["--dedup"], "true").succeeded();
    assert!(third.stderr().ends_with("2 handled\n"), "{third}");
}

#[test]
fn a_longer_window_keeps_records_for_longer() {
    let shop = Shop::with_orders();
    let topic = shop.name("pf.billing.marks");
    for (window, kept) in [("1h", "3600000"), ("2h", "7200000"), ("1h", "7200000")] {
        store(&shop, &["1"]);
        let flag = format!("--dedup={window}");
        let _ = consume(&shop, "billing", &[&flag], "true").succeeded();
        assert_eq!(shop.raw.setting(&topic, "retention.ms"), kept, "{window}");
    }
    assert_eq!(marks(&shop, "billing"), 1);
}

/// What others write there is no mark, and ends nobody.
#[test]
fn foreign_records_are_passed_over() {
    let shop = Shop::with_orders();
    store(&shop, &["1"]);
    let _ = consume(&shop, "billing", &["--dedup"], "true").succeeded();
    let foreign = [
        Record::default(),
        Record {
            payload: None,
            ..Record::default()
        },
    ];
    shop.raw.write(&shop.name("pf.billing.marks"), &foreign);
    store(&shop, &["1", "2"]);
    let run = consume(&shop, "billing", &["--dedup"], "true").succeeded();
    assert!(run.stderr().ends_with("1 handled, 1 duplicate\n"), "{run}");
    let tail = shop
        .pf
        .run(&["tail", "--until-end", "-o", "event"])
        .succeeded();
    assert_eq!(
        tail.stdout().lines().count(),
        3,
        "marks are no events: {tail}"
    );
}

#[test]
fn an_action_needs_a_name_that_a_topic_can_have() {
    let shop = Shop::with_orders();
    let run = consume(&shop, "billing", &["--dedup", "--action", "a:b"], "true");
    assert_snapshot!(shop.hide(&run), @"
    exit: 1
    --- stdout

    --- stderr
    consuming order.created as group billing: sh -c true
    error: kafka: `pf.a:b.marks` is not a valid name of a Kafka topic
    hint: Kafka accepts letters, digits, `.`, `_` and `-`, at most 249 of them
    ");
}
