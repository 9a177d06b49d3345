//! Readers that are overtaken by limits and purges, and those that only seem to be.

use std::time::Duration;

use protoflow::{
    event::{Message, Topic},
    transport::{
        ErrorKind, Outgoing, Result, SubscribeRequest, Subscription, Tail, TailFrom, TailRequest,
        Transport, TransportError, Verdict,
    },
};
use serde_json::json;
use test_support::nats::Broker;

use super::connect::Connect as _;

/// Longer than a reader may be away without looking at what it missed.
const AWAY: Duration = Duration::from_millis(1200);

fn topic(name: &str) -> Topic {
    name.parse().expect("a topic")
}

async fn publish(transport: &dyn Transport, name: &str, count: usize) {
    let message = |number: usize| Message::new(topic(name), number.to_string());
    let batch: Vec<Outgoing> = (0..count).map(|number| message(number).into()).collect();
    let results = transport.publish(batch).await;
    assert!(results.iter().all(Result::is_ok), "all are stored");
}

fn stream(broker: &Broker, limit: i64) {
    let config = json!({"name": "PROTOFLOW", "subjects": ["PROTOFLOW.>"], "retention": "limits",
        "storage": "file", "discard": "old", "max_msgs": limit, "num_replicas": 1});
    broker.ask("$JS.API.STREAM.CREATE.PROTOFLOW", &config);
}

fn purge(broker: &Broker) {
    broker.ask("$JS.API.STREAM.PURGE.PROTOFLOW", &json!({}));
}

/// Reads a tail until it has something to say, or to its end; returns how many came.
async fn read(tail: &mut dyn Tail) -> (usize, Option<TransportError>) {
    let mut count = 0;
    loop {
        match tail.next(100).await {
            Ok(some) if some.is_empty() => return (count, None),
            Ok(some) => count += some.len(),
            Err(failed) => return (count, Some(failed)),
        }
    }
}

fn number(told: &TransportError) -> usize {
    let text = told.to_string();
    let behind = text.split_once("removed ").expect("a number").1;
    behind
        .split(' ')
        .next()
        .expect("a number")
        .parse()
        .expect("a number")
}

fn request(patterns: &[&str]) -> SubscribeRequest {
    let patterns = patterns.iter().map(|one| one.parse().expect("a pattern"));
    SubscribeRequest {
        lease: Duration::from_secs(30),
        ..SubscribeRequest::new("billing".parse().expect("a group"), patterns.collect())
    }
}

async fn acknowledge(member: &dyn Subscription, max: usize) -> usize {
    let taken = member.next(max).await.expect("nothing is missing");
    let count = taken.len();
    let batch = taken.into_iter().map(|one| one.conclude(Verdict::Ack));
    let settled = member.settle(batch.collect()).await;
    assert!(settled.iter().all(Result::is_ok));
    count
}

#[tokio::test]
async fn a_tail_that_is_overtaken_is_told_how_much_it_missed() {
    const COUNT: usize = 1000;
    for until_end in [false, true] {
        let broker = Broker::start();
        stream(&broker, -1);
        let transport = broker.connect("", false).await.expect("it opens");
        publish(&*transport, "a", COUNT).await;
        let request = TailRequest {
            patterns: vec!["**".parse().expect("a pattern")],
            from: TailFrom::Earliest,
            until_end,
        };
        let mut tail = transport.tail(request).await.expect("it opens");
        let first = tail.next(1).await.expect("it reads").len();
        purge(&broker);
        publish(&*transport, "a", 1).await;
        tokio::time::sleep(AWAY).await;
        let (before, told) = read(&mut *tail).await;
        let told = told.expect("some are gone");
        assert_eq!(told.kind(), ErrorKind::Gap, "{told}");
        let lost = number(&told);
        let mut after = 0;
        let mut place = String::new();
        while place != (COUNT + 1).to_string() {
            let some = tail.next(100).await.expect("it was reported");
            let Some(newest) = some.last() else { break };
            place = newest.position.to_string();
            after += some.len();
        }
        let all = first + before + after + lost;
        assert!(
            (COUNT - 1..=COUNT + 1).contains(&all),
            "{first} {before} {after} {lost}"
        );
        assert!(lost > COUNT / 2, "{lost}");
    }
}

#[tokio::test]
async fn a_tail_of_little_in_a_busy_stream_misses_nothing() {
    let broker = Broker::start();
    stream(&broker, 10);
    let transport = broker.connect("", false).await.expect("it opens");
    publish(&*transport, "rare", 1).await;
    let request = TailRequest {
        patterns: vec![topic("rare").into()],
        from: TailFrom::Earliest,
        until_end: false,
    };
    let mut tail = transport.tail(request).await.expect("it opens");
    for _ in 0..3 {
        assert_eq!(tail.next(10).await.expect("it reads").len(), 1);
        let (next, ()) = tokio::join!(tail.next(10), async {
            publish(&*transport, "often", 100).await;
            publish(&*transport, "rare", 1).await;
        });
        assert_eq!(next.expect("nothing is missing").len(), 1);
        publish(&*transport, "rare", 1).await;
    }
}

#[tokio::test]
async fn what_others_of_a_group_read_is_not_missing() {
    let broker = Broker::start();
    stream(&broker, 20);
    let transport = broker.connect("", false).await.expect("it opens");
    publish(&*transport, "a", 1).await;
    let slow = transport
        .subscribe(request(&["a"]))
        .await
        .expect("it joins");
    let held = slow.next(1).await.expect("it reads").remove(0);
    let quick = transport
        .subscribe(request(&["a"]))
        .await
        .expect("it joins");
    for _ in 0..20 {
        publish(&*transport, "a", 10).await;
        let mut read = 0;
        while read < 10 {
            read += acknowledge(&*quick, 10 - read).await;
        }
    }
    quick.close().await.expect("nothing is missing");
    tokio::time::sleep(AWAY).await;
    publish(&*transport, "a", 1).await;
    let settled = slow.settle(vec![held.conclude(Verdict::Ack)]).await;
    assert!(settled.iter().all(Result::is_ok));
    assert_eq!(acknowledge(&*slow, 10).await, 1);
    slow.close().await.expect("nothing is missing");
}

#[tokio::test]
async fn a_member_that_is_overtaken_is_told_when_it_asks_again() {
    let broker = Broker::start();
    stream(&broker, 5);
    let transport = broker.connect("", false).await.expect("it opens");
    publish(&*transport, "a", 1).await;
    let member = transport
        .subscribe(request(&["**"]))
        .await
        .expect("it joins");
    assert_eq!(acknowledge(&*member, 1).await, 1);
    publish(&*transport, "a", 30).await;
    tokio::time::sleep(AWAY).await;
    let told = member.next(10).await.expect_err("some are gone");
    assert_eq!((told.kind(), number(&told)), (ErrorKind::Gap, 25), "{told}");
    let mut read = 0;
    while read < 5 {
        read += acknowledge(&*member, 10).await;
    }
    member.close().await.expect("it was reported");
}
