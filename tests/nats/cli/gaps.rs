//! What limits and purges remove before it was read, and names that mean another thing now.

use std::time::Duration;

use async_nats::jetstream::stream;
use serde_json::json;

use test_support::{harness::Run, wait::wait_while};

use super::{
    fit::{start, wait_for},
    shop::Shop,
};

fn shop(change: impl FnOnce(&mut stream::Config)) -> Shop {
    let shop = Shop::empty();
    let mut config = shop.raw.plain();
    change(&mut config);
    shop.raw.make(config);
    shop
}

fn publish(shop: &Shop, topic: &str, count: usize) {
    let lines = "{}\n".repeat(count);
    let publish = ["publish", topic, "--lines", "-q"];
    let _ = shop.pf.run_with(&publish, lines).succeeded();
}

fn purge(shop: &Shop) {
    shop.broker.ask("$JS.API.STREAM.PURGE.SHOP", &json!({}));
}

fn consume(shop: &Shop, pattern: &str, rest: &[&str]) -> Run {
    let join = ["consume", pattern, "--group", "billing", "--until-end"];
    shop.pf.run(&[&join[..], rest].concat())
}

/// Checks that a group is told what it lost, and only once.
fn assert_lost(shop: &Shop, pattern: &str, text: &str, handled: usize) {
    let run = consume(shop, pattern, &["--", "true"]);
    assert_eq!(run.code(), Some(4), "{run}");
    assert!(run.stderr().contains(text), "{text}: {run}");
    let summary = format!("{handled} handled");
    assert!(run.stderr().contains(&summary), "{summary}: {run}");
    let run = consume(shop, pattern, &["--", "true"]).succeeded();
    assert!(run.stderr().contains("0 handled"), "{run}");
}

fn begin(shop: &Shop, pattern: &str) {
    publish(shop, "order.created", 2);
    let run = consume(shop, pattern, &["--", "true"]).succeeded();
    assert!(run.stderr().contains("2 handled"), "{run}");
}

#[test]
fn what_limits_on_a_stream_removed_is_counted() {
    for (pattern, text) in [
        ("**", "removed 7 messages from the stream `SHOP`"),
        ("order.*", "removed up to 7 messages from the stream `SHOP`"),
    ] {
        let shop = shop(|config| config.max_messages = 3);
        begin(&shop, pattern);
        publish(&shop, "order.created", 10);
        assert_lost(&shop, pattern, text, 3);
    }
    let shop = shop(|config| config.max_bytes = 2000);
    begin(&shop, "**");
    publish(&shop, "order.created", 50);
    let left = shop.raw.count(">");
    let text = format!("removed {} messages", 50 - left);
    assert_lost(&shop, "**", &text, usize::try_from(left).unwrap());
}

#[test]
fn what_became_too_old_is_counted() {
    let shop = shop(|config| {
        config.max_age = Duration::from_millis(500);
        config.duplicate_window = Duration::from_millis(200);
    });
    begin(&shop, "**");
    publish(&shop, "order.created", 3);
    wait_while(|| shop.raw.count(">") > 0);
    assert_lost(&shop, "**", "removed 3 messages", 0);
}

#[test]
fn what_newer_messages_of_a_subject_replaced_is_counted() {
    let shop = shop(|config| config.max_messages_per_subject = 2);
    begin(&shop, "**");
    publish(&shop, "payment.done", 1);
    publish(&shop, "order.created", 5);
    assert_lost(&shop, "**", "removed 3 messages", 3);
}

#[test]
fn what_was_purged_is_counted() {
    let shop = Shop::prepared();
    begin(&shop, "order.*");
    publish(&shop, "order.created", 4);
    purge(&shop);
    publish(&shop, "order.created", 1);
    assert_lost(&shop, "order.*", "removed up to 4 messages", 1);
    publish(&shop, "order.created", 4);
    purge(&shop);
    assert_lost(&shop, "order.*", "removed up to 4 messages", 0);
}

#[test]
fn what_was_pending_when_the_group_left_is_counted_by_its_subject() {
    let shop = Shop::prepared();
    begin(&shop, "order.*");
    publish(&shop, "order.created", 40);
    publish(&shop, "payment.done", 1);
    let run = consume(&shop, "order.*", &["--count", "1", "--", "true"]).succeeded();
    assert!(run.stderr().contains("1 handled"), "{run}");
    let filter = json!({"filter": "SHOP.order.created"});
    shop.broker.ask("$JS.API.STREAM.PURGE.SHOP", &filter);
    let run = consume(&shop, "order.*", &["--", "true"]);
    assert_eq!(run.code(), Some(4), "{run}");
    // Some were given back, and others not even asked for.
    let numbers: Vec<u64> = run
        .stderr()
        .lines()
        .filter_map(|line| {
            line.split_once("purge removed ")?
                .1
                .split(' ')
                .next()?
                .parse()
                .ok()
        })
        .collect();
    assert_eq!(numbers.iter().sum::<u64>(), 39, "{run}");
}

