//! A replay delivers a dead-lettered message again, once.

use std::time::Duration;

use crate::transport::conformance::harness::{
    Harness,
    dead_letters::{self, REPLAY, done},
    member::Member,
    message::{keyed_messages, messages, text, texts},
};
use crate::transport::{DeadLetterKind, JobAction, Resolution};

/// Attempts restart at 1; totals and history are kept, and the letter is removed.
pub(crate) async fn starts_a_new_life(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1"])).await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, Duration::ZERO).await;
    member
        .bury(member.one().await, DeadLetterKind::Exhausted)
        .await;
    let letter = dead_letters::read(harness, "g").await.remove(0);
    dead_letters::replay(harness, std::slice::from_ref(&letter)).await;
    assert_eq!(dead_letters::read(harness, "g").await, []);
    let again = member.one().await;
    assert_eq!(again.attempts.attempt(), 1);
    assert_eq!(again.attempts.first_failed, None);
    assert_eq!(again.lineage.as_deref(), Some(&letter.lineage()));
    assert_eq!(
        again.lineage.as_ref().map(|lineage| lineage.attempts),
        Some(2)
    );
    harness.assert_same(
        std::slice::from_ref(&again.stored.message),
        &[letter.message],
    );
}

/// It goes only to the group that failed where the store can do that, else to the topic.
pub(crate) async fn goes_to_the_group_that_failed(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1"]).await;
    assert_eq!(harness.drain("h", &topic).await, ["1"]);
    dead_letters::replay(harness, &letters).await;
    assert_eq!(harness.drain("g", &topic).await, ["1"]);
    let to_group = harness.can(|capabilities| &capabilities.replay_to_group);
    let others = usize::from(!to_group);
    assert_eq!(harness.drain("h", &topic).await.len(), others);
    assert_eq!(harness.texts(&topic).await.len(), 1 + others);
}

/// It goes to another topic if requested, and to every group there.
pub(crate) async fn goes_to_another_topic(harness: &Harness) {
    let (topic, other) = (harness.topic("a").await, harness.topic("b").await);
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    let to = JobAction::Replay {
        to: Some(other.clone()),
    };
    assert_eq!(
        dead_letters::run(harness, to, &letters).await,
        done(&letters)
    );
    assert_eq!(harness.texts(&other).await, ["1", "2"]);
    assert_eq!(harness.drain("h", &other).await, ["1", "2"]);
    assert_eq!(harness.drain("g", &topic).await, [""; 0]);
    assert_eq!(dead_letters::read(harness, "g").await, []);
}

/// A message that is dead-lettered again makes another letter, which names the first.
pub(crate) async fn makes_another_letter(harness: &Harness) {
    let topic = harness.topic("a").await;
    let first = dead_letters::bury(harness, "g", &topic, &["1"]).await;
    dead_letters::replay(harness, &first).await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, Duration::ZERO).await;
    member
        .bury(member.one().await, DeadLetterKind::Exhausted)
        .await;
    let letters = dead_letters::read(harness, "g").await;
    assert_eq!(letters.len(), 1);
    let record = &letters[0].record;
    assert_ne!(letters[0].id, first[0].id);
    assert_eq!(record.replay_of.as_ref(), Some(&first[0].id));
    assert_eq!(record.generation, 1);
    assert_eq!((record.attempts, record.total_attempts), (2, 3));
    assert_eq!(record.origin.position, first[0].record.origin.position);
}

/// A letter in two jobs is replayed only by the first.
pub(crate) async fn happens_once(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2"]).await;
    let second = dead_letters::plan(harness, REPLAY, &letters).await;
    dead_letters::replay(harness, &letters).await;
    let lease = dead_letters::lease(&*harness.transport, &second).await;
    let resolved = dead_letters::finish(&*harness.transport, lease).await;
    let outcomes = resolved.into_iter().map(|(_, resolution)| resolution);
    assert!(
        outcomes
            .into_iter()
            .all(|outcome| outcome == Resolution::Gone)
    );
    let mut replayed = harness.drain("g", &topic).await;
    replayed.sort();
    assert_eq!(replayed, ["1", "2"]);
}

/// A job resumes where its crashed worker stopped.
pub(crate) async fn resumes_after_a_crash(harness: &Harness) {
    let topic = harness.topic("a").await;
    let letters = dead_letters::bury(harness, "g", &topic, &["1", "2", "3", "4", "5"]).await;
    let job = dead_letters::plan(harness, REPLAY, &letters).await;
    let worker = harness.again().await;
    let lease = dead_letters::lease(&*worker, &job).await;
    let store = worker.dead_letters();
    let first = store
        .advance(&lease, 2, None)
        .await
        .expect("the lease is held");
    assert_eq!(first, done(&letters[..2]));
    drop(worker);
    let store = harness.transport.dead_letters();
    store
        .release(lease, false)
        .await
        .expect("a lease can be given back");
    let lease = dead_letters::lease(&*harness.transport, &job).await;
    let rest = dead_letters::finish(&*harness.transport, lease).await;
    assert_eq!(rest, done(&letters[2..]));
    assert_eq!(dead_letters::read(harness, "g").await, []);
    let member = Member::join(&*harness.transport, harness.request("g", &topic)).await;
    let mut replayed = texts(&member.take(5).await);
    replayed.sort();
    assert_eq!(replayed, ["1", "2", "3", "4", "5"]);
}

/// Messages of a key are replayed in order.
pub(crate) async fn keeps_order(harness: &Harness) {
    let topic = harness.topic("a").await;
    let sent = ["1", "2", "3", "4"];
    harness.publish(keyed_messages(&topic, "k", &sent)).await;
    let member = harness.join("g", &topic).await;
    while dead_letters::read(harness, "g").await.len() < sent.len() {
        member
            .bury(member.one().await, DeadLetterKind::Permanent)
            .await;
    }
    let letters = dead_letters::read(harness, "g").await;
    dead_letters::replay(harness, &letters).await;
    let mut again = Vec::new();
    while again.len() < sent.len() {
        let delivery = member.one().await;
        again.push(text(&delivery.stored.message));
        member.ack(delivery).await;
    }
    assert_eq!(again, sent);
}
