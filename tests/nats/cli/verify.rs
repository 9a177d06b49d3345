//! `pf dlq jobs show JOB --verify` against what a raw client did to the stream.

use async_nats::HeaderMap;
use test_support::{
    nats::raw::Stored,
    plant::{EXPECTED, Planted, plant},
};

use super::shop::Shop;

/// Buries events, replays them to a topic, and returns the ids of the dead letters and the job.
fn replayed(shop: &Shop, events: u32) -> (Vec<String>, String) {
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
        "exit 65",
    ];
    let _ = shop.pf.run(&consume);
    let list = shop
        .pf
        .run(&["dlq", "list", "-o", "json"])
        .succeeded()
        .json();
    let id = |letter: &serde_json::Value| letter["dead_letter"]["id"].as_str().unwrap().to_owned();
    let to = [
        "dlq",
        "replay",
        "--all",
        "--to",
        "order.again",
        "--yes",
        "-o",
        "json",
    ];
    let lines = shop.pf.run(&to).succeeded().json();
    let job = lines.last().unwrap()["job"].as_str().unwrap().to_owned();
    (list.iter().map(id).collect(), job)
}

fn found(shop: &Shop, job: &str, ids: &[String]) -> (Option<i32>, Vec<String>) {
    let run = shop
        .pf
        .run(&["dlq", "jobs", "show", job, "--verify", "-o", "json"]);
    let lines = run.json();
    let of = |id: &String| {
        let line = lines.iter().find(|line| line["id"] == **id);
        line.unwrap()["found"].as_str().unwrap().to_owned()
    };
    (run.code(), ids.iter().map(of).collect())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn what_is_removed_doubled_or_changed_is_found() {
    for shop in [Shop::prepared(), Shop::plain()] {
        let (ids, job) = replayed(&shop, 5);
        assert_eq!(found(&shop, &job, &ids), (Some(0), texts(&["once"; 5])));
        let all = shop.raw.topic("order.again");
        let of = |id: &String| {
            let mut all = all.iter();
            all.find(|stored| stored.replay_of().as_ref() == Some(id))
                .unwrap()
        };
        let (removed, doubled, changed) = (of(&ids[0]), of(&ids[2]), of(&ids[4]));
        shop.raw.delete(removed.number);
        shop.raw.write("order.again", doubled, &doubled.payload);
        shop.raw.delete(changed.number);
        shop.raw.write("order.again", changed, b"{}");
        let expected = texts(&["missing", "once", "twice", "once", "changed"]);
        assert_eq!(found(&shop, &job, &ids), (Some(4), expected));
    }
}

#[test]
fn what_was_moved_to_another_topic_is_found() {
    let shop = Shop::prepared();
    for topic in ["order.created", "order.paid"] {
        for _ in 0..3 {
            let publish = ["publish", topic, "{}", "-q"];
            let _ = shop.pf.run(&publish).succeeded();
        }
    }
    let consume = ["consume", "order.*", "--group", "billing", "--until-end"];
    let fails = ["--no-breaker", "-q", "--", "sh", "-c", "exit 65"];
    let _ = shop.pf.run(&[&consume[..], &fails].concat());
    let before = shop.raw.topic("order.paid").len();
    let replay = ["dlq", "replay", "--all", "--yes", "-o", "json"];
    let lines = shop.pf.run(&replay).succeeded().json();
    let job = lines.last().unwrap()["job"].as_str().unwrap().to_owned();
    let paid = shop.raw.topic("order.paid").split_off(before);
    let ids: Vec<_> = paid.iter().map(|one| one.replay_of().unwrap()).collect();
    assert_eq!(found(&shop, &job, &ids), (Some(0), texts(&["once"; 3])));
    // One to a topic that the job replayed to as well, one to a topic that it did not.
    for (moved, to) in paid.iter().zip(["order.created", "order.lost"]) {
        shop.raw.delete(moved.number);
        shop.raw.write(to, moved, &moved.payload);
    }
    let expected = texts(&["elsewhere", "missing", "once"]);
    assert_eq!(found(&shop, &job, &ids), (Some(4), expected));
}

/// The header in which the key of a message stands.
const KEY: &str = "pf-key";

fn read(stored: &Stored) -> Planted {
    let text = |value: &async_nats::HeaderValue| Some(value.as_str().as_bytes().to_vec());
    let headers = stored.headers.iter().flat_map(|(name, values)| {
        let name = name.to_string();
        values.iter().map(move |value| (name.clone(), text(value)))
    });
    let (key, headers) = headers.partition::<Vec<_>, _>(|(name, _)| name == KEY);
    Planted {
        key: key.into_iter().next().and_then(|(_, value)| value),
        headers,
        payload: stored.payload.clone(),
    }
}

fn headers(planted: &Planted) -> HeaderMap {
    let key = planted.key.clone().map(|key| (KEY.to_owned(), Some(key)));
    let mut map = HeaderMap::new();
    for (name, value) in planted.headers.iter().chain(&key) {
        let value = String::from_utf8(value.clone().unwrap()).unwrap();
        map.append(name.as_str(), value);
    }
    map
}

#[test]
fn each_planted_fault_is_found() {
    for shop in [Shop::prepared(), Shop::plain()] {
        let (_, job) = replayed(&shop, 20);
        let all = shop.raw.topic("order.again");
        let ids: Vec<_> = all.iter().map(|one| one.replay_of().unwrap()).collect();
        for one in &all {
            shop.raw.delete(one.number);
        }
        for planted in plant(&all.iter().map(read).collect::<Vec<_>>()) {
            let like = Stored {
                subject: String::new(),
                number: 0,
                headers: headers(&planted),
                payload: Vec::new(),
            };
            shop.raw.write("order.again", &like, &planted.payload);
        }
        assert_eq!(found(&shop, &job, &ids), (Some(4), texts(&EXPECTED)));
    }
}

#[test]
fn what_the_stream_may_have_removed_is_not_called_missing() {
    let shop = Shop::prepared();
    let (ids, job) = replayed(&shop, 2);
    let last = shop.raw.topic("order.again").pop().unwrap();
    let mut config = shop.raw.prepared();
    config.max_messages_per_subject = 1;
    shop.raw.change(config);
    let left = shop.raw.topic("order.again");
    assert_eq!((left.len(), left[0].number), (1, last.number));
    let (code, states) = found(&shop, &job, &ids);
    assert_eq!(code, Some(4));
    assert_eq!(states, texts(&["unknown", "once"]));
}
