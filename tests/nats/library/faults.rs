//! A server that is killed and started again while it is worked with: nothing is lost, and little comes twice.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use protoflow::{
    event::{Message, Topic},
    transport::{
        DeadLetterKind, Delivery, Failure, JobAction, Outgoing, Receipt, Resolution, Result,
        Selection, SubscribeRequest, Subscription, TailFrom, TailRequest, Transport, Verdict,
    },
};
use test_support::nats::Broker;

use super::connect::Connect as _;

/// How soon the server writes an acknowledgement to its disk; one that it confirmed and had not written is lost when
/// it is killed.
const WRITTEN_WITHIN: Duration = Duration::from_millis(500);

fn topic() -> Topic {
    "order.created".parse().expect("a topic")
}

fn batch(numbers: std::ops::Range<usize>) -> Vec<Outgoing> {
    let message = |number: usize| Message::new(topic(), number.to_string());
    numbers.map(|number| message(number).into()).collect()
}

fn number(message: &Message) -> usize {
    let text = std::str::from_utf8(message.bytes()).expect("text");
    text.parse().expect("a number")
}

fn request() -> SubscribeRequest {
    SubscribeRequest {
        lease: Duration::from_secs(3),
        ..SubscribeRequest::new("billing".parse().expect("a group"), vec![topic().into()])
    }
}

/// Counts how often each number is stored.
async fn stored(transport: &dyn Transport) -> HashMap<usize, usize> {
    let request = TailRequest {
        patterns: vec![topic().into()],
        from: TailFrom::Earliest,
        until_end: true,
    };
    let mut tail = transport.tail(request).await.expect("a tail opens");
    let mut found = HashMap::new();
    loop {
        let some = tail.next(1000).await.expect("a tail reads");
        if some.is_empty() {
            return found;
        }
        for one in some {
            *found.entry(number(&one.message)).or_default() += 1;
        }
    }
}

async fn publish(transport: &Arc<dyn Transport>, count: usize) {
    let results = transport.publish(batch(0..count)).await;
    assert!(results.iter().all(Result::is_ok), "all are stored");
}

async fn restart(broker: &Broker, pause: Duration) {
    broker.kill();
    tokio::time::sleep(pause).await;
    broker.restart();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_rides_out_a_restart() {
    const COUNT: usize = 20_000;
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    let work = async {
        let mut results: Vec<Result<Receipt>> = Vec::new();
        for start in (0..COUNT).step_by(1000) {
            results.extend(transport.publish(batch(start..start + 1000)).await);
        }
        results
    };
    let (results, ()) = tokio::join!(work, async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        restart(&broker, Duration::from_millis(700)).await;
    });
    assert_eq!(results.len(), COUNT);
    let failed: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().err())
        .collect();
    assert!(
        failed.is_empty(),
        "{} failed: {:?}",
        failed.len(),
        failed[0]
    );
    let found = stored(&*transport).await;
    assert_eq!(found.len(), COUNT, "lost: {}", COUNT - found.len());
    assert!(found.values().all(|count| *count == 1), "some are doubled");
}

async fn acknowledge(subscription: &dyn Subscription, taken: Vec<Delivery>) {
    let batch = taken.into_iter().map(|one| one.conclude(Verdict::Ack));
    subscription.settle(batch.collect()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_rides_out_a_restart() {
    const COUNT: usize = 20_000;
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&transport, COUNT).await;
    let subscription = transport.subscribe(request()).await.expect("it joins");
    let mut handled: HashMap<usize, usize> = HashMap::new();
    let mut recent = Vec::new();
    let (mut restarted, mut at_risk) = (false, 0);
    while handled.len() < COUNT {
        let taken = subscription.next(500).await.expect("it goes on");
        for one in &taken {
            *handled.entry(number(&one.stored.message)).or_default() += 1;
            assert_eq!(one.attempts.failed, 0, "nothing failed");
        }
        recent.push((Instant::now(), taken.len()));
        acknowledge(&*subscription, taken).await;
        if !restarted && handled.len() > COUNT / 3 {
            restarted = true;
            recent.retain(|(time, _)| time.elapsed() < WRITTEN_WITHIN);
            restart(&broker, Duration::from_millis(500)).await;
            at_risk = recent.iter().map(|(_, count)| count).sum();
        }
    }
    subscription.close().await.expect("it closes");
    let rest = SubscribeRequest {
        until_end: true,
        ..request()
    };
    let rest = transport.subscribe(rest).await.expect("it joins");
    loop {
        let taken = rest.next(500).await.expect("it ends");
        if taken.is_empty() {
            break;
        }
        for one in &taken {
            *handled.entry(number(&one.stored.message)).or_default() += 1;
        }
        acknowledge(&*rest, taken).await;
    }
    assert_eq!(handled.len(), COUNT, "nothing is lost");
    let doubled = handled.values().filter(|count| **count > 1).count();
    let most = at_risk + 1000;
    assert!(doubled <= most, "{doubled} came twice, more than {most}");
}

#[tokio::test]
async fn a_tail_neither_repeats_nor_skips_over_a_restart() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&transport, 10).await;
    let request = TailRequest {
        patterns: vec![topic().into()],
        from: TailFrom::Now,
        until_end: false,
    };
    let mut tail = transport.tail(request).await.expect("a tail opens");
    restart(&broker, Duration::from_millis(300)).await;
    let results = transport.publish(batch(10..12)).await;
    assert!(results.iter().all(Result::is_ok));
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let some = tail.next(10).await.expect("a tail reads");
        seen.extend(some.iter().map(|one| number(&one.message)));
    }
    assert_eq!(seen, [10, 11]);
}

