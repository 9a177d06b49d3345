//! A part of the shared broker for tests of what a group keeps beside its topics.

use std::{sync::Arc, thread, time::Duration};

use protoflow::{
    event::{Message, Pattern, Topic},
    transport::{
        Delivery, Failure, Fingerprint, Outgoing, SubscribeRequest, Subscription, Transport,
        Verdict,
    },
};
use test_support::kafka::{
    Broker, Member, Raw,
    records::{Record, Stored},
};

use super::connect::Connect as _;

/// How retries are kept: only the last record of a key counts.
pub(crate) const COMPACTED: [(&str, &str); 1] = [("cleanup.policy", "compact")];

/// A part of the shared broker that nobody else uses.
pub(crate) struct Shop {
    prefix: String,
    parameters: String,
    raw: Raw,
    transport: Arc<dyn Transport>,
}

impl Shop {
    pub(crate) async fn new(more: &str) -> Self {
        let broker = Broker::shared();
        let prefix = format!("topics{:x}.", fastrand::u64(..));
        let parameters = format!("partitions=2&prefix={prefix}{more}");
        let transport = broker.connect(&parameters, true).await.unwrap();
        Self {
            prefix,
            parameters,
            raw: Raw::new(broker.address()),
            transport,
        }
    }

    pub(crate) fn name(&self, topic: &str) -> String {
        format!("{}{topic}", self.prefix)
    }

    /// Groups are not behind the prefix.
    pub(crate) fn group(&self, name: &str) -> String {
        self.name(name)
    }

    pub(crate) async fn create(&self, topic: &str) {
        let topic: Topic = topic.parse().unwrap();
        self.transport.create(&topic).await.unwrap();
    }

    pub(crate) async fn publish(&self, topic: &str, texts: &[&str]) {
        let topic: Topic = topic.parse().unwrap();
        let outgoing = |text: &&str| Outgoing {
            message: Message {
                key: Some((*text).to_owned().into()),
                ..Message::new(topic.clone(), (*text).to_owned())
            },
            due: None,
            dedup: false,
        };
        let stored = self.transport.publish(texts.iter().map(outgoing).collect());
        assert!(stored.await.iter().all(Result::is_ok));
    }

    pub(crate) fn request(&self, group: &str, pattern: &str) -> SubscribeRequest {
        let pattern: Pattern = pattern.parse().unwrap();
        SubscribeRequest::new(self.group(group).parse().unwrap(), vec![pattern])
    }

    /// Joins over a connection of its own, as another process would.
    pub(crate) async fn join(&self, group: &str, pattern: &str) -> Arc<dyn Subscription> {
        self.join_as(self.request(group, pattern)).await
    }

    pub(crate) async fn join_as(&self, request: SubscribeRequest) -> Arc<dyn Subscription> {
        let broker = Broker::shared();
        let transport = broker.connect(&self.parameters, true).await.unwrap();
        transport.subscribe(request).await.unwrap()
    }

    /// Takes and acknowledges what a group has to do on a topic.
    pub(crate) async fn drain(&self, group: &str, pattern: &str) -> Vec<Seen> {
        let request = SubscribeRequest {
            until_end: true,
            ..self.request(group, pattern)
        };
        let member = self.join_as(request).await;
        let mut all = Vec::new();
        loop {
            let some = member.next(100).await.unwrap();
            if some.is_empty() {
                break;
            }
            for delivery in some {
                all.push(Seen::of(&delivery));
                settle(&*member, delivery, Verdict::Ack).await;
            }
        }
        member.close().await.unwrap();
        all
    }

    /// Does something with a client of its own that blocks.
    pub(crate) fn aside<T: Send>(&self, work: impl FnOnce(&Raw) -> T + Send) -> T {
        thread::scope(|scope| scope.spawn(|| work(&self.raw)).join().unwrap())
    }

    /// Returns the name of the topic in which earlier versions kept retries.
    pub(crate) fn legacy(&self, group: &str) -> String {
        self.name(&format!("pf.{}.delay", self.group(group)))
    }

    pub(crate) fn make_legacy(&self, group: &str) {
        let name = self.legacy(group);
        self.aside(|raw| raw.make(&name, 2, &COMPACTED));
    }

    /// Stores retries as earlier versions did.
    pub(crate) fn write_legacy(&self, group: &str, records: &[Record]) {
        let name = self.legacy(group);
        self.aside(|raw| raw.write(&name, records));
    }

    /// Returns what waits for a group and a topic.
    pub(crate) fn waiting(&self, group: &str, topic: &str) -> Vec<Stored> {
        let start = self.name(&format!("pf.{}.{topic}.", self.group(group)));
        self.aside(|raw| {
            let retries = raw.retries(&start);
            retries.map_or_else(Vec::new, |retries| raw.latest(&retries))
        })
    }

    /// Joins with another client, which polls until it is dropped.
    pub(crate) fn foreign(
        &self,
        group: &str,
        settings: &[(&str, &str)],
        topics: &[&str],
        partitions: usize,
    ) -> Member {
        let common = [
            ("enable.auto.commit", "false"),
            ("partition.assignment.strategy", "cooperative-sticky"),
            ("session.timeout.ms", "6000"),
        ];
        let settings = [&common[..], settings].concat();
        let address = Broker::shared().address();
        Member::join(&address, &self.group(group), &settings, topics, partitions).polling()
    }
}

pub(crate) fn retry(after: Duration) -> Verdict {
    Verdict::Retry {
        after,
        failure: Box::new(Failure {
            class: "refused".into(),
            message: "not yet".into(),
            detail: None,
            duration: None,
            fingerprint: Fingerprint("1:abc".to_owned()),
        }),
    }
}

pub(crate) async fn settle(member: &dyn Subscription, delivery: Delivery, verdict: Verdict) {
    let settled = member.settle(vec![delivery.conclude(verdict)]).await;
    assert!(settled.iter().all(Result::is_ok), "{settled:?}");
}

pub(crate) async fn take(member: &dyn Subscription, count: usize) -> Vec<Delivery> {
    let mut taken = Vec::new();
    while taken.len() < count {
        taken.extend(member.next(count - taken.len()).await.unwrap());
    }
    taken
}

/// What is known of a delivery that was settled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) position: String,
    pub(crate) failed: u32,
    pub(crate) text: String,
    pub(crate) headers: Vec<String>,
}

impl Seen {
    pub(crate) fn of(delivery: &Delivery) -> Self {
        let message = &delivery.stored.message;
        Self {
            topic: message.topic.to_string(),
            position: delivery.stored.position.to_string(),
            failed: delivery.attempts.failed,
            text: String::from_utf8(message.bytes().to_vec()).unwrap(),
            headers: message
                .headers
                .iter()
                .map(|(name, _)| name.to_owned())
                .collect(),
        }
    }
}

pub(crate) fn texts(seen: &[Seen]) -> Vec<String> {
    let mut texts: Vec<String> = seen.iter().map(|one| one.text.clone()).collect();
    texts.sort();
    texts
}
