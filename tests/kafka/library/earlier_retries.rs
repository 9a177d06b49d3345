//! Retries that earlier versions kept for all topics of a group in one topic: they are moved to a topic for each, and
//! handed out to nobody else.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protoflow::transport::{ErrorKind, SubscribeRequest, Verdict};
use serde_json::json;
use test_support::kafka::records::Record;

use super::shop::{Seen, Shop, settle, take, texts};

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// Returns a retry as earlier versions stored it.
fn old(topic: &str, number: u64, after: Duration) -> Record {
    let position = format!("{topic}/0/{number}");
    let due = now() + u64::try_from(after.as_millis()).unwrap();
    let story = json!({
        "due": due, "topic": topic, "position": position, "stored": now(), "failed": 2, "first_failed": now(),
    });
    waiting(&position, number, &story)
}

/// Returns a replay as earlier versions stored it.
fn old_replay(topic: &str, number: u64) -> Record {
    let story = json!({ "due": now(), "topic": topic, "stored": now(), "failed": 0 });
    waiting(&format!("replay/{number}"), number, &story)
}

fn waiting(key: &str, number: u64, story: &serde_json::Value) -> Record {
    Record {
        partition: Some(i32::try_from(number % 2).unwrap()),
        key: Some(key.as_bytes().to_vec()),
        headers: vec![
            ("x-own".to_owned(), Some(b"kept".to_vec())),
            (
                "pf-waiting".to_owned(),
                Some(story.to_string().into_bytes()),
            ),
            ("pf-key".to_owned(), Some(number.to_string().into_bytes())),
        ],
        payload: Some(format!("old {number}").into_bytes()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_of_an_earlier_version_are_moved_and_not_handed_out() {
    retries_are_moved(&Shop::new("").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_under_the_newer_protocol_too() {
    retries_are_moved(&Shop::new("&group.protocol=consumer").await).await;
}

async fn retries_are_moved(shop: &Shop) {
    for topic in ["a", "b", "c"] {
        shop.create(topic).await;
    }
    shop.make_legacy("g");
    let mut records: Vec<Record> = (0..20)
        .map(|number| old("a", number, Duration::ZERO))
        .collect();
    records.extend((0..20).map(|number| old("b", number, Duration::ZERO)));
    records.push(old("b", 20, Duration::from_hours(1)));
    records.push(old("c", 0, Duration::ZERO));
    // It had ended before.
    records.push(old("a", 99, Duration::ZERO));
    records.push(Record {
        payload: None,
        headers: Vec::new(),
        ..old("a", 99, Duration::ZERO)
    });
    shop.write_legacy("g", &records);

    let of_b = shop.drain("g", "b").await;
    let expected: Vec<String> = texts_of(0..20);
    assert_eq!(texts(&of_b), expected);
    for one in &of_b {
        assert_eq!((one.failed, &*one.topic), (2, "b"));
        assert!(one.position.starts_with("b/0/"), "{one:?}");
        assert_eq!(one.headers, ["x-own"]);
    }
    // What is due later, and what nobody reads, is moved as well.
    while !shop.aside(|raw| raw.latest(&shop.legacy("g"))).is_empty() {
        let more = shop.drain("g", "b").await;
        assert!(more.is_empty(), "{more:?}");
    }
    assert_eq!(shop.waiting("g", "a").len(), 20);
    assert_eq!(shop.waiting("g", "b").len(), 1);
    assert_eq!(shop.waiting("g", "c").len(), 1);
    assert_eq!(texts(&shop.drain("g", "a").await), expected);
    assert_eq!(shop.drain("g", "c").await.len(), 1);
}

fn texts_of(numbers: std::ops::Range<u64>) -> Vec<String> {
    let mut texts: Vec<String> = numbers.map(|number| format!("old {number}")).collect();
    texts.sort();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_an_earlier_version_keeps_its_place_as_its_position() {
    let shop = Shop::new("").await;
    shop.create("a").await;
    shop.make_legacy("g");
    shop.write_legacy("g", &[old_replay("a", 7)]);
    let replays = shop.drain("g", "a").await;
    let positions: Vec<&str> = replays.iter().map(|one| &*one.position).collect();
    assert_eq!(positions, [format!("{}/1/0", shop.legacy("g"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_version_writes_meanwhile_is_moved_too() {
    let shop = Shop::new("").await;
    shop.create("a").await;
    shop.create("b").await;
    let (of_a, of_b) = (shop.join("g", "a").await, shop.join("g", "b").await);
    // Only now does a member of an earlier version join.
    shop.make_legacy("g");
    for round in 0..3 {
        let numbers = round * 4..round * 4 + 4;
        let records = numbers.clone().flat_map(|number| {
            [
                old("a", number, Duration::ZERO),
                old("b", number, Duration::ZERO),
            ]
        });
        shop.write_legacy("g", &records.collect::<Vec<_>>());
        for (member, topic) in [(&of_b, "b"), (&of_a, "a")] {
            let taken = take(&**member, 4).await;
            let seen: Vec<Seen> = taken.iter().map(Seen::of).collect();
            assert_eq!(texts(&seen), texts_of(numbers.clone()));
            for delivery in taken {
                assert_eq!(delivery.stored.message.topic.as_str(), topic);
                settle(&**member, delivery, Verdict::Ack).await;
            }
        }
    }
    for member in [of_a, of_b] {
        member.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_member_keeps_what_is_its_own() {
    let shop = Shop::new("").await;
    shop.create("a").await;
    shop.make_legacy("g");
    shop.write_legacy(
        "g",
        &[old("a", 0, Duration::ZERO), old("a", 1, Duration::ZERO)],
    );
    let earlier = shop.foreign("g", &[], &[&shop.legacy("g")], 2);
    let request = SubscribeRequest {
        until_end: true,
        ..shop.request("g", "a")
    };
    let member = shop.join_as(request).await;
    let mut told = None;
    let mut taken = Vec::new();
    loop {
        match member.next(9).await {
            Ok(some) if some.is_empty() => break,
            Ok(some) => taken.extend(some),
            Err(warning) => told = Some(warning),
        }
        assert!(taken.is_empty(), "handed out twice: {taken:?}");
    }
    let told = told.unwrap();
    assert_eq!(told.kind(), ErrorKind::Warning);
    assert!(told.to_string().contains("are with rdkafka-"), "{told}");
    member.close().await.unwrap();
    drop(earlier);
    assert_eq!(shop.drain("g", "a").await.len(), 2);
}
