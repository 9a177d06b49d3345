//! The store that a backend brings to the suite, and what each case works with.

pub(super) mod dead_letters;
pub(super) mod member;
pub(super) mod message;
pub(super) mod refusals;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
use ulid::Ulid;

use self::{
    member::Member,
    message::{message, text},
};
use crate::{
    event::{Group, Message, Pattern, Stored, Topic},
    transport::{
        Capabilities, Outgoing, Receipt, Result, SubscribeRequest, Support, TailFrom, TailRequest,
        Transport,
    },
};

/// The beginning of every topic of the suite.
pub(in crate::transport::conformance) const PREFIX: &str = "conformance-";

/// A store of the backend that is tested.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Opens another connection to the same store; earlier ones may be open, closed, or dropped as by a crash.
    ///
    /// # Errors
    /// If it cannot be opened, which fails the case.
    async fn open(&self) -> Result<Arc<dyn Transport>>;

    /// Returns a short lease that the backend supports.
    fn lease(&self) -> Duration {
        Duration::from_millis(500)
    }

    /// Returns a short delay that the backend supports.
    fn delay(&self) -> Duration {
        Duration::from_millis(300)
    }

    /// Returns the time that a case may take.
    fn limit(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Reports whether consumers of a group can take from one topic at the same time; elsewhere a topic of one partition
    /// is with one of them.
    fn shares_a_topic(&self) -> bool {
        true
    }

    /// Reports whether headers of different names keep their order among themselves.
    fn keeps_header_order(&self) -> bool {
        true
    }
}

/// The store that a case works with, and names that no other case uses.
pub struct Harness {
    store: Box<dyn Store>,
    run: String,
    /// The first connection.
    pub(in crate::transport::conformance) transport: Arc<dyn Transport>,
    pub(in crate::transport::conformance) capabilities: Capabilities,
}

impl Harness {
    /// Opens the store.
    pub(in crate::transport::conformance) async fn open(store: Box<dyn Store>) -> Self {
        let transport = store.open().await.expect("the store opens");
        let capabilities = transport.capabilities().await.expect("the store answers");
        Self {
            store,
            run: format!("{PREFIX}{}", Ulid::generate().to_string().to_lowercase()),
            transport,
            capabilities,
        }
    }

    /// Opens another connection to the store.
    pub(in crate::transport::conformance) async fn again(&self) -> Arc<dyn Transport> {
        self.store.open().await.expect("the store opens again")
    }

    /// Returns the first token of this case's topics.
    pub(in crate::transport::conformance) fn run(&self) -> &str {
        &self.run
    }

    /// Returns the short lease.
    pub(in crate::transport::conformance) fn lease(&self) -> Duration {
        self.store.lease()
    }

    /// Returns the short delay.
    pub(in crate::transport::conformance) fn delay(&self) -> Duration {
        self.store.delay()
    }

    /// Reports whether consumers of a group can take from one topic at the same time.
    pub(in crate::transport::conformance) fn shares_a_topic(&self) -> bool {
        self.store.shares_a_topic()
    }

    /// Reports whether headers of different names keep their order.
    pub(in crate::transport::conformance) fn keeps_header_order(&self) -> bool {
        self.store.keeps_header_order()
    }

    /// Returns the pattern that this case's topics match.
    pub(in crate::transport::conformance) fn pattern(&self, rest: &str) -> Pattern {
        format!("{}.{rest}", self.run).parse().expect("a pattern")
    }

    /// Creates a topic of this case.
    pub(in crate::transport::conformance) async fn topic(&self, name: &str) -> Topic {
        let topic: Topic = format!("{}.{name}", self.run).parse().expect("a topic");
        let made = self.transport.create(&topic).await;
        made.expect("the topic can be made");
        topic
    }

    /// Returns the name of a group of this case.
    pub(in crate::transport::conformance) fn group(&self, name: &str) -> Group {
        format!("{}-{name}", self.run).parse().expect("a group")
    }

    /// Returns the request by which a group of this case reads one topic.
    pub(in crate::transport::conformance) fn request(
        &self,
        group: &str,
        topic: &Topic,
    ) -> SubscribeRequest {
        SubscribeRequest::new(self.group(group), vec![topic.clone().into()])
    }

    /// Joins a group on one topic.
    pub(in crate::transport::conformance) async fn join(
        &self,
        group: &str,
        topic: &Topic,
    ) -> Member {
        self.join_as(self.request(group, topic)).await
    }

    /// Joins a group over the first connection.
    pub(in crate::transport::conformance) async fn join_as(
        &self,
        request: SubscribeRequest,
    ) -> Member {
        Member::join(&*self.transport, request).await
    }

