//! `pf tail` with patterns, from every place.

use super::shop::Shop;

fn filled() -> Shop {
    let shop = Shop::prepared();
    let topics = [
        "order.created",
        "order.paid",
        "order.paid.late",
        "payment.done",
    ];
    for (number, topic) in topics.into_iter().enumerate() {
        let id = format!("e{number}");
        let _ = shop
            .pf
            .run(&["publish", topic, "{}", "--id", &id])
            .succeeded();
    }
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
    assert_eq!(
        seen(&shop, &["order.**", "--last", "2", "--until-end"]),
        ["e1", "e2"]
    );
    assert_eq!(
        seen(&shop, &["order.*", "--last", "9", "--until-end"]),
        ["e0", "e1"]
    );
    assert_eq!(seen(&shop, &["--last", "1", "--until-end"]), ["e3"]);
    assert_eq!(seen(&shop, &["--last", "2", "--count", "1"]), ["e2"]);
}

#[test]
fn looking_leaves_no_consumer_behind_that_lasts() {
    let shop = filled();
    let _ = seen(&shop, &["--since", "1h", "--until-end"]);
    let answer = shop.raw.api("CONSUMER.LIST", &serde_json::json!({}));
    for consumer in answer["consumers"].as_array().unwrap() {
        assert!(
            consumer["config"].get("durable_name").is_none(),
            "{consumer}"
        );
        let threshold = consumer["config"]["inactive_threshold"].as_u64().unwrap();
        assert!(threshold <= 60_000_000_000, "{consumer}");
    }
}
