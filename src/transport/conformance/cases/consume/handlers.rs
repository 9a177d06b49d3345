//! One group name may serve several topics, each with a handler of its own: a member gets only messages of its own topics,
//! be they new, retries or replays.

use tokio::time::timeout;

use crate::transport::conformance::harness::{
    Harness, dead_letters,
    member::Member,
    message::{messages, text, texts},
};
use crate::{event::Topic, transport::DeadLetterKind};

/// A new message goes to the member of its topic, whether the others are running or not.
pub(crate) async fn get_what_is_new(harness: &Harness) {
    let ([a, b], [first, second]) = two(harness).await;
    harness.publish(messages(&a, &["a1", "a2"])).await;
    harness.publish(messages(&b, &["b1", "b2"])).await;
    for (member, expected) in [(&second, ["b1", "b2"]), (&first, ["a1", "a2"])] {
        let taken = member.take(2).await;
        assert_eq!(texts(&taken), expected);
        for delivery in taken {
            member.ack(delivery).await;
        }
        member.close().await;
    }
    harness.publish(messages(&a, &["a3"])).await;
    assert_eq!(harness.drain("g", &b).await, [""; 0]);
    assert_eq!(harness.drain("g", &a).await, ["a3"]);
}

/// A retry waits for a member of its topic, whichever other members are running when it is due.
pub(crate) async fn wait_for_their_own_retries(harness: &Harness) {
    let (a, b) = (harness.topic("a").await, harness.topic("b").await);
    for (failing, other) in [(&a, &b), (&b, &a)] {
        harness.publish(messages(failing, &["1"])).await;
        let member = harness.join("g", failing).await;
        member.retry(member.one().await, harness.delay()).await;
        member.close().await;
        let member = harness.join("g", other).await;
        is_given_nothing(harness, &member).await;
        member.close().await;
        assert_eq!(harness.drain("g", other).await, [""; 0]);
        let member = harness.join("g", failing).await;
        let retry = member.one().await;
        assert_eq!(retry.stored.message.topic, *failing);
        assert_eq!(retry.attempts.attempt(), 2);
        member.ack(retry).await;
        member.close().await;
    }
}

/// Retries of several topics at the same time go to the member of each.
pub(crate) async fn get_their_own_retries(harness: &Harness) {
    let ([a, b], [first, second]) = two(harness).await;
    for (topic, member) in [(&a, &first), (&b, &second)] {
        harness.publish(messages(topic, &["1", "2", "3"])).await;
        for delivery in member.take(3).await {
            member.retry(delivery, harness.delay()).await;
        }
    }
    for (topic, member) in [(&b, &second), (&a, &first)] {
        let retries = member.take(3).await;
        for retry in retries {
            assert_eq!(retry.stored.message.topic, *topic);
            assert_eq!(retry.attempts.attempt(), 2);
            member.ack(retry).await;
        }
    }
    for member in [first, second] {
        is_given_nothing(harness, &member).await;
    }
}

/// A replay waits for a member of its topic, whichever other members are running.
pub(crate) async fn wait_for_their_own_replays(harness: &Harness) {
    let (a, b) = (harness.topic("a").await, harness.topic("b").await);
    for (failed, other) in [(&a, &b), (&b, &a)] {
        let letters = dead_letters::bury(harness, "g", failed, &["1"]).await;
        let member = harness.join("g", other).await;
        dead_letters::replay(harness, &letters).await;
        is_given_nothing(harness, &member).await;
        member.close().await;
        assert_eq!(harness.drain("g", other).await, [""; 0]);
        assert_eq!(harness.drain("g", failed).await, ["1"]);
    }
}

/// Replays of several topics at the same time go to the member of each.
pub(crate) async fn get_their_own_replays(harness: &Harness) {
    let ([a, b], [first, second]) = two(harness).await;
    for (topic, member, words) in [(&a, &first, "a1"), (&b, &second, "b1")] {
        harness.publish(messages(topic, &[words])).await;
        member
            .bury(member.one().await, DeadLetterKind::Permanent)
            .await;
    }
    let letters = dead_letters::read(harness, "g").await;
    dead_letters::replay(harness, &letters).await;
    for (member, expected) in [(&second, "b1"), (&first, "a1")] {
        let replay = member.one().await;
        assert_eq!(text(&replay.stored.message), expected);
        member.ack(replay).await;
    }
    for member in [first, second] {
        is_given_nothing(harness, &member).await;
    }
}

/// Joins one group with a member for each of two topics, each on its own connection.
async fn two(harness: &Harness) -> ([Topic; 2], [Member; 2]) {
    let topics = [harness.topic("a").await, harness.topic("b").await];
    let first = harness.join("g", &topics[0]).await;
    let again = harness.again().await;
    let second = Member::join(&*again, harness.request("g", &topics[1])).await;
    (topics, [first, second])
}

/// Waits long enough for a retry to be delivered.
async fn is_given_nothing(harness: &Harness, member: &Member) {
    if let Ok(more) = timeout(harness.delay() * 2, member.next(9)).await {
        panic!("a member was given {:?}, of another topic", texts(&more));
    }
}
