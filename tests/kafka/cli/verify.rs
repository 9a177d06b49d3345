//! `pf dlq jobs show JOB --verify` against what a raw client did to the cluster.

use serde_json::Value;
use test_support::{
    kafka::records::{Record, Stored},
    plant::{EXPECTED, Planted, plant},
};

use super::shop::Shop;

/// Buries events and returns the ids of the dead letters.
fn bury(shop: &Shop, events: u32) -> Vec<String> {
    let event = |n| {
        format!(
            r#"{{"specversion":"1.0","id":"e{n}","source":"s","type":"order.created","data":{{"n":{n}}}}}"#
        )
    };
    let lines = (1..=events).map(event).collect::<Vec<_>>().join("\n");
    let _ = shop
        .pf
        .run_with(&["publish", "--ndjson", "-q"], lines)
        .succeeded();
    consume(shop, "exit 65");
    let list = shop
        .pf
        .run(&["dlq", "list", "-o", "json"])
        .succeeded()
        .json();
    let id = |letter: &Value| letter["dead_letter"]["id"].as_str().unwrap().to_owned();
    list.iter().map(id).collect()
}

fn consume(shop: &Shop, script: &str) {
    let consume = [
        "consume",
        "order.created",
        "--group",
        "billing",
        "--until-end",
        "--no-breaker",
        "-q",
        "--",
        "sh",
        "-c",
        script,
    ];
    let _ = shop.pf.run(&consume);
}

fn replay(shop: &Shop, to: &[&str]) -> String {
    let mut args = vec!["dlq", "replay", "--all", "--yes", "-o", "json"];
    args.extend(to);
    let lines = shop.pf.run(&args).succeeded().json();
    lines.last().unwrap()["job"].as_str().unwrap().to_owned()
}

fn verify(shop: &Shop, job: &str) -> (Option<i32>, Vec<Value>) {
    let run = shop
        .pf
        .run(&["dlq", "jobs", "show", job, "--verify", "-o", "json"]);
    (run.code(), run.json())
}

