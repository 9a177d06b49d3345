//! What a group tries again on Kafka.

use std::time::Duration;

use protoflow::{
    event::{Message, Topic},
    transport::{Failure, Fingerprint, Outgoing, Settlement, SubscribeRequest, Verdict},
};

use crate::server::Broker;

/// More than a member is handed out while a retry is written down and read, and less than what it fetches ahead.
const MESSAGES: usize = 30_000;

#[tokio::test]
async fn a_retry_does_not_wait_until_a_long_topic_is_done() {
    let parameters = format!("prefix=retries{:x}.", fastrand::u64(..));
    let transport = Broker::shared().connect(&parameters, true).await.unwrap();
    let topic: Topic = "order".parse().unwrap();
    transport.create(&topic).await.unwrap();
    let outgoing = |number: usize| Outgoing {
        message: Message::new(topic.clone(), number.to_string()),
        due: None,
    };
    let stored = transport.publish((0..MESSAGES).map(outgoing).collect());
    assert!(stored.await.iter().all(Result::is_ok));
    let patterns = vec!["order".parse().unwrap()];
    let request = SubscribeRequest::new("shop".parse().unwrap(), patterns);
    let group = transport.subscribe(request).await.unwrap();
    let mut seen = 0;
    loop {
        let deliveries = group.next(10).await.unwrap();
        if deliveries.iter().any(|one| one.attempts.failed > 0) {
            break;
        }
        seen += deliveries.len();
        let settlements = deliveries.into_iter().map(|delivery| Settlement {
            verdict: verdict(&delivery.stored.message),
            delivery,
        });
        let settled = group.settle(settlements.collect()).await;
        assert!(settled.iter().all(Result::is_ok));
        // A handler that takes its time.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(seen < MESSAGES / 2, "it came after {seen} others");
    group.close().await.unwrap();
}

/// The first message fails.
fn verdict(message: &Message) -> Verdict {
    if message.payload.as_deref() != Some(b"0") {
        return Verdict::Ack;
    }
    Verdict::Retry {
        after: Duration::ZERO,
        failure: Failure {
            class: "refused".into(),
            message: "not yet".into(),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:abc".to_owned()),
        },
    }
}
