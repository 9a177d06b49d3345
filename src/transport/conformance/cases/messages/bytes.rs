//! Bytes survive: payload, key and headers, duplicates and nulls included.

use std::time::{Duration, SystemTime};

use crate::transport::conformance::harness::{
    Harness,
    dead_letters::{self, REPLAY},
    message::{event, odd_messages},
    refusals,
};
use crate::{
    event::Message,
    transport::{DeadLetterKind, Delivery, JobAction},
};

fn carried(deliveries: &[Delivery]) -> Vec<Message> {
    let messages = deliveries.iter().map(|delivery| &delivery.stored.message);
    messages.cloned().collect()
}

/// From publish to a tail.
pub(crate) async fn survive_to_a_tail(harness: &Harness) {
    let topic = harness.topic("a").await;
    let sent = odd_messages(&topic);
    harness.publish(sent.clone()).await;
    let stored = harness.read(&topic).await;
    let found: Vec<_> = stored.into_iter().map(|stored| stored.message).collect();
    harness.assert_same(&found, &sent);
}

/// From publish to a consumer.
pub(crate) async fn survive_to_a_consumer(harness: &Harness) {
    let topic = harness.topic("a").await;
    let sent = odd_messages(&topic);
    harness.publish(sent.clone()).await;
    let member = harness.join("g", &topic).await;
    let taken = member.take(sent.len()).await;
    harness.assert_same(&carried(&taken), &sent);
}

/// From one attempt to the next.
pub(crate) async fn survive_a_retry(harness: &Harness) {
    let topic = harness.topic("a").await;
    let sent = [event(&topic)];
    harness.publish(sent.clone()).await;
    let member = harness.join("g", &topic).await;
    member.retry(member.one().await, Duration::ZERO).await;
    let again = [member.one().await];
    assert_eq!(again[0].attempts.attempt(), 2);
    harness.assert_same(&carried(&again), &sent);
}

/// From publish to delivery when due.
pub(crate) async fn survive_a_delay(harness: &Harness) {
    if refusals::delay(harness).await {
        return;
    }
    let topic = harness.topic("a").await;
    let sent = [event(&topic)];
    let due = SystemTime::now() + harness.delay();
    let accepted = harness.publish_at(sent[0].clone(), due).await;
    accepted.expect("a delay is accepted");
    let member = harness.join("g", &topic).await;
    harness.assert_same(&carried(&[member.one().await]), &sent);
}

/// From a consumer into its dead letters, and through replay to the consumer again.
pub(crate) async fn survive_death_and_replay(harness: &Harness) {
    let topic = harness.topic("a").await;
    let sent = odd_messages(&topic);
    harness.publish(sent.clone()).await;
    let member = harness.join("g", &topic).await;
    for delivery in member.take(sent.len()).await {
        member.bury(delivery, DeadLetterKind::Permanent).await;
    }
    let letters = dead_letters::read(harness, "g").await;
    let dead: Vec<_> = letters
        .iter()
        .map(|letter| letter.message.clone())
        .collect();
    harness.assert_same(&dead, &sent);
    let resolved = dead_letters::run(harness, REPLAY, &letters).await;
    assert_eq!(resolved.len(), letters.len());
    let again = member.take(sent.len()).await;
    harness.assert_same(&carried(&again), &sent);
}

/// Out of the store and into it again.
pub(crate) async fn survive_export_and_import(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish([event(&topic)]).await;
    let member = harness.join("g", &topic).await;
    member
        .bury(member.one().await, DeadLetterKind::Exhausted)
        .await;
    let letter = dead_letters::read(harness, "g").await.remove(0);
    if refusals::purge(harness).await {
        return;
    }
    dead_letters::run(harness, JobAction::Purge, std::slice::from_ref(&letter)).await;
    assert_eq!(dead_letters::read(harness, "g").await, [], "purged");
    let store = harness.transport.dead_letters();
    let new = store.import(vec![letter.clone()]).await.remove(0);
    assert!(new.expect("a letter can be imported"), "it was new");
    let imported = dead_letters::read(harness, "g").await.remove(0);
    harness.assert_same(&[imported.message], &[letter.message]);
    assert_eq!(imported.id, letter.id);
    assert_eq!(imported.record, letter.record);
}
