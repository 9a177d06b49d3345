//! The backlog of a group: what operators watch as its lag.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;

use crate::transport::conformance::harness::{Harness, member::Member, message::message};

/// How far the clocks of a store and of this process may be apart, and how coarse its times are.
const CLOCKS: Duration = Duration::from_secs(5);
/// How long to wait before the store is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// It counts what waits and what is in flight, not what is settled; a group that has finished everything has none.
pub(crate) async fn is_what_the_group_has_not_finished(harness: &Harness) {
    let topic = harness.topic("a").await;
    let before = SystemTime::now() - CLOCKS;
    for text in ["1", "2", "3"] {
        harness.publish(vec![message(&topic, text)]).await;
    }
    let member = harness.join("g", &topic).await;
    let first = member.one().await;
    let oldest = wait_for(&member, 3).await.expect("the oldest has a time");
    let after = SystemTime::now() + CLOCKS;
    assert!(before <= oldest && oldest <= after, "{before:?} {oldest:?}");
    member.ack(first).await;
    wait_for(&member, 2).await;
    for delivery in member.take(2).await {
        member.ack(delivery).await;
    }
    assert_eq!(wait_for(&member, 0).await, None);
    member.close().await;
}

/// Waits until the group has this many messages to finish; returns when the oldest was stored.
async fn wait_for(member: &Member, messages: u64) -> Option<SystemTime> {
    loop {
        let backlog = member.subscription().backlog().await;
        let backlog = backlog.expect("the store tells the backlog");
        // A store that says nothing is not one that has nothing.
        let is_told = messages == 0 || !backlog.is_empty();
        let counted: u64 = backlog.iter().map(|topic| topic.messages).sum();
        if is_told && counted == messages {
            return backlog.iter().filter_map(|topic| topic.oldest).min();
        }
        sleep(AGAIN).await;
    }
}
