//! A group name that serves several topics: retries stand in a topic for each, and those that earlier versions kept
//! together in one are moved there, and handed out to nobody else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use protoflow::{
    event::{Message, Pattern, Topic},
    transport::{
        Delivery, ErrorKind, Failure, Fingerprint, Outgoing, SubscribeRequest, Subscription,
        Transport, Verdict,
    },
};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};
use serde_json::json;
use test_support::kafka::{
    Broker, Raw,
    raw::{Record, Stored},
};

use super::connect::Connect as _;

/// How retries are kept: only the last record of a key counts.
pub(crate) const COMPACTED: [(&str, &str); 1] = [("cleanup.policy", "compact")];

/// A part of the shared broker that nobody else uses.
pub(crate) struct Shop {
    prefix: String,
    parameters: String,
    raw: Raw,
    transport: Arc<dyn Transport>,
}

impl Shop {
    pub(crate) async fn new(more: &str) -> Self {
        let broker = Broker::shared();
        let prefix = format!("topics{:x}.", fastrand::u64(..));
        let parameters = format!("partitions=2&prefix={prefix}{more}");
        let transport = broker.connect(&parameters, true).await.unwrap();
        Self {
            prefix,
            parameters,
            raw: Raw::new(broker.address()),
            transport,
        }
    }

    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Groups are not behind the prefix.
    pub(crate) fn group(&self, name: &str) -> String {
        self.name(name)
    }

    pub(crate) async fn create(&self, topic: &str) {
        let topic: Topic = topic.parse().unwrap();
        self.transport.create(&topic).await.unwrap();
    }

    pub(crate) async fn publish(&self, topic: &str, texts: &[&str]) {
        let topic: Topic = topic.parse().unwrap();
        let outgoing = |text: &&str| Outgoing {
            message: Message {
                key: Some((*text).to_owned().into()),
                ..Message::new(topic.clone(), (*text).to_owned())
            },
            due: None,
        };
        let stored = self.transport.publish(texts.iter().map(outgoing).collect());
        assert!(stored.await.iter().all(Result::is_ok));
    }

    pub(crate) fn request(&self, group: &str, pattern: &str) -> SubscribeRequest {
        let pattern: Pattern = pattern.parse().unwrap();
        SubscribeRequest::new(self.group(group).parse().unwrap(), vec![pattern])
    }

    /// Joins over a connection of its own, as another process would.
    pub(crate) async fn join(&self, group: &str, pattern: &str) -> Arc<dyn Subscription> {
        self.join_as(self.request(group, pattern)).await
    }

    pub(crate) async fn join_as(&self, request: SubscribeRequest) -> Arc<dyn Subscription> {
        let broker = Broker::shared();
        let transport = broker.connect(&self.parameters, true).await.unwrap();
        transport.subscribe(request).await.unwrap()
    }

    /// Takes and acknowledges what a group has to do on a topic.
    async fn drain(&self, group: &str, pattern: &str) -> Vec<Seen> {
        let request = SubscribeRequest {
            until_end: true,
            ..self.request(group, pattern)
        };
        let member = self.join_as(request).await;
        let mut all = Vec::new();
        loop {
            let some = member.next(100).await.unwrap();
            if some.is_empty() {
                break;
            }
            for delivery in some {
                all.push(Seen::of(&delivery));
                settle(&*member, delivery, Verdict::Ack).await;
            }
        }
        member.close().await.unwrap();
        all
    }

    /// Does something with a client of its own that blocks.
    pub(crate) fn aside<T: Send>(&self, work: impl FnOnce(&Raw) -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(|| work(&self.raw)).join().unwrap())
    }

    /// Returns the name of the topic in which earlier versions kept retries.
    pub(crate) fn legacy(&self, group: &str) -> String {
        self.name(&format!("pf.{}.delay", self.group(group)))
    }

    fn make_legacy(&self, group: &str) {
        let name = self.legacy(group);
        self.aside(|raw| raw.make(&name, 2, &COMPACTED));
    }

    /// Stores retries as earlier versions did.
    fn write_legacy(&self, group: &str, records: &[Record]) {
        let name = self.legacy(group);
        self.aside(|raw| raw.write(&name, records));
    }

    /// Returns what waits for a group and a topic.
    fn waiting(&self, group: &str, topic: &str) -> Vec<Stored> {
        let start = self.name(&format!("pf.{}.{topic}.", self.group(group)));
        self.aside(|raw| {
            let retries = raw.retries(&start);
            retries.map_or_else(Vec::new, |retries| raw.latest(&retries))
        })
    }
}

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

