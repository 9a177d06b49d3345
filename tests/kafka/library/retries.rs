//! What a group tries again on Kafka.

use std::{sync::Arc, time::Duration};

use protoflow::{
    event::{Message, Topic},
    transport::{
        Failure, Fingerprint, Outgoing, Settlement, SubscribeRequest, Subscription, Transport,
        Verdict,
    },
};
use test_support::kafka::Broker;
use tokio::time::timeout;

use super::connect::Connect as _;

/// More than a member is handed out while a retry is written down and read, and less than what it fetches ahead.
const MESSAGES: usize = 30_000;

/// How long the next messages may take.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Messages that fail.
const FAILING: usize = 200;

/// A topic of many messages.
async fn long_topic() -> Arc<dyn Transport> {
    let parameters = format!("prefix=retries{:x}.", fastrand::u64(..));
    let transport = Broker::shared().connect(&parameters, true).await.unwrap();
    let topic: Topic = "order".parse().unwrap();
    transport.create(&topic).await.unwrap();
    let outgoing = |number: usize| Outgoing {
        message: Message::new(topic.clone(), number.to_string()),
        due: None,
        dedup: false,
    };
    let stored = transport.publish((0..MESSAGES).map(outgoing).collect());
    assert!(stored.await.iter().all(Result::is_ok));
    transport
}

async fn join(transport: &dyn Transport) -> Arc<dyn Subscription> {
    let patterns = vec!["order".parse().unwrap()];
    let request = SubscribeRequest::new("shop".parse().unwrap(), patterns);
    transport.subscribe(request).await.unwrap()
}

/// Takes some messages as a handler that takes its time, and lets so many of those that are new fail.
async fn handle(group: &dyn Subscription, fail: usize) -> Handled {
    let deliveries = timeout(TIMEOUT, group.next(10)).await.unwrap().unwrap();
    let mut handled = Handled::default();
    let mut settlements = Vec::new();
    for delivery in deliveries {
        let is_retry = delivery.attempts.failed > 0;
        handled.retries += usize::from(is_retry);
        handled.new += usize::from(!is_retry);
        let fails = !is_retry && handled.failed < fail;
        handled.failed += usize::from(fails);
        let verdict = if fails { retry() } else { Verdict::Ack };
        settlements.push(Settlement { delivery, verdict });
    }
    let settled = group.settle(settlements).await;
    assert!(settled.iter().all(Result::is_ok));
    tokio::time::sleep(Duration::from_millis(2)).await;
    handled
}

#[derive(Default)]
struct Handled {
    new: usize,
    retries: usize,
    failed: usize,
}

fn retry() -> Verdict {
    Verdict::Retry {
        after: Duration::from_secs(1),
        failure: Box::new(Failure {
            class: "refused".into(),
            message: "not yet".into(),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:abc".to_owned()),
        }),
    }
}

/// Handles messages until so many retries came; returns how many others came before.
async fn others_before(group: &dyn Subscription, retries: usize) -> usize {
    let (mut seen, mut others) = (0, 0);
    while seen < retries {
        let handled = handle(group, 0).await;
        seen += handled.retries;
        others += handled.new;
    }
    others
}

#[tokio::test]
async fn a_retry_does_not_wait_until_a_long_topic_is_done() {
    let transport = long_topic().await;
    let group = join(&*transport).await;
    while handle(&*group, 1).await.failed == 0 {}
    let others = others_before(&*group, 1).await;
    assert!(others < MESSAGES / 2, "it came after {others} others");
    group.close().await.unwrap();
}

#[tokio::test]
async fn nor_do_those_that_an_earlier_member_left() {
    let transport = long_topic().await;
    let group = join(&*transport).await;
    let mut failed = 0;
    while failed < FAILING {
        failed += handle(&*group, FAILING - failed).await.failed;
    }
    group.close().await.unwrap();
    let group = join(&*transport).await;
    // Some came to the first member before it left.
    let others = others_before(&*group, FAILING / 2).await;
    assert!(others < MESSAGES / 2, "they came after {others} others");
    group.close().await.unwrap();
}
