//! `pf tail` with patterns, from every place, over several partitions.

use test_support::kafka::records::Record;

use super::shop::Shop;

fn filled() -> Shop {
    let shop = Shop::empty();
    let topics = [
        "order.created",
        "order.paid",
        "order.paid.late",
        "payment.done",
    ];
    for (number, topic) in topics.into_iter().enumerate() {
        let id = format!("e{number}");
        let publish = ["publish", topic, "{}", "--id", &id, "--create"];
        let _ = shop.pf.run(&publish).succeeded();
    }
    // Neither Kafka's own topics nor ours are topics of a user.
    shop.make("order.paid.dlq", 1, &[]);
    shop.make("pf.delay", 1, &[]);
    shop
}

fn seen(shop: &Shop, args: &[&str]) -> Vec<String> {
    let run = shop
        .pf
        .run(&[&["tail", "-o", "event"], args].concat())
        .succeeded();
    let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
    run.json().iter().map(id).collect()
}

#[test]
fn patterns_choose_topics() {
    let shop = filled();
    let all = |pattern: &str| seen(&shop, &[pattern, "--since", "1h", "--until-end"]);
    assert_eq!(all("order.created"), ["e0"]);
    assert_eq!(all("order.*"), ["e0", "e1"]);
    assert_eq!(all("order.**"), ["e0", "e1", "e2"]);
    assert_eq!(all("order.>"), ["e0", "e1", "e2"]);
    assert_eq!(all("*.paid"), ["e1"]);
    assert_eq!(all("**"), ["e0", "e1", "e2", "e3"]);
    assert_eq!(all("nothing.*"), [""; 0]);
    let two = ["payment.*", "order.created", "--since", "1h", "--until-end"];
    assert_eq!(seen(&shop, &two), ["e0", "e3"]);
}

#[test]
fn the_last_ones_are_counted_among_what_matches() {
    let shop = filled();
    let last =
        |pattern: &str, number: &str| seen(&shop, &[pattern, "--last", number, "--until-end"]);
    assert_eq!(last("order.**", "2"), ["e1", "e2"]);
    assert_eq!(last("order.*", "9"), ["e0", "e1"]);
    assert_eq!(last("**", "1"), ["e3"]);
    assert_eq!(seen(&shop, &["--last", "2", "--count", "1"]), ["e2"]);
}

/// Writes numbers over three partitions, each a little later than the one before.
fn spread(shop: &Shop) {
    shop.make("spread", 3, &[]);
    for number in 0..30_u8 {
        let record = Record {
            partition: Some(i32::from(number % 3)),
            payload: Some(number.to_string().into_bytes()),
            ..Record::default()
        };
        shop.raw.write(&shop.name("spread"), &[record]);
    }
}

#[test]
fn partitions_are_merged_by_time() {
    let shop = Shop::empty();
    spread(&shop);
    let read = |args: &[&str]| {
        let tail = ["tail", "spread", "--until-end", "-o", "raw"];
        let run = shop.pf.run(&[&tail, args].concat()).succeeded();
        let numbers = run.stdout().lines().map(|line| line.parse::<u8>().unwrap());
        numbers.collect::<Vec<_>>()
    };
    assert_eq!(read(&[]), (0..30).collect::<Vec<_>>());
    assert_eq!(read(&["--last", "5"]), [25, 26, 27, 28, 29]);
}

#[test]
fn what_retention_removed_is_no_news_at_the_start() {
    let shop = Shop::with_orders();
    let records: Vec<_> = (0..10_u8)
        .map(|number| Record {
            payload: Some(vec![b'0' + number]),
            ..Record::default()
        })
        .collect();
    shop.raw.write(&shop.name("order.created"), &records);
    shop.raw.remove_before(&shop.name("order.created"), 0, 7);
    let tail = ["tail", "order.created", "--until-end", "-o", "raw"];
    let run = shop.pf.run(&tail).succeeded();
    assert_eq!(run.stdout(), "7\n8\n9\n");
    assert_eq!(run.stderr(), "");
}

#[test]
fn looking_leaves_no_group_behind() {
    let shop = filled();
    let _ = seen(&shop, &["--since", "1h", "--until-end"]);
    assert_eq!(shop.raw.members(&shop.name("pf.reader")), 0);
    let name = shop.name("order.created");
    assert_eq!(shop.raw.commits(&shop.name("pf.reader"), &name), []);
}