pub(crate) fn retry(after: Duration) -> Verdict {
    Verdict::Retry {
        after,
        failure: Box::new(Failure {
            class: "refused".into(),
            message: "not yet".into(),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:abc".to_owned()),
        }),
    }
}

pub(crate) async fn settle(member: &dyn Subscription, delivery: Delivery, verdict: Verdict) {
    let settled = member.settle(vec![delivery.conclude(verdict)]).await;
    assert!(settled.iter().all(Result::is_ok), "{settled:?}");
}

async fn take(member: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(member.next(count - taken.len()).await.unwrap());
    }
    taken
}

/// What is known of a delivery that was settled.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    topic: String,
    position: String,
    failed: u32,
    text: String,
    headers: Vec<String>,
}

impl Seen {
    fn of(delivery: &Delivery) -> Self {
        let message = &delivery.stored.message;
        Self {
            topic: message.topic.to_string(),
            position: delivery.stored.position.to_string(),
            failed: delivery.attempts.failed,
            text: String::from_utf8(message.bytes().to_vec()).unwrap(),
            headers: message
                .headers
                .iter()
                .map(|(name, _)| name.to_owned())
                .collect(),
        }
    }
}

fn texts(seen: &[Seen]) -> Vec<String> {
    let mut texts: Vec<String> = seen.iter().map(|one| one.text.clone()).collect();
    texts.sort();
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_read_the_same_stay_apart() {
    let shop = Shop::new("").await;
    let pairs = [("a.b", "c"), ("a", "b.c")];
    for (_, topic) in pairs {
        shop.create(topic).await;
        shop.publish(topic, &[topic]).await;
    }
    let mut members = Vec::new();
    for (group, topic) in pairs {
        let member = shop.join(group, topic).await;
        let delivery = take(&*member, 1).await.remove(0);
        settle(&*member, delivery, retry(Duration::from_millis(500))).await;
        members.push((member, topic));
    }
    for (member, topic) in members.into_iter().rev() {
        let delivery = take(&*member, 1).await.remove(0);
        let seen = Seen::of(&delivery);
        assert_eq!((&*seen.text, seen.failed), (topic, 1));
        settle(&*member, delivery, Verdict::Ack).await;
        member.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_comes_later_has_retries_too() {
    let shop = Shop::new("").await;
    shop.create("in.a").await;
    let member = shop.join("g", "in.*").await;
    shop.create("in.b").await;
    shop.publish("in.b", &["b"]).await;
    for attempt in [1, 2] {
        let delivery = take(&*member, 1).await.remove(0);
        assert_eq!(
            (
                delivery.stored.message.topic.as_str(),
                delivery.attempts.attempt()
            ),
            ("in.b", attempt)
        );
        if attempt == 1 {
            settle(&*member, delivery, retry(Duration::ZERO)).await;
        }
    }
    member.close().await.unwrap();
    let other = shop.drain("g", "in.a").await;
    assert!(other.is_empty(), "{other:?}");
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
    let earlier = Earlier::join(&shop, "g");
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

/// A member that reads the topic of earlier versions, and nothing else here.
struct Earlier(Arc<AtomicBool>, Option<thread::JoinHandle<()>>);

impl Earlier {
    fn join(shop: &Shop, group: &str) -> Self {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", Broker::shared().address())
            .set("group.id", shop.group(group))
            .set("enable.auto.commit", "false")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", "6000");
        let client: BaseConsumer = config.create().unwrap();
        client.subscribe(&[&shop.legacy(group)]).unwrap();
        while client.assignment().unwrap().count() < 2 {
            let _ = client.poll(Duration::from_millis(20));
        }
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let _ = client.poll(Duration::from_millis(20));
            }
        });
        Self(is_over, Some(thread))
    }
}

impl Drop for Earlier {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
        self.1.take().unwrap().join().unwrap();
    }
}
