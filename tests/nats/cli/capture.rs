//! `pf dlq capture`: what consumers of other programs gave up.

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use super::shop::Shop;

/// How soon the server tells that a message was given up.
const SOON: Duration = Duration::from_secs(20);
const CAPTURE: [&str; 3] = ["dlq", "capture", "--until-end"];

/// Has a consumer that drops a message after two deliveries, and two orders.
fn given_up() -> Shop {
    let shop = Shop::prepared();
    for id in ["e1", "e2"] {
        let publish = ["publish", "order.created", "{}", "--id", id, "-q"];
        let _ = shop.pf.run(&publish).succeeded();
    }
    shop.raw.make_strict("consumer_order", "order.created", 2);
    let _ = shop.pf.run(&CAPTURE).succeeded();
    shop
}

fn wait_for_advisories(shop: &Shop, count: u64) {
    let end = Instant::now() + SOON;
    while shop.raw.held_beside("ADVISORIES") < count {
        assert!(Instant::now() < end, "the server tells nothing");
        std::thread::yield_now();
    }
}

#[test]
fn it_needs_to_be_asked_once() {
    let shop = Shop::prepared();
    assert_snapshot!(shop.show(&CAPTURE), @"
    exit: 0
    --- stdout

    --- stderr
    created stream SHOP_DLQ for dead letters
    created stream SHOP_PF for failed runs and jobs
    created stream SHOP_ADVISORIES for messages that consumers give up
    captured 0 dead letters
    ");
    assert_snapshot!(shop.show(&CAPTURE), @"
    exit: 0
    --- stdout

    --- stderr
    captured 0 dead letters
    ");
}

#[test]
fn what_was_delivered_too_often_becomes_a_letter_once() {
    let shop = given_up();
    shop.raw.answer("consumer_order", 4, "-NAK");
    wait_for_advisories(&shop, 2);
    let doctor = shop.pf.run(&["doctor"]).succeeded();
    assert!(
        doctor.stdout().contains("fix: pf dlq capture --until-end"),
        "{doctor}"
    );
    assert_snapshot!(shop.show(&CAPTURE), @"
    exit: 0
    --- stdout
    [LETTER]  [TIME]  order.created         consumer_order  exhausted     2x  the consumer `consumer_order` did not settle it in 2 deliveries
    [LETTER]  [TIME]  order.created         consumer_order  exhausted     2x  the consumer `consumer_order` did not settle it in 2 deliveries

    --- stderr
    captured 2 dead letters
    ");
    assert_eq!(shop.raw.held_beside("ADVISORIES"), 0);
    let again = shop.pf.run(&CAPTURE).succeeded();
    assert_eq!(again.stdout(), "");
    let letters = shop.pf.run(&["dlq", "list", "-o", "json"]).succeeded();
    let mut ids: Vec<_> = letters
        .json()
        .iter()
        .map(|letter| letter["event"]["id"].to_string())
        .collect();
    ids.sort();
    assert_eq!(ids, [r#""e1""#, r#""e2""#]);
    let replay = ["dlq", "replay", "--group", "consumer_order", "--yes"];
    let _ = shop.pf.run(&replay).succeeded();
    assert_eq!(shop.raw.letters().len(), 0);
    assert_eq!(shop.raw.count("order.created"), 4);
}

#[test]
fn what_was_terminated_tells_why() {
    let shop = given_up();
    shop.raw
        .answer("consumer_order", 1, "+TERM the customer is unknown");
    wait_for_advisories(&shop, 1);
    assert_snapshot!(shop.show(&CAPTURE), @"
    exit: 0
    --- stdout
    [LETTER]  [TIME]  order.created         consumer_order  terminated    1x  the customer is unknown

    --- stderr
    captured 1 dead letter
    ");
}

#[test]
fn what_is_gone_is_told() {
    let shop = given_up();
    shop.raw.answer("consumer_order", 4, "-NAK");
    wait_for_advisories(&shop, 2);
    shop.raw.delete(1);
    assert_snapshot!(shop.show(&CAPTURE), @"
    exit: 4
    --- stdout
    [LETTER]  [TIME]  order.created         consumer_order  exhausted     2x  the consumer `consumer_order` did not settle it in 2 deliveries

    --- stderr
    warning: consumer_order gave up message 1, which is gone
    captured 1 dead letter
    error: 1 message was gone before it could be captured
    ");
}

#[test]
fn a_store_without_other_consumers_says_so() {
    let shop = Shop::empty();
    assert_snapshot!(shop.show(&["dlq", "capture", "--url", "sqlite:events.db"]), @"
    exit: 5
    --- stdout

    --- stderr
    error: this transport does not report messages that consumers of other programs give up
    hint: `pf caps` shows what this transport can do
    ");
}
