//! A delayed message is invisible before it is due, and visible to every group afterwards.

use std::time::{Duration, SystemTime};

use crate::transport::conformance::harness::{
    Harness, member,
    message::{message, messages, text},
    refusals,
};
use crate::transport::{ErrorKind, StartFrom, TailFrom, TailRequest};

/// Neither a tail nor a consumer gets it before it is due; then both do.
pub(crate) async fn is_seen_by_nobody_before(harness: &Harness) {
    if refusals::delay(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let request = TailRequest {
        patterns: vec![topic.clone().into()],
        from: TailFrom::Now,
        until_end: false,
    };
    let mut tail = harness.transport.tail(request).await.expect("a tail opens");
    let member = harness.join("g", &topic).await;
    let due = SystemTime::now() + harness.delay() * 2;
    let receipt = harness.publish_at(message(&topic, "later"), due).await;
    let receipt = receipt.expect("a delay is accepted");
    assert_eq!(
        receipt.schedule.is_some(),
        harness.can(|capabilities| &capabilities.schedule),
        "a receipt has the id under which the event can be cancelled"
    );
    harness.publish(messages(&topic, &["now"])).await;
    for expected in ["now", "later"] {
        let shown = tail.next(1).await.expect("a tail reads").remove(0);
        assert_eq!(text(&shown.message), expected);
        let delivery = member.one().await;
        assert_eq!(text(&delivery.stored.message), expected);
        if expected == "later" {
            assert!(SystemTime::now() >= due, "it was early");
            assert!(
                shown.time + Duration::from_millis(2) >= due,
                "its time is when it was due"
            );
            assert_eq!(delivery.attempts.failed, 0);
        }
        member.ack(delivery).await;
    }
}

/// A time in the past means now.
pub(crate) async fn a_time_in_the_past_is_now(harness: &Harness) {
    if refusals::delay(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let past = SystemTime::now() - Duration::from_mins(1);
    let receipt = harness.publish_at(message(&topic, "1"), past).await;
    assert_eq!(receipt.expect("it is stored").schedule, None);
    assert_eq!(harness.texts(&topic).await, ["1"]);
}

/// It is stored: it is delivered after the store was closed and reopened, also to a group that starts with new messages.
pub(crate) async fn survives_reopening(harness: &Harness) {
    if refusals::delay(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let due = SystemTime::now() + harness.delay();
    let accepted = harness.publish_at(message(&topic, "1"), due).await;
    accepted.expect("a delay is accepted");
    harness.transport.close().await.expect("the store closes");
    let again = harness.again().await;
    let mut request = harness.request("g", &topic);
    request.from = StartFrom::New;
    let member = member::Member::join(&*again, request).await;
    assert_eq!(text(&member.one().await.stored.message), "1");
    assert!(SystemTime::now() >= due, "it was early");
}

/// A delay beyond the limit is refused, and nothing is stored.
pub(crate) async fn too_long_is_refused(harness: &Harness) {
    if refusals::delay(harness).await {
        return;
    }
    let Some(longest) = harness.capabilities.limits.max_delay else {
        return;
    };
    let topic = harness.topic("a").await;
    let due = SystemTime::now() + longest + Duration::from_mins(1);
    let refused = harness.publish_at(message(&topic, "1"), due).await;
    let kind = refused.expect_err("it cannot be kept").kind();
    assert!(matches!(kind, ErrorKind::Unsupported | ErrorKind::Invalid));
    assert_eq!(harness.texts(&topic).await, [""; 0], "nothing was stored");
}
