//! Batches are stored whole, together with a receipt that a successor reads.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use crate::transport::conformance::harness::{
    Harness,
    message::{messages, text},
};
use crate::{
    event::{Message, Topic},
    transport::{ErrorKind, Outgoing, ReceiptedPublisher},
};

/// Takes over a name of this case; none where the store has no receipts, which its capabilities then say.
async fn open(harness: &Harness, name: &str, fence: u64) -> Option<Box<dyn ReceiptedPublisher>> {
    let name = format!("{}-{name}", harness.run());
    let opened = harness.again().await.receipted(&name, fence).await;
    let publisher = opened.expect("the name can be taken over");
    if publisher.is_none() {
        let ability = &harness.capabilities.exactly_once_outbox;
        assert!(!ability.is_native(), "{}", ability.note());
    }
    publisher
}

fn batch(messages: Vec<Message>) -> Vec<Outgoing> {
    messages.into_iter().map(Outgoing::from).collect()
}

fn receipt(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

async fn stored(harness: &Harness, topic: &Topic) -> Vec<String> {
    let stored = harness.read(topic).await;
    stored.iter().map(|stored| text(&stored.message)).collect()
}

/// A successor finds the receipt of the last batch, and the events of all of them, in their order.
pub(crate) async fn are_stored_with_their_batch(harness: &Harness) {
    let topic = harness.topic("a").await;
    let Some(mut first) = open(harness, "n", 1).await else {
        return;
    };
    assert_eq!(first.receipt(), None);
    let (one, two) = (messages(&topic, &["1", "2"]), messages(&topic, &["3"]));
    first
        .publish(batch(one), receipt("first"))
        .await
        .expect("stored");
    first
        .publish(batch(two), receipt("second"))
        .await
        .expect("stored");
    assert_eq!(stored(harness, &topic).await, ["1", "2", "3"]);
    let second = open(harness, "n", 2).await.expect("as before");
    assert_eq!(second.receipt(), Some(&receipt("second")));
    let third = open(harness, "n", 3).await.expect("as before");
    assert_eq!(third.receipt(), Some(&receipt("second")), "it is kept");
}

/// Once a name is taken over, its publishers before store nothing.
pub(crate) async fn fence_earlier_publishers(harness: &Harness) {
    let topic = harness.topic("a").await;
    let Some(mut first) = open(harness, "n", 1).await else {
        return;
    };
    let mut second = open(harness, "n", 2).await.expect("as before");
    let late = first.publish(batch(messages(&topic, &["late"])), receipt("late"));
    let late = late.await.expect_err("it is fenced").error;
    assert_eq!(late.kind(), ErrorKind::Held, "{late}");
    let good = second.publish(batch(messages(&topic, &["good"])), receipt("good"));
    good.await.expect("stored");
    assert_eq!(stored(harness, &topic).await, ["good"]);
    let third = open(harness, "n", 3).await.expect("as before");
    assert_eq!(third.receipt(), Some(&receipt("good")));
}

/// A process that was suspended and takes a name over late is refused.
pub(crate) async fn refuse_a_lower_number(harness: &Harness) {
    if open(harness, "n", 5).await.is_none() {
        return;
    }
    let name = format!("{}-n", harness.run());
    let late = harness.again().await.receipted(&name, 4).await;
    let late = late.map(drop).expect_err("a higher number was there");
    assert_eq!(late.kind(), ErrorKind::Held, "{late}");
}

/// Two names have a receipt each, and do not fence each other.
pub(crate) async fn of_two_names_stay_apart(harness: &Harness) {
    let topic = harness.topic("a").await;
    let Some(mut first) = open(harness, "n", 1).await else {
        return;
    };
    let mut other = open(harness, "m", 7).await.expect("as before");
    first
        .publish(batch(messages(&topic, &["1"])), receipt("n"))
        .await
        .expect("stored");
    other
        .publish(batch(messages(&topic, &["2"])), receipt("m"))
        .await
        .expect("stored");
    assert_eq!(stored(harness, &topic).await, ["1", "2"]);
    let first = open(harness, "n", 2).await.expect("as before");
    assert_eq!(first.receipt(), Some(&receipt("n")));
}

/// A batch with a message that is refused is not stored, and neither is its receipt; the message is named.
pub(crate) async fn are_not_stored_with_a_refused_batch(harness: &Harness) {
    let topic = harness.topic("a").await;
    let Some(mut first) = open(harness, "n", 1).await else {
        return;
    };
    let mut with_delay = batch(messages(&topic, &["1", "2"]));
    with_delay[1].due = Some(SystemTime::now() + Duration::from_mins(1));
    let refused = first.publish(with_delay, receipt("bad")).await;
    let refused = refused.expect_err("a receipt says that it is published");
    assert_eq!(refused.message, Some(1), "{refused}");
    first
        .publish(batch(messages(&topic, &["3"])), receipt("good"))
        .await
        .expect("stored");
    assert_eq!(stored(harness, &topic).await, ["3"]);
    let second = open(harness, "n", 2).await.expect("as before");
    assert_eq!(second.receipt(), Some(&receipt("good")));
}