    /// Joins a group with the short lease.
    pub(in crate::transport::conformance) async fn join_briefly(
        &self,
        group: &str,
        topic: &Topic,
    ) -> Member {
        let lease = self.lease();
        let request = self.request(group, topic);
        self.join_as(SubscribeRequest { lease, ..request }).await
    }

    /// Reads and acknowledges the rest of a topic for a group, and returns it as text.
    pub(in crate::transport::conformance) async fn drain(
        &self,
        group: &str,
        topic: &Topic,
    ) -> Vec<String> {
        let request = SubscribeRequest {
            until_end: true,
            ..self.request(group, topic)
        };
        let member = self.join_as(request).await;
        let texts = member.drain().await;
        member.close().await;
        texts
    }

    /// Publishes, expecting every message to be stored.
    pub(in crate::transport::conformance) async fn publish(
        &self,
        batch: impl IntoIterator<Item = Message>,
    ) -> Vec<Receipt> {
        let batch: Vec<Outgoing> = batch.into_iter().map(Outgoing::from).collect();
        let count = batch.len();
        let results = self.transport.publish(batch).await;
        assert_eq!(results.len(), count, "one result per message");
        let receipts = results.into_iter().map(|result| result.expect("stored"));
        receipts.collect()
    }

    /// Publishes with a delay.
    pub(in crate::transport::conformance) async fn publish_at(
        &self,
        message: Message,
        due: SystemTime,
    ) -> Result<Receipt> {
        let outgoing = Outgoing {
            message,
            due: Some(due),
            dedup: false,
        };
        let mut results = self.transport.publish(vec![outgoing]).await;
        assert_eq!(results.len(), 1, "one result per message");
        results.remove(0)
    }

    /// Reads a topic.
    pub(in crate::transport::conformance) async fn read(&self, topic: &Topic) -> Vec<Stored> {
        self.read_from(vec![topic.clone().into()], TailFrom::Earliest)
            .await
    }

    /// Reads from a place to the end.
    pub(in crate::transport::conformance) async fn read_from(
        &self,
        patterns: Vec<Pattern>,
        from: TailFrom,
    ) -> Vec<Stored> {
        read_over(&*self.transport, patterns, from).await
    }

    /// Reads a topic as text.
    pub(in crate::transport::conformance) async fn texts(&self, topic: &Topic) -> Vec<String> {
        let stored = self.read(topic).await;
        stored.iter().map(|stored| text(&stored.message)).collect()
    }

    /// Publishes until a message is stored at a later time than all before, and returns that time.
    pub(in crate::transport::conformance) async fn wait_for_another_time(
        &self,
        topic: &Topic,
    ) -> SystemTime {
        loop {
            self.publish([message(topic, "another time")]).await;
            let stored = self.read(topic).await;
            if let [.., before, last] = stored.as_slice()
                && before.time < last.time
            {
                return last.time;
            }
        }
    }

    /// Fails unless the messages are the same, byte for byte.
    pub(in crate::transport::conformance) fn assert_same(
        &self,
        found: &[Message],
        sent: &[Message],
    ) {
        assert_eq!(found.len(), sent.len(), "as many messages as were sent");
        for (found, sent) in found.iter().zip(sent) {
            assert_eq!(found.topic, sent.topic, "topic");
            assert_eq!(found.key, sent.key, "key");
            assert_eq!(found.payload, sent.payload, "payload");
            assert_eq!(self.headers_of(found), self.headers_of(sent), "headers");
        }
    }

    fn headers_of(&self, message: &Message) -> Vec<(String, Option<Bytes>)> {
        let mut headers: Vec<_> = message
            .headers
            .iter()
            .map(|(name, value)| (name.to_owned(), value.cloned()))
            .collect();
        if !self.keeps_header_order() {
            headers.sort_by(|(left, _), (right, _)| left.cmp(right));
        }
        headers
    }

    /// Reports whether the store has this ability.
    pub(in crate::transport::conformance) fn can(
        &self,
        ability: impl Fn(&Capabilities) -> &Support,
    ) -> bool {
        ability(&self.capabilities).is_present()
    }
}

/// Reads from a place to the end over a connection.
pub(in crate::transport::conformance) async fn read_over(
    transport: &dyn Transport,
    patterns: Vec<Pattern>,
    from: TailFrom,
) -> Vec<Stored> {
    let request = TailRequest {
        patterns,
        from,
        until_end: true,
    };
    let mut tail = transport.tail(request).await.expect("a tail opens");
    let mut all = Vec::new();
    loop {
        let some = tail.next(3).await.expect("a tail reads");
        assert!(some.len() <= 3, "a tail returned more than was asked for");
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

impl std::fmt::Debug for Harness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Harness")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}
