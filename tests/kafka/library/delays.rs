//! What is for later on Kafka: it fires once, whoever comes and goes, and at no other time than it was given last.

use std::{
    collections::HashMap,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use protoflow::{
    event::{Message, Topic},
    transport::{Outgoing, Schedule, ScheduleId, Transport},
};
use test_support::kafka::{
    Broker, Raw,
    records::{Record, Stored},
};
use tokio::task::JoinHandle;

use super::connect::Connect as _;

/// How long anything may take that is waited for.
const TIMEOUT: Duration = Duration::from_mins(2);

/// A part of the shared broker that nobody else uses.
struct Shop {
    parameters: String,
    prefix: String,
    raw: Raw,
    transport: Arc<dyn Transport>,
    topic: Topic,
}

impl Shop {
    async fn new(partitions: u32) -> Self {
        let broker = Broker::shared();
        let prefix = format!("later{:x}.", fastrand::u64(..));
        let parameters = format!("partitions={partitions}&prefix={prefix}");
        let transport = broker.connect(&parameters, true).await.unwrap();
        let topic: Topic = "order".parse().unwrap();
        transport.create(&topic).await.unwrap();
        Self {
            transport,
            raw: Raw::new(broker.address()),
            parameters,
            prefix,
            topic,
        }
    }

    /// Starts to fire, over a connection of its own.
    async fn fire(&self) -> Firing {
        let broker = Broker::shared();
        let transport = broker.connect(&self.parameters, false).await.unwrap();
        let run = async move { transport.schedules().run().await.unwrap() };
        Firing(tokio::spawn(run))
    }

    fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Publishes texts for later; the text is the key too.
    async fn publish(&self, texts: &[(String, SystemTime)]) -> Vec<ScheduleId> {
        let outgoing = |(text, due): &(String, SystemTime)| Outgoing {
            message: Message {
                key: Some(text.clone().into()),
                ..Message::new(self.topic.clone(), text.clone())
            },
            due: Some(*due),
            dedup: false,
        };
        let batch = texts.iter().map(outgoing).collect();
        let receipts = self.transport.publish(batch).await.into_iter();
        receipts
            .map(|receipt| receipt.unwrap().schedule.unwrap())
            .collect()
    }

    async fn later(&self, text: &str, delay: Duration) -> ScheduleId {
        let due = SystemTime::now() + delay;
        self.publish(&[(text.to_owned(), due)]).await.remove(0)
    }

    async fn pending(&self) -> Vec<Schedule> {
        let mut scan = self.transport.schedules().scan().await.unwrap();
        let mut all = Vec::new();
        loop {
            let some = scan.next(7).await.unwrap();
            if some.is_empty() {
                return all;
            }
            all.extend(some);
        }
    }

    async fn cancel(&self, id: &ScheduleId) -> bool {
        self.transport.schedules().cancel(id).await.unwrap()
    }

    async fn move_to(&self, id: &ScheduleId, delay: Duration) -> bool {
        let due = SystemTime::now() + delay;
        let schedules = self.transport.schedules();
        schedules.reschedule(id, due).await.unwrap()
    }

    /// Returns what was fired, for readers of what is committed: how often, and when first, by text.
    fn fired(&self) -> HashMap<String, (usize, SystemTime)> {
        let mut fired = HashMap::new();
        for record in self.raw.topic(&self.name("order")) {
            let entry = fired.entry(text(&record)).or_insert((0, time(&record)));
            entry.0 += 1;
        }
        fired
    }

    /// Waits until so many have fired, each once.
    async fn until_fired(&self, count: usize) -> HashMap<String, (usize, SystemTime)> {
        let end = Instant::now() + TIMEOUT;
        loop {
            let fired = self.fired();
            assert!(fired.values().all(|(times, _)| *times == 1), "doubled");
            if fired.len() >= count {
                assert_eq!(fired.len(), count);
                return fired;
            }
            assert!(Instant::now() < end, "{} of {count} fired", fired.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Somebody who fires; dropped, it stops in whatever it is at.
struct Firing(JoinHandle<()>);

impl Drop for Firing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn text(record: &Stored) -> String {
    String::from_utf8(record.payload.clone().unwrap()).unwrap()
}

fn time(record: &Stored) -> SystemTime {
    let millis = u64::try_from(record.time.unwrap()).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
}

fn texts(count: usize, due: impl Fn(usize) -> SystemTime) -> Vec<(String, SystemTime)> {
    (0..count)
        .map(|number| (number.to_string(), due(number)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_mix_of_delays_is_kept() {
    let shop = Shop::new(3).await;
    let firing = shop.fire().await;
    let start = SystemTime::now() + Duration::from_secs(5);
    let near = texts(400, |number| {
        start + Duration::from_millis(number as u64 * 7919 % 3000)
    });
    let days = |number: u64| start + Duration::from_hours(24 * (30 - number));
    let far: Vec<_> = (0..30).map(|n| (format!("far{n}"), days(n))).collect();
    shop.publish(&far).await;
    shop.publish(&near).await;
    let fired = shop.until_fired(near.len()).await;
    let mut lateness = Vec::new();
    for (text, due) in &near {
        let late = fired[text]
            .1
            .duration_since(*due - Duration::from_millis(1));
        lateness.push(late.expect("nothing is early"));
    }
    lateness.sort_unstable();
    println!("late by {:?}, at most {:?}", lateness[200], lateness[399]);
    let pending = shop.pending().await;
    let names: Vec<_> = pending
        .iter()
        .map(|one| String::from_utf8_lossy(one.message.key.as_ref().unwrap()).into_owned())
        .collect();
    let wanted: Vec<_> = (0..30).rev().map(|n| format!("far{n}")).collect();
    assert_eq!(names, wanted, "in order of time");
    drop(firing);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_and_goes_each_fires_once() {
    const COUNT: usize = 4000;
    let shop = Shop::new(4).await;
    let start = SystemTime::now() + Duration::from_secs(5);
    let all = texts(COUNT, |number| {
        start + Duration::from_millis(number as u64 * 4)
    });
    shop.publish(&all).await;
    let mut firing = vec![shop.fire().await];
    for round in 1..=5 {
        let reached = |fired: usize| fired >= COUNT * round / 6;
        while !reached(shop.fired().len()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // One that is new takes a share; then the older one stops in whatever it is at.
        firing.push(shop.fire().await);
        if round % 2 == 0 {
            firing.remove(0);
        }
    }
    let fired = shop.until_fired(COUNT).await;
    assert!(all.iter().all(|(text, _)| fired[text].0 == 1));
    assert_eq!(shop.pending().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_had_fired_is_not_fired_again_by_who_comes_next() {
    let shop = Shop::new(1).await;
    shop.publish(&texts(300, |_| {
        SystemTime::now() + Duration::from_millis(500)
    }))
    .await;
    let first = shop.fire().await;
    shop.until_fired(300).await;
    drop(first);
    shop.later("last", Duration::from_millis(500)).await;
    let _next = shop.fire().await;
    shop.until_fired(301).await;
    assert_eq!(shop.pending().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_who_cancel_one_does() {
    let shop = Shop::new(2).await;
    let far = shop.later("far", Duration::from_hours(1)).await;
    let near = shop.later("near", Duration::from_secs(20)).await;
    for id in [&far, &near] {
        let (a, b) = tokio::join!(shop.cancel(id), shop.cancel(id));
        assert!(a ^ b, "{id}: {a} {b}");
        assert!(!shop.cancel(id).await, "it is gone");
        assert!(!shop.move_to(id, Duration::from_hours(2)).await);
    }
    assert_eq!(shop.pending().await, []);
    assert!(!shop.cancel(&ScheduleId("nothing".to_owned())).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_as_it_fires_does_one_of_both() {
    const ROUNDS: u64 = 10;
    let shop = Shop::new(1).await;
    let _firing = shop.fire().await;
    let mut expected = 0;
    for number in 0..ROUNDS {
        let text = format!("c{number}");
        let id = shop.later(&text, Duration::from_secs(1)).await;
        tokio::time::sleep(Duration::from_millis(140 * number)).await;
        let cancelled = shop.cancel(&id).await;
        shop.later(&format!("after{number}"), Duration::from_millis(500))
            .await;
        expected += 1 + usize::from(!cancelled);
        let fired = shop.until_fired(expected).await;
        assert_eq!(fired.contains_key(&text), !cancelled, "{text}");
    }
    let kept = expected - usize::try_from(ROUNDS).unwrap();
    println!("{kept} of {ROUNDS} had fired");
    assert!((1..10).contains(&kept), "the rounds hit both");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_moved_as_it_fires_fires_once() {
    const ROUNDS: u64 = 8;
    let shop = Shop::new(1).await;
    let _firing = shop.fire().await;
    let mut moved = Vec::new();
    for number in 0..ROUNDS {
        let text = format!("m{number}");
        let id = shop.later(&text, Duration::from_secs(1)).await;
        tokio::time::sleep(Duration::from_millis(250 * number)).await;
        let due = SystemTime::now() + Duration::from_secs(4);
        let schedules = shop.transport.schedules();
        if schedules.reschedule(&id, due).await.unwrap() {
            moved.push((text, due));
        }
    }
    let far = shop.later("far", Duration::from_hours(9)).await;
    assert!(shop.move_to(&far, Duration::from_secs(1)).await);
    let fired = shop.until_fired(9).await;
    for (text, due) in &moved {
        assert!(fired[text].1 + Duration::from_millis(1) >= *due, "{text}");
    }
    assert_eq!(shop.pending().await, []);
    println!("{} of {ROUNDS} were moved", moved.len());
    assert!((1..8).contains(&moved.len()), "the rounds hit both");
}

/// Returns what waits for a topic as it is stored: whoever published it found the topic otherwise.
fn waiting(topic: &str, payload: Vec<u8>) -> Record {
    let story = format!(r#"{{"due":1,"topic":"{topic}"}}"#);
    Record {
        partition: Some(0),
        key: Some(format!("to-{topic}").into_bytes()),
        headers: vec![("pf-waiting".to_owned(), Some(story.into_bytes()))],
        payload: Some(payload),
    }
}

/// Makes a topic from where no runtime is.
fn make(shop: &Shop, topic: &str, settings: &'static [(&str, &str)]) {
    let (raw, name) = (Raw::new(Broker::shared().address()), shop.name(topic));
    thread::spawn(move || raw.make(&name, 1, settings))
        .join()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_delivered_holds_up_nothing() {
    let shop = Shop::new(1).await;
    make(&shop, "small", &[("max.message.bytes", "2000")]);
    shop.later("first", Duration::from_secs(1)).await;
    let stuck = [
        waiting("nowhere", b"found".to_vec()),
        waiting("small", vec![b'x'; 5000]),
    ];
    shop.raw.write(&shop.name("pf.delay"), &stuck);
    shop.publish(&texts(200, |_| SystemTime::now() + Duration::from_secs(1)))
        .await;
    let _firing = shop.fire().await;
    let end = Instant::now() + TIMEOUT;
    while shop.fired().len() < 201 {
        assert!(Instant::now() < end, "it is held up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(shop.pending().await.len(), 2);
    make(&shop, "nowhere", &[]);
    while shop.raw.topic(&shop.name("nowhere")).is_empty() {
        assert!(Instant::now() < end, "its topic is there now");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(text(&shop.raw.topic(&shop.name("nowhere"))[0]), "found");
    let left = shop.pending().await;
    assert_eq!(left.len(), 1);
    assert!(shop.cancel(&left[0].id).await, "it can still be called off");
    assert_eq!(shop.pending().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_nulls_and_headers_survive_the_wait() {
    let shop = Shop::new(1).await;
    let _firing = shop.fire().await;
    let mut message = Message::new(shop.topic.clone(), "");
    message.payload = None;
    message.key = Some(vec![0xff, 0].into());
    message.headers.push("a", Some("1".into()));
    message.headers.push("b", None);
    message.headers.push("a", Some("".into()));
    let outgoing = Outgoing {
        message,
        due: Some(SystemTime::now() + Duration::from_secs(1)),
        dedup: false,
    };
    let receipt = shop.transport.publish(vec![outgoing]).await.remove(0);
    assert!(receipt.unwrap().schedule.is_some());
    let end = Instant::now() + TIMEOUT;
    let found = loop {
        let found = shop.raw.topic(&shop.name("order"));
        if let [found] = &found[..] {
            break found.clone();
        }
        assert!(Instant::now() < end);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(found.key, Some(vec![0xff, 0]));
    assert_eq!(found.payload, None);
    let header = |name: &str, value: Option<&str>| {
        (
            name.to_owned(),
            value.map(|value| value.as_bytes().to_vec()),
        )
    };
    let headers = [
        header("a", Some("1")),
        header("b", None),
        header("a", Some("")),
    ];
    assert_eq!(found.headers, headers);
}