#[tokio::test]
async fn a_schedule_and_a_retry_survive_a_restart() {
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&transport, 1).await;
    let subscription = transport.subscribe(request()).await.expect("it joins");
    let taken = subscription.next(1).await.expect("it reads").remove(0);
    let due = SystemTime::now() + Duration::from_secs(2);
    let retry = Verdict::Retry {
        after: Duration::from_secs(2),
        failure: Box::new(Failure::crashed(1)),
    };
    let settled = subscription.settle(vec![taken.conclude(retry)]).await;
    assert!(settled.iter().all(Result::is_ok));
    let message = Message::new(topic(), "1");
    let later = Outgoing {
        message,
        due: Some(due),
        dedup: false,
    };
    let accepted = transport.publish(vec![later]).await;
    assert!(accepted.iter().all(Result::is_ok));
    restart(&broker, Duration::from_millis(300)).await;
    let mut seen = HashMap::new();
    while seen.len() < 2 {
        for one in subscription.next(1).await.expect("it goes on") {
            assert!(SystemTime::now() >= due, "it was early");
            seen.insert(number(&one.stored.message), one.attempts.failed);
            acknowledge(&*subscription, vec![one]).await;
        }
    }
    assert_eq!(seen, HashMap::from([(0, 1), (1, 0)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_happens_once_over_a_restart() {
    const COUNT: usize = 2000;
    let broker = Broker::start();
    let transport = broker.connect("", true).await.expect("it opens");
    publish(&transport, COUNT).await;
    let subscription = transport.subscribe(request()).await.expect("it joins");
    let mut buried = 0;
    while buried < COUNT {
        let taken = subscription.next(500).await.expect("it reads");
        buried += taken.len();
        let bury = |one: Delivery| {
            one.conclude(Verdict::DeadLetter {
                kind: DeadLetterKind::Permanent,
                failure: Box::new(Failure::crashed(1)),
            })
        };
        let settled = subscription
            .settle(taken.into_iter().map(bury).collect())
            .await;
        assert!(settled.iter().all(Result::is_ok));
    }
    let letters = transport.dead_letters();
    let job = letters
        .plan(JobAction::Replay { to: None }, "--all")
        .await
        .expect("planned");
    let mut scan = letters.scan(&Selection::default()).await.expect("it scans");
    loop {
        let some = scan.next(500).await.expect("it scans");
        if some.is_empty() {
            break;
        }
        letters.enlist(&job, &some).await.expect("enlisted");
    }
    let lease = letters.lease(&job, "tester").await.expect("leased");
    let mut done = 0;
    let work = async {
        loop {
            let step = letters.advance(&lease, 100, None).await;
            let some = step.expect("it goes on");
            if some.is_empty() {
                return;
            }
            let is_done = |(_, outcome): &&(_, Resolution)| *outcome == Resolution::Done;
            done += some.iter().filter(is_done).count();
        }
    };
    tokio::join!(work, async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        restart(&broker, Duration::from_millis(400)).await;
    });
    letters.release(lease, true).await.expect("ended");
    assert_eq!(done, COUNT);
    let found = stored(&*transport).await;
    assert_eq!(found.len(), COUNT);
    assert!(
        found.values().all(|count| *count == 2),
        "each is there twice: itself and its replay"
    );
    let mut scan = letters.scan(&Selection::default()).await.expect("it scans");
    assert_eq!(scan.next(1).await.expect("it scans"), []);
}