fn found(shop: &Shop, job: &str, ids: &[String]) -> (Option<i32>, Vec<String>) {
    let (code, lines) = verify(shop, job);
    let of = |id: &String| {
        let line = lines.iter().find(|line| line["id"] == **id);
        line.unwrap()["found"].as_str().unwrap().to_owned()
    };
    (code, ids.iter().map(of).collect())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn copy(of: &Stored, payload: &[u8]) -> Record {
    Record {
        partition: Some(of.partition),
        key: of.key.clone(),
        headers: of.headers.clone(),
        payload: Some(payload.to_vec()),
    }
}

#[test]
fn what_is_removed_doubled_or_changed_in_a_topic_is_found() {
    let shop = Shop::with_orders();
    shop.make("order.again", 1, &[]);
    let ids = bury(&shop, 5);
    let job = replay(&shop, &["--to", "order.again"]);
    assert_eq!(found(&shop, &job, &ids), (Some(0), texts(&["once"; 5])));
    let topic = shop.name("order.again");
    let all = shop.raw.topic(&topic);
    let order: Vec<_> = all.iter().map(|one| one.replay_of().unwrap()).collect();
    let payload = all[2].payload.as_deref().unwrap();
    let records = [copy(&all[1], b"{}"), copy(&all[2], payload)];
    shop.raw.write(&topic, &records);
    let (code, states) = found(&shop, &job, &order);
    assert_eq!(
        (code, states),
        (Some(4), texts(&["once", "twice", "twice", "once", "once"]))
    );
    // Kafka removes records at the front only, as retention does: what is gone may be gone for that reason.
    shop.raw.remove_before(&topic, 0, all[1].offset + 1);
    let (code, states) = found(&shop, &job, &order);
    assert_eq!(
        (code, states),
        (
            Some(4),
            texts(&["unknown", "changed", "twice", "once", "once"])
        )
    );
}

#[test]
fn each_planted_fault_is_found() {
    let shop = Shop::with_orders();
    shop.make("order.again", 1, &[]);
    bury(&shop, 20);
    let job = replay(&shop, &["--to", "order.again"]);
    let topic = shop.name("order.again");
    let all = shop.raw.topic(&topic);
    let ids: Vec<_> = all.iter().map(|one| one.replay_of().unwrap()).collect();
    let read = all.into_iter().map(|one| Planted {
        key: one.key,
        headers: one.headers,
        payload: one.payload.unwrap(),
    });
    let planted = plant(&read.collect::<Vec<_>>());
    let write = planted.into_iter().map(|one| Record {
        partition: Some(0),
        key: one.key,
        headers: one.headers,
        payload: Some(one.payload),
    });
    // Kafka removes no single record: the topic is written anew, as a wrong copy of it would be.
    shop.raw.remove(&topic);
    shop.make("order.again", 1, &[]);
    shop.raw.write(&topic, &write.collect::<Vec<_>>());
    assert_eq!(found(&shop, &job, &ids), (Some(4), texts(&EXPECTED)));
}

#[test]
fn a_replay_that_the_topic_never_had_is_missing() {
    let shop = Shop::with_orders();
    shop.make("order.again", 1, &[]);
    let ids = bury(&shop, 2);
    let job = replay(&shop, &["--to", "order.again"]);
    let topic = shop.name("order.again");
    shop.raw.remove(&topic);
    let (code, states) = found(&shop, &job, &ids);
    assert_eq!(
        (code, states),
        (Some(4), texts(&["unknown"; 2])),
        "there is no topic"
    );
    shop.make("order.again", 1, &[]);
    let (code, states) = found(&shop, &job, &ids);
    assert_eq!((code, states), (Some(4), texts(&["missing"; 2])));
}

#[test]
fn a_replay_to_a_group_is_found_and_followed() {
    let shop = Shop::with_orders();
    let ids = bury(&shop, 3);
    let job = replay(&shop, &[]);
    assert_eq!(found(&shop, &job, &ids), (Some(0), texts(&["once"; 3])));
    consume(&shop, "grep -q e1 || exit 65");
    let (code, lines) = verify(&shop, &job);
    assert_eq!(code, Some(0));
    let line = |id: &String| lines.iter().find(|line| line["id"] == **id).unwrap();
    let died = |id| line(id)["died_again"].is_string();
    assert_eq!(ids.iter().filter(|id| died(id)).count(), 2);
    assert!(ids.iter().all(|id| line(id)["settled"] == true));
    let retries = shop.raw.retries(&shop.name("pf.billing.")).unwrap();
    let all = shop.raw.topic(&retries);
    let of = |id: &String| {
        let key = format!("replay/{id}");
        let mut all = all.iter();
        all.find(|one| one.key() == key && one.payload.is_some())
            .unwrap()
    };
    let (doubled, changed) = (of(&ids[0]), of(&ids[1]));
    let payload = doubled.payload.as_deref().unwrap();
    shop.raw
        .write(&retries, &[copy(doubled, payload), copy(changed, b"{}")]);
    let (code, states) = found(&shop, &job, &ids);
    assert_eq!(
        (code, states),
        (Some(4), texts(&["twice", "twice", "once"]))
    );
}

#[test]
fn a_replay_in_the_retry_topic_of_another_group_is_found() {
    let shop = Shop::with_orders();
    let ids = bury(&shop, 3);
    let mail = ["consume", "order.created", "--group", "mail", "--until-end"];
    let fails = ["--no-breaker", "-q", "--", "sh", "-c", "exit 65"];
    let _ = shop.pf.run(&[&mail[..], &fails].concat());
    let job = replay(&shop, &[]);
    assert_eq!(found(&shop, &job, &ids), (Some(0), texts(&["once"; 3])));
    let retries = |group: &str| {
        shop.raw
            .retries(&shop.name(&format!("pf.{group}.")))
            .unwrap()
    };
    let (billing, mail) = (retries("billing"), retries("mail"));
    let all = shop.raw.topic(&billing);
    let order: Vec<_> = all.iter().map(|one| one.replay_of().unwrap()).collect();
    let copies = all
        .iter()
        .map(|one| copy(one, one.payload.as_deref().unwrap()));
    let copies: Vec<_> = copies.collect();
    // Kafka removes no single record: the retry topic is written anew without the one that was moved.
    shop.raw.remove(&billing);
    shop.raw.make(&billing, 1, &[("cleanup.policy", "compact")]);
    shop.raw.write(&billing, &copies[1..]);
    shop.raw.write(&mail, &copies[..1]);
    let expected = texts(&["elsewhere", "once", "once"]);
    assert_eq!(found(&shop, &job, &order), (Some(4), expected));
}
