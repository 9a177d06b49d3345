//! A namespace of the shared broker, the library's connections to it, and another client.

use std::sync::Arc;

use protoflow::{
    event::{Message, Topic},
    transport::{
        Delivery, Failure, Fingerprint, Outgoing, Receipt, Result, SubscribeRequest, Subscription,
        Transport, Verdict,
    },
};
use test_support::pulsar::Broker;

use super::connect::Connect as _;
use crate::raw::Raw;

/// A namespace that nobody else uses.
pub(crate) struct Shop {
    namespace: String,
    pub(crate) raw: Raw,
}

impl Shop {
    pub(crate) async fn new() -> Self {
        let broker = Broker::shared();
        let namespace = broker.namespace();
        Self {
            raw: Raw::new(&broker.address(), &namespace).await,
            namespace,
        }
    }

    /// Returns the namespace as in a URL.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Opens a connection of its own, as another process would.
    pub(crate) async fn connect(&self, parameters: &str) -> Arc<dyn Transport> {
        let rest = format!("{}{parameters}", self.namespace);
        Broker::shared().connect(&rest, true).await.unwrap()
    }

    pub(crate) async fn create(&self, topic: &str, parameters: &str) -> Vec<String> {
        let transport = self.connect(parameters).await;
        transport.create(&topic.parse().unwrap()).await.unwrap()
    }

    /// Returns the statistics of a topic.
    pub(crate) fn stats(&self, topic: &str) -> serde_json::Value {
        let path = format!(
            "persistent/{}/{topic}/stats?getPreciseBacklog=true",
            self.namespace
        );
        serde_json::from_str(&Broker::shared().admin().must("GET", &path, "")).unwrap()
    }

    /// Deletes a topic with its producers and consumers.
    pub(crate) fn delete(&self, topic: &str) {
        let path = format!("persistent/{}/{topic}?force=true", self.namespace);
        Broker::shared().admin().must("DELETE", &path, "");
    }

    /// Takes a topic away from its broker, which gets it back at once.
    pub(crate) fn unload(&self, topic: &str) {
        let path = format!("persistent/{}/{topic}/unload", self.namespace);
        Broker::shared().admin().must("PUT", &path, "");
    }

    /// Reports whether a topic exists.
    pub(crate) fn exists(&self, topic: &str) -> bool {
        let path = format!("persistent/{}", self.namespace);
        let topics = Broker::shared().admin().must("GET", &path, "");
        topics.contains(&format!("/{topic}\""))
    }

    /// Returns how many entries a group has not acknowledged.
    pub(crate) fn backlog(&self, topic: &str, group: &str) -> u64 {
        let stats = self.stats(topic);
        stats["subscriptions"][group]["msgBacklog"]
            .as_u64()
            .unwrap()
    }
}

pub(crate) fn request(group: &str, topic: &str) -> SubscribeRequest {
    SubscribeRequest::new(group.parse().unwrap(), vec![topic.parse().unwrap()])
}

pub(crate) fn message(topic: &str, text: &str) -> Message {
    let topic: Topic = topic.parse().unwrap();
    Message {
        key: Some(text.to_owned().into()),
        ..Message::new(topic, text.to_owned())
    }
}

pub(crate) async fn publish(
    transport: &dyn Transport,
    messages: impl IntoIterator<Item = Message>,
) -> Vec<Result<Receipt>> {
    let batch = messages.into_iter().map(Outgoing::from).collect();
    transport.publish(batch).await
}

/// Waits for exactly so many deliveries.
pub(crate) async fn take(member: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let more = member.next(count - taken.len()).await.unwrap();
        assert!(!more.is_empty(), "the end came after {}", taken.len());
        taken.extend(more);
    }
    taken
}

pub(crate) async fn settle(member: &dyn Subscription, delivery: Delivery, verdict: Verdict) {
    let settled = member.settle(vec![delivery.conclude(verdict)]).await;
    assert!(settled.iter().all(Result::is_ok), "{settled:?}");
}

pub(crate) fn text(delivery: &Delivery) -> String {
    String::from_utf8_lossy(delivery.stored.message.bytes()).into_owned()
}

pub(crate) fn failure() -> Failure {
    Failure {
        class: "exit 1".to_owned(),
        message: "boom".to_owned(),
        detail: None,
        duration: None,
        fingerprint: Fingerprint("1:boom".to_owned()),
    }
}
