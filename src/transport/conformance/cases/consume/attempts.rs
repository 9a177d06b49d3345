//! Attempts are honest: only a handler run that failed counts.

use std::time::{Duration, SystemTime};

use crate::transport::conformance::harness::{
    Harness, dead_letters, member::Member, message::messages,
};
use crate::transport::{Attempts, DeadLetterKind, SubscribeRequest, Verdict};

/// A delivery that is given back is not an attempt.
pub(crate) async fn a_return_is_not_counted(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join("g", &topic).await;
    for _ in 0..3 {
        let delivery = member.one().await;
        assert_eq!(delivery.attempts, Attempts::default());
        member.settle(delivery, Verdict::Return).await;
    }
    assert_eq!(member.one().await.attempts, Attempts::default());
}

/// Deliveries in flight when a consumer leaves the group are neither an attempt nor a crash.
pub(crate) async fn leaving_is_not_counted(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    for _ in 0..2 {
        let member = harness.join("g", &topic).await;
        assert_eq!(member.one().await.attempts, Attempts::default());
        member.close().await;
    }
}

/// Deliveries in flight when a consumer crashes are not an attempt; where the store can tell, they are a crash.
pub(crate) async fn a_crash_is_no_failure(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join_briefly("g", &topic).await;
    let held = member.one().await;
    drop(member);
    drop(held);
    let member = harness.join("g", &topic).await;
    let again = member.one().await.attempts;
    assert_eq!(again.failed, 0);
    assert_eq!(again.attempt(), 1);
    assert_eq!(again.first_failed, None);
    if harness.can(|capabilities| &capabilities.crash_count) {
        assert_eq!(again.crashed, 1);
    }
}

/// A run that failed is counted, with its time, also for the next consumer.
pub(crate) async fn a_failed_run_is_counted(harness: &Harness) {
    let topic = harness.topic("a").await;
    let start = SystemTime::now();
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join("g", &topic).await;
    for failed in 0..3 {
        let delivery = member.one().await;
        assert_eq!(delivery.attempts.failed, failed);
        member.retry(delivery, Duration::ZERO).await;
    }
    member.close().await;
    let again = harness.again().await;
    let member = Member::join(&*again, harness.request("g", &topic)).await;
    let attempts = member.one().await.attempts;
    assert_eq!(attempts.attempt(), 4);
    let first = attempts.first_failed.expect("a run failed");
    let tolerance = Duration::from_secs(1);
    assert!(first + tolerance >= start && first <= SystemTime::now() + tolerance);
}

/// The time of the first failure is kept.
pub(crate) async fn the_first_failure_is_kept(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, harness.delay()).await;
    let second = member.one().await;
    let first_failed = second.attempts.first_failed.expect("a run failed");
    member.retry(second, harness.delay()).await;
    let third = member.one().await;
    assert_eq!(third.attempts.first_failed, Some(first_failed));
    member.bury(third, DeadLetterKind::Exhausted).await;
    let letter = dead_letters::read(harness, "g").await.remove(0);
    let kept = letter.record.first_failed;
    let apart = kept.duration_since(first_failed).unwrap_or_default();
    assert!(kept >= first_failed && apart < Duration::from_millis(2));
}

/// The fifth run that crashes the process dead-letters the message, where the store can tell.
pub(crate) async fn the_fifth_crash_makes_a_letter(harness: &Harness) {
    if !harness.can(|capabilities| &capabilities.crash_count) {
        return;
    }
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["poison"])).await;
    for crashed in 0..5 {
        let member = harness.join_briefly("g", &topic).await;
        assert_eq!(member.one().await.attempts.crashed, crashed);
    }
    let request = SubscribeRequest {
        lease: harness.lease(),
        ..harness.request("g", &topic)
    };
    let member = harness.join_as(request).await;
    let letter = tokio::select! {
        letter = first_letter(harness) => letter,
        _ = member.next(1) => panic!("it was delivered a sixth time"),
    };
    assert_eq!(letter.record.kind, DeadLetterKind::Crashed);
    assert_eq!(letter.record.crashes, 5);
    assert_eq!(letter.record.attempts, 0);
}

async fn first_letter(harness: &Harness) -> crate::transport::DeadLetter {
    loop {
        if let Some(letter) = dead_letters::read(harness, "g").await.pop() {
            return letter;
        }
        tokio::time::sleep(harness.lease() / 10).await;
    }
}
