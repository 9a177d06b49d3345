//! A duplicate of an event is not stored where that is asked for, and is reported as a duplicate.

use std::time::SystemTime;

use crate::event::{Message, Topic};
use crate::transport::conformance::harness::{
    Harness,
    message::{message, messages},
    refusals,
};
use crate::transport::{ErrorKind, Outgoing, Receipt, Result, Transport};

/// The second of two equal events is not stored, in a batch of its own or in that of the first; its receipt says so.
pub(crate) async fn stores_an_event_once(harness: &Harness) {
    if refusals::dedup(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let (first, second) = (event(&topic, "1", "/a"), event(&topic, "2", "/a"));
    let all = once(harness, vec![first.clone()]).await;
    assert_eq!(duplicates(&all), [false]);
    let position = all.into_iter().next().and_then(|receipt| receipt.position);
    let more = once(harness, vec![first, second.clone(), second]).await;
    assert_eq!(duplicates(&more), [true, false, true]);
    if let (Some(position), Some(again)) = (position, more[0].position.clone()) {
        assert_eq!(again, position, "a duplicate stands where the first does");
    }
    assert_eq!(harness.read(&topic).await.len(), 2);
}

/// Events that differ in topic, source or id are no duplicates, nor is what is published without asking.
pub(crate) async fn tells_events_apart(harness: &Harness) {
    if refusals::dedup(harness).await {
        return;
    }
    let (a, b) = (harness.topic("a").await, harness.topic("b").await);
    let same = event(&a, "1", "/a");
    let others = vec![
        same.clone(),
        event(&a, "2", "/a"),
        event(&a, "1", "/b"),
        event(&b, "1", "/a"),
    ];
    let receipts = once(harness, others).await;
    assert_eq!(duplicates(&receipts), [false; 4]);
    let receipts = harness.publish([same]).await;
    assert_eq!(duplicates(&receipts), [false]);
    assert_eq!(harness.read(&a).await.len(), 4);
    assert_eq!(harness.read(&b).await.len(), 1);
}

/// A duplicate is recognised after the store was closed and reopened.
pub(crate) async fn survives_reopening(harness: &Harness) {
    if refusals::dedup(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let event = event(&topic, "1", "/a");
    once(harness, vec![event.clone()]).await;
    harness.transport.close().await.expect("the store closes");
    let again = harness.again().await;
    let receipts = publish(&*again, vec![asked(event)]).await;
    assert!(receipts[0].as_ref().expect("it is confirmed").duplicate);
}

/// An event that was delayed is known from then on, delayed or not.
pub(crate) async fn covers_delays(harness: &Harness) {
    if refusals::dedup(harness).await || refusals::delay(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let event = event(&topic, "1", "/a");
    let later = Outgoing {
        due: Some(SystemTime::now() + harness.delay()),
        ..asked(event.clone())
    };
    let first = publish(&*harness.transport, vec![later.clone()]).await;
    let first = first[0].as_ref().expect("it is scheduled");
    assert!(first.schedule.is_some() && !first.duplicate);
    let again = publish(&*harness.transport, vec![later, asked(event)]).await;
    for receipt in &again {
        let receipt = receipt.as_ref().expect("it is confirmed");
        assert!(receipt.duplicate && receipt.schedule.is_none());
    }
    let member = harness.join("g", &topic).await;
    member.ack(member.one().await).await;
    member.close().await;
    assert_eq!(harness.read(&topic).await.len(), 1);
}

/// A message that is not an event has no id: it is refused, and what is around it is stored.
pub(crate) async fn refuses_what_is_no_event(harness: &Harness) {
    if refusals::dedup(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let batch = vec![
        asked(message(&topic, "text")),
        asked(event(&topic, "1", "/a")),
    ];
    let results = publish(&*harness.transport, batch).await;
    let refused = results[0].as_ref().expect_err("it is refused");
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert!(results[1].is_ok());
    harness.publish(messages(&topic, &["text"])).await;
    assert_eq!(harness.read(&topic).await.len(), 2);
}

fn event(topic: &Topic, id: &str, source: &str) -> Message {
    let payload = format!(
        r#"{{"specversion":"1.0","id":"{id}","type":"order.created","source":"{source}","data":1}}"#
    );
    message(topic, &payload)
}

fn asked(message: Message) -> Outgoing {
    Outgoing {
        dedup: true,
        ..Outgoing::from(message)
    }
}

async fn publish(transport: &dyn Transport, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
    let count = batch.len();
    let results = transport.publish(batch).await;
    assert_eq!(results.len(), count, "one result per message");
    results
}

async fn once(harness: &Harness, batch: Vec<Message>) -> Vec<Receipt> {
    let batch = batch.into_iter().map(asked).collect();
    let results = publish(&*harness.transport, batch).await.into_iter();
    results
        .map(|result| result.expect("it is confirmed"))
        .collect()
}

fn duplicates(receipts: &[Receipt]) -> Vec<bool> {
    receipts.iter().map(|receipt| receipt.duplicate).collect()
}