#[test]
fn a_retry_whose_message_is_gone_is_lost() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", 1);
    let join = ["consume", "order.*", "--group", "billing", "--until-end"];
    let args = [&join[..], &["--backoff", "1s", "--", "false"]].concat();
    let (child, mut stderr) = start(&shop, &args);
    wait_for(&mut stderr, "attempt 1 of");
    purge(&shop);
    let said = wait_for(&mut stderr, "0 handled");
    assert!(
        said.contains("removed message 1 from the stream `SHOP` while a retry was due"),
        "{said}"
    );
    assert_eq!(shop.pf.finish(child).code(), Some(4), "{said}");
    let run = consume(&shop, "order.*", &["--", "true"]).succeeded();
    assert!(run.stderr().contains("0 handled"), "{run}");
}

#[test]
fn a_retry_whose_message_is_gone_when_its_group_comes_back_is_lost() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", 1);
    let wait = ["--backoff", "1h", "--timeout", "1s", "--", "false"];
    assert_eq!(consume(&shop, "order.*", &wait).code(), Some(3));
    purge(&shop);
    let text = "removed message 1 from the stream `SHOP` while a retry was due";
    assert_lost(&shop, "order.*", text, 0);
}

#[test]
fn a_group_that_reads_little_of_a_busy_stream_loses_nothing() {
    let shop = shop(|config| config.max_messages = 10);
    begin(&shop, "order.*");
    let join = ["consume", "order.*", "--group", "billing", "--count", "1"];
    let args = [&join[..], &["--timeout", "60s", "--", "true"]].concat();
    let (child, mut stderr) = start(&shop, &args);
    wait_for(&mut stderr, "consuming");
    wait_while(|| shop.raw.group("billing").unwrap().num_waiting == 0);
    publish(&shop, "payment.done", 50);
    publish(&shop, "order.created", 1);
    let said = wait_for(&mut stderr, "1 handled");
    assert!(!said.contains("removed"), "{said}");
    assert_eq!(shop.pf.finish(child).code(), Some(0));
    let run = consume(&shop, "order.*", &["--", "true"]).succeeded();
    assert!(!run.stderr().contains("removed"), "{run}");
}

#[test]
fn a_stream_that_was_created_again_is_read_from_its_beginning() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", 3);
    let join = ["consume", "order.*", "--group", "billing", "--count", "5"];
    let args = [&join[..], &["--timeout", "60s", "--", "true"]].concat();
    let (child, mut said_by) = start(&shop, &args);
    let (tail, mut tailed) = start(&shop, &["tail", "--since", "1h", "--count", "5"]);
    wait_while(|| {
        shop.raw
            .group("billing")
            .is_none_or(|group| group.ack_floor.consumer_sequence < 3)
    });
    shop.broker.ask("$JS.API.STREAM.DELETE.SHOP", &json!({}));
    shop.raw.make(shop.raw.prepared());
    publish(&shop, "order.created", 2);
    let text = "the stream `SHOP` was deleted and created again";
    let said = wait_for(&mut said_by, "5 handled");
    assert!(said.contains(text), "{said}");
    assert_eq!(shop.pf.finish(child).code(), Some(0), "{said}");
    wait_for(&mut tailed, text);
    let run = shop.pf.finish(tail);
    assert_eq!(
        (run.code(), run.stdout().lines().count()),
        (Some(0), 5),
        "{run}"
    );
}

#[test]
fn a_consumer_that_was_created_again_is_said() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", 3);
    let join = ["consume", "order.*", "--group", "billing", "--count", "7"];
    let args = [&join[..], &["--timeout", "60s", "--", "true"]].concat();
    let (child, mut said_by) = start(&shop, &args);
    wait_while(|| {
        shop.raw
            .group("billing")
            .is_none_or(|group| group.ack_floor.consumer_sequence < 3)
    });
    shop.broker
        .ask("$JS.API.CONSUMER.DELETE.SHOP.billing", &json!({}));
    shop.raw
        .make_group("billing", "order.*", Duration::from_secs(30));
    publish(&shop, "order.created", 1);
    let said = wait_for(&mut said_by, "7 handled");
    let text = "the consumer `billing` was deleted and created again: it starts behind message 0";
    assert!(said.contains(text), "{said}");
    assert_eq!(shop.pf.finish(child).code(), Some(0), "{said}");
}

#[test]
fn a_consumer_that_was_deleted_ends_its_group_with_a_hint() {
    let shop = Shop::prepared();
    publish(&shop, "order.created", 1);
    let join = ["consume", "order.*", "--group", "billing", "--", "true"];
    let (child, mut said_by) = start(&shop, &join);
    wait_while(|| {
        shop.raw
            .group("billing")
            .is_none_or(|group| group.ack_floor.consumer_sequence < 1)
    });
    shop.broker
        .ask("$JS.API.CONSUMER.DELETE.SHOP.billing", &json!({}));
    wait_for(
        &mut said_by,
        "hint: after a restart the group reads from the earliest event",
    );
    assert_eq!(shop.pf.finish(child).code(), Some(1));
}
