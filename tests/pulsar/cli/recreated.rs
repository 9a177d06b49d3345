//! Topics that are deleted, created again, or cut off at their beginning while they are read.

use std::{
    io::{BufRead as _, BufReader},
    process::Child,
};

use test_support::{pulsar::Broker, wait::until};

use super::shop::Shop;

fn lines(of: impl std::io::Read) -> impl Iterator<Item = String> {
    BufReader::new(of).lines().map_while(Result::ok)
}

fn admin(shop: &Shop, method: &str, rest: &str) {
    let path = format!("persistent/{}/order.created{rest}", shop.namespace);
    Broker::shared().admin().must(method, &path, "");
}

/// Deletes the topic whoever uses it.
fn delete(shop: &Shop) {
    admin(shop, "DELETE", "?force=true");
}

/// Creates the topic again, with a subscription that keeps what is stored.
fn create(shop: &Shop) {
    admin(shop, "PUT", "");
    create_keeper(shop);
}

fn create_keeper(shop: &Shop) {
    admin(shop, "PUT", "/subscription/keeper");
}

fn publish(shop: &Shop, numbers: std::ops::Range<usize>) {
    let lines: Vec<String> = numbers.map(|number| number.to_string()).collect();
    let publish = ["publish", "order.created", "--lines", "-q"];
    let _ = shop.pf.run_with(&publish, lines.join("\n")).succeeded();
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// A tail says so, and shows the new topic from its beginning: nothing is lost or shown twice.
#[test]
fn a_tail_goes_on_with_a_topic_that_is_created_again() {
    for (pattern, from) in [("order.created", "--since=1h"), ("order.*", "--last=9")] {
        let shop = Shop::with_orders("");
        create_keeper(&shop);
        publish(&shop, 0..3);
        let mut tail = shop.pf.spawn(&["tail", pattern, from, "-o", "data"]);
        let mut shown = lines(tail.stdout.take().unwrap());
        let mut said = lines(tail.stderr.take().unwrap());
        let mut numbers: Vec<String> = shown.by_ref().take(3).collect();
        delete(&shop);
        let told = said.find(|line| line.contains("was deleted"));
        assert!(told.is_some(), "{pattern}: it did not say so");
        create(&shop);
        publish(&shop, 3..8);
        numbers.extend(shown.by_ref().take(5));
        assert_eq!(
            numbers,
            ["0", "1", "2", "3", "4", "5", "6", "7"],
            "{pattern}"
        );
        kill(tail);
    }
}

/// A consumer ends with the reason; the next one reads the new topic from its beginning.
#[test]
fn a_consumer_ends_with_its_topic() {
    let shop = Shop::with_orders("");
    publish(&shop, 0..3);
    let consume = [
        "consume",
        "order.created",
        "-g",
        "billing",
        "--stdin",
        "data",
        "--",
        "sh",
        "-c",
        "cat; echo",
    ];
    let mut consumer = shop.pf.spawn(&consume);
    let mut handled = lines(consumer.stdout.take().unwrap());
    assert_eq!(handled.by_ref().take(3).count(), 3);
    delete(&shop);
    let run = shop.pf.finish(consumer);
    assert_eq!(run.code(), Some(1), "{run}");
    assert!(run.stderr().contains("order.created"), "{run}");
    assert!(run.stderr().contains("`--create` creates topics"), "{run}");
    let publish_again = shop.pf.run(&["publish", "order.created", "3"]);
    assert_eq!(publish_again.code(), Some(1), "{publish_again}");
    create(&shop);
    publish(&shop, 3..8);
    let bounded = [&consume[..4], &["--until-end"], &consume[4..]].concat();
    let run = shop.pf.run(&bounded).succeeded();
    assert_eq!(run.stdout(), "3\n4\n5\n6\n7\n", "{run}");
}

/// Entries that are removed before a slow tail has read them are counted.
#[test]
fn a_tail_that_is_overtaken_is_told_how_much_it_missed() {
    const COUNT: usize = 12_000;
    const CUT: usize = 9_000;
    let shop = Shop::with_orders("");
    create_keeper(&shop);
    // Whole ledgers are removed; each load of the topic begins one.
    for start in (0..COUNT).step_by(3_000) {
        publish(&shop, start..start + 3_000);
        admin(&shop, "PUT", "/unload");
    }
    let mut tail = shop
        .pf
        .spawn(&["tail", "order.created", "--since=1h", "-o", "json"]);
    let shown = lines(tail.stdout.take().unwrap());
    let mut shown = shown.map(|line| {
        let record: serde_json::Value = serde_json::from_str(&line).unwrap();
        usize::try_from(record["event"]["data"].as_u64().unwrap()).unwrap()
    });
    let said = lines(tail.stderr.take().unwrap());
    // What is not taken from the pipe, it does not read on.
    assert_eq!(shown.next().unwrap(), 0);
    admin(&shop, "DELETE", "/truncate");
    until("the first ledgers are gone", || ledgers(&shop) <= 2);
    publish(&shop, COUNT..COUNT + 10);
    let mut last = 0;
    let mut count = 1;
    while last < COUNT + 9 {
        let number = shown.next().unwrap();
        assert!(number > last, "{number} after {last}");
        (last, count) = (number, count + 1);
    }
    let told: usize = said
        .filter_map(|line| {
            let (_, rest) = line.split_once(" removed ")?;
            rest.split(' ').next()?.parse::<usize>().ok()
        })
        .take(1)
        .sum();
    println!("{count} shown, {told} told to be missing of {}", COUNT + 10);
    assert_eq!(count + told, COUNT + 10);
    assert!(told > CUT / 2, "{told}");
    kill(tail);
}

fn ledgers(shop: &Shop) -> usize {
    let path = format!("persistent/{}/order.created/internalStats", shop.namespace);
    let stats = Broker::shared().admin().must("GET", &path, "");
    let stats: serde_json::Value = serde_json::from_str(&stats).unwrap();
    stats["ledgers"].as_array().unwrap().len()
}
