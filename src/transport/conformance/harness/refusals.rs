//! What a store that lacks an ability must answer: refused as unsupported, and nothing stored.

use std::time::SystemTime;

use super::{
    Harness,
    message::{event, message},
};
use crate::transport::{ErrorKind, JobAction, Outgoing, Result, SubscribeRequest};

fn assert_unsupported<T>(result: Result<T>, what: &str) {
    match result {
        Ok(_) => panic!("{what} is absent and was not refused"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{what}: {error}"),
    }
}

/// Reports that there is no delay, after checking that it is refused.
pub(in crate::transport::conformance) async fn delay(harness: &Harness) -> bool {
    if harness.can(|capabilities| &capabilities.delay) {
        return false;
    }
    let topic = harness.topic("refused").await;
    let due = SystemTime::now() + harness.delay();
    assert_unsupported(harness.publish_at(message(&topic, "x"), due).await, "delay");
    assert_eq!(harness.texts(&topic).await, [""; 0], "nothing was stored");
    true
}

/// Reports that duplicates cannot be recognised, after checking that it is refused to publish as if they could.
pub(in crate::transport::conformance) async fn dedup(harness: &Harness) -> bool {
    if harness.can(|capabilities| &capabilities.dedup) {
        return false;
    }
    let topic = harness.topic("refused").await;
    let outgoing = Outgoing {
        dedup: true,
        ..Outgoing::from(event(&topic))
    };
    let mut results = harness.transport.publish(vec![outgoing]).await;
    assert_eq!(results.len(), 1, "one result per message");
    assert_unsupported(results.remove(0), "dedup");
    assert_eq!(harness.texts(&topic).await, [""; 0], "nothing was stored");
    true
}

/// Reports that handled events are not marked, after checking that it is refused.
pub(in crate::transport::conformance) async fn marks(
    harness: &Harness,
    request: SubscribeRequest,
) -> bool {
    if harness.can(|capabilities| &capabilities.dedup_handling) {
        return false;
    }
    let joined = harness.transport.subscribe(request).await;
    assert_unsupported(joined, "dedup-handling");
    true
}

/// Reports that schedules cannot be looked at, after checking that it is refused.
pub(in crate::transport::conformance) async fn schedules(harness: &Harness) -> bool {
    if delay(harness).await {
        return true;
    }
    if harness.can(|capabilities| &capabilities.schedule) {
        return false;
    }
    let scan = harness.transport.schedules().scan().await;
    assert_unsupported(scan, "schedule");
    true
}

/// Reports that retries do not hold their key, after checking that it is refused.
pub(in crate::transport::conformance) async fn ordered_retry(harness: &Harness) -> bool {
    if harness.can(|capabilities| &capabilities.ordered_retry) {
        return false;
    }
    let topic = harness.topic("refused").await;
    let request = SubscribeRequest {
        ordered: true,
        ..harness.request("refused", &topic)
    };
    let joined = harness.transport.subscribe(request).await;
    assert_unsupported(joined, "ordered-retry");
    true
}

/// Reports that letters cannot be purged, after checking that it is refused.
pub(in crate::transport::conformance) async fn purge(harness: &Harness) -> bool {
    if harness.can(|capabilities| &capabilities.purge) {
        return false;
    }
    let planned = harness
        .transport
        .dead_letters()
        .plan(JobAction::Purge, "")
        .await;
    assert_unsupported(planned, "purge");
    true
}

/// Reports that there are no wildcards, after checking that they are refused.
pub(in crate::transport::conformance) async fn patterns(harness: &Harness) -> bool {
    if harness.can(|capabilities| &capabilities.patterns) {
        return false;
    }
    let topic = harness.topic("refused").await;
    let request = SubscribeRequest {
        patterns: vec![harness.pattern("*")],
        ..harness.request("refused", &topic)
    };
    let joined = harness.transport.subscribe(request).await;
    assert_unsupported(joined, "patterns");
    true
}
