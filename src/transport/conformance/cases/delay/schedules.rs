//! Schedules can be listed, found, cancelled and moved to another time.

use std::time::{Duration, SystemTime};

use crate::transport::conformance::harness::{
    Harness,
    message::{event, message, messages, text},
    refusals,
};
use crate::{
    event::{Message, Topic},
    transport::{FIND_LIMIT, Outgoing, Schedule, ScheduleId},
};

async fn schedule(harness: &Harness, message: Message, due: SystemTime) -> ScheduleId {
    let receipt = harness.publish_at(message, due).await;
    let receipt = receipt.expect("a delay is accepted");
    receipt.schedule.expect("it has a name")
}

async fn pending(harness: &Harness, topic: &Topic) -> Vec<Schedule> {
    let mut scan = harness
        .transport
        .schedules()
        .scan()
        .await
        .expect("schedules can be read");
    let mut all = Vec::new();
    loop {
        let some = scan.next(2).await.expect("schedules can be read");
        if some.is_empty() {
            return all;
        }
        all.extend(some.into_iter().filter(|one| one.message.topic == *topic));
    }
}

async fn found(harness: &Harness, prefix: &str) -> Vec<Schedule> {
    let found = harness.transport.schedules().find(prefix).await;
    found.expect("schedules can be found")
}

fn in_an_hour() -> SystemTime {
    SystemTime::now() + Duration::from_hours(1)
}

/// They are listed with time and message, and found by their id or its beginning.
pub(crate) async fn are_listed_and_found(harness: &Harness) {
    if refusals::schedules(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let due = in_an_hour();
    let first = schedule(harness, event(&topic), due).await;
    let second = schedule(harness, message(&topic, "2"), due + Duration::from_mins(1)).await;
    let listed = pending(harness, &topic).await;
    let ids: Vec<_> = listed.iter().map(|schedule| &schedule.id).collect();
    assert_eq!(ids, [&first, &second]);
    harness.assert_same(&[listed[0].message.clone()], &[event(&topic)]);
    let apart = listed[0].due.duration_since(due).unwrap_or_default();
    assert!(apart < Duration::from_secs(1) && listed[0].due + Duration::from_secs(1) > due);
    assert_eq!(found(harness, &first.0).await.len(), 1);
    let prefix = &first.0[..first.0.len() - 1];
    let by_prefix = found(harness, prefix).await;
    assert!(by_prefix.iter().any(|schedule| schedule.id == first));
    assert_eq!(found(harness, "no-such-name").await, []);
}

/// If many ids have the same beginning, the first ones in order of time are found.
pub(crate) async fn are_found_in_order_of_time(harness: &Harness) {
    if refusals::schedules(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let start = in_an_hour();
    let count = FIND_LIMIT + 5;
    let batch = (0..count).rev().map(|number| Outgoing {
        message: message(&topic, &number.to_string()),
        due: Some(start + Duration::from_secs(number as u64)),
        dedup: false,
    });
    let results = harness.transport.publish(batch.collect()).await;
    let ids: Vec<String> = results
        .into_iter()
        .map(|result| result.expect("stored").schedule.expect("it has a name").0)
        .collect();
    let found = found(harness, common_prefix(&ids)).await;
    assert_eq!(found.len(), FIND_LIMIT, "the first ones, and no more");
    assert!(found.is_sorted_by_key(|schedule| schedule.due));
    let own: Vec<String> = found
        .iter()
        .filter(|schedule| schedule.message.topic == topic)
        .map(|schedule| text(&schedule.message))
        .collect();
    let first: Vec<String> = (0..own.len()).map(|number| number.to_string()).collect();
    assert_eq!(own, first, "those of an earlier time come first");
}

fn common_prefix(ids: &[String]) -> &str {
    let (first, others) = ids.split_first().expect("there are some");
    let is_common = |end: &usize| others.iter().all(|id| id.starts_with(&first[..*end]));
    let end = (0..=first.len()).rev().find(is_common);
    &first[..end.unwrap_or(0)]
}

/// A cancelled one is never delivered.
pub(crate) async fn are_cancelled(harness: &Harness) {
    if refusals::schedules(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let due = SystemTime::now() + harness.delay() * 2;
    let first = schedule(harness, message(&topic, "cancelled"), due).await;
    schedule(
        harness,
        message(&topic, "kept"),
        due + Duration::from_millis(50),
    )
    .await;
    let schedules = harness.transport.schedules();
    assert!(schedules.cancel(&first).await.expect("it can be cancelled"));
    assert!(
        !schedules.cancel(&first).await.expect("once"),
        "it was there twice"
    );
    assert_eq!(pending(harness, &topic).await.len(), 1);
    let member = harness.join("g", &topic).await;
    assert_eq!(text(&member.one().await.stored.message), "kept");
    assert_eq!(harness.texts(&topic).await, ["kept"]);
}

/// A rescheduled one is delivered at the new time, once.
pub(crate) async fn are_rescheduled(harness: &Harness) {
    if refusals::schedules(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let id = schedule(harness, message(&topic, "1"), in_an_hour()).await;
    let schedules = harness.transport.schedules();
    let due = SystemTime::now() + harness.delay();
    assert!(
        schedules
            .reschedule(&id, due)
            .await
            .expect("it can be rescheduled")
    );
    let member = harness.join("g", &topic).await;
    assert_eq!(text(&member.one().await.stored.message), "1");
    assert!(SystemTime::now() >= due, "it was early");
    assert_eq!(pending(harness, &topic).await, []);
    assert_eq!(harness.texts(&topic).await, ["1"]);
}

/// A delivered one is not a schedule any more.
pub(crate) async fn do_not_outlive_their_time(harness: &Harness) {
    if refusals::schedules(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let due = SystemTime::now() + harness.delay();
    let id = schedule(harness, message(&topic, "1"), due).await;
    let member = harness.join("g", &topic).await;
    member.ack(member.one().await).await;
    let schedules = harness.transport.schedules();
    assert!(
        !schedules.cancel(&id).await.expect("answers"),
        "it had fired"
    );
    let moved = schedules.reschedule(&id, in_an_hour()).await;
    assert!(!moved.expect("answers"), "it had fired");
    assert_eq!(pending(harness, &topic).await, []);
    harness.publish(messages(&topic, &["2"])).await;
    assert_eq!(text(&member.one().await.stored.message), "2");
}
