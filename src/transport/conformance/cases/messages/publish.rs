//! Accepted means stored, one result per message.

use crate::transport::conformance::harness::{
    Harness,
    message::{keyed_messages, message, messages, text},
    read_over,
};
use crate::transport::{Outgoing, TailFrom};

/// A confirmed message is there after the store is reopened.
pub(crate) async fn accepted_is_stored(harness: &Harness) {
    let topic = harness.topic("a").await;
    harness.publish(messages(&topic, &["1", "2"])).await;
    harness.publish(messages(&topic, &["3"])).await;
    harness.transport.close().await.expect("the store closes");
    let again = harness.again().await;
    let stored = read_over(&*again, vec![topic.into()], TailFrom::Earliest).await;
    let texts: Vec<_> = stored.iter().map(|stored| text(&stored.message)).collect();
    assert_eq!(texts, ["1", "2", "3"]);
}

/// A batch has one result per message, in the order of the batch.
pub(crate) async fn one_result_per_message_in_order(harness: &Harness) {
    let (a, b) = (harness.topic("a").await, harness.topic("b").await);
    let batch = vec![message(&a, "1"), message(&b, "2"), message(&a, "3")];
    let receipts = harness.publish(batch.clone()).await;
    let mut stored = harness.read(&a).await;
    stored.extend(harness.read(&b).await);
    for (message, receipt) in batch.iter().zip(receipts) {
        assert_eq!(receipt.schedule, None, "it does not wait for its time");
        let Some(position) = receipt.position else {
            continue;
        };
        let at = stored
            .iter()
            .find(|stored| stored.position == position && stored.message.topic == message.topic);
        let at = at.expect("a message stands where the receipt says");
        assert_eq!(text(&at.message), text(message));
    }
}

/// Messages of a batch are stored in its order.
pub(crate) async fn a_batch_keeps_its_order(harness: &Harness) {
    let topic = harness.topic("a").await;
    let texts = ["1", "2", "3", "4", "5", "6", "7"];
    harness.publish(keyed_messages(&topic, "k", &texts)).await;
    assert_eq!(harness.texts(&topic).await, texts);
}

/// Batches are stored in the order in which they were started, though several are in flight.
pub(crate) async fn batches_keep_their_order(harness: &Harness) {
    let topic = harness.topic("a").await;
    let batch = |texts: &[&str]| -> Vec<Outgoing> {
        let messages = keyed_messages(&topic, "k", texts);
        messages.into_iter().map(Outgoing::from).collect()
    };
    let results = futures_util::future::join_all([
        harness.transport.publish(batch(&["1", "2"])),
        harness.transport.publish(batch(&["3", "4"])),
        harness.transport.publish(batch(&["5"])),
    ]);
    let results = results.await;
    assert!(results.iter().flatten().all(Result::is_ok));
    assert_eq!(harness.texts(&topic).await, ["1", "2", "3", "4", "5"]);
}
