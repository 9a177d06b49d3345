//! The connection as a transport.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    SCHEME, bench::Triage, capabilities, connection::Link, doctor, member, publish::Publisher, tail,
};
use crate::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetters, Finding, Outgoing, Receipt, Result, Schedules, SubscribeRequest,
        Subscription, Tail, TailRequest, Transport,
    },
};

/// A connection to a cluster.
#[derive(Debug)]
pub(super) struct Kafka {
    pub(super) link: Arc<Link>,
    pub(super) triage: Triage,
    publisher: Publisher,
}

impl Kafka {
    /// Wraps a connection.
    pub(super) fn new(link: Arc<Link>) -> Self {
        Self {
            publisher: Publisher::new(Arc::clone(&link)),
            triage: Triage::default(),
            link,
        }
    }
}

#[async_trait]
impl Transport for Kafka {
    fn scheme(&self) -> &'static str {
        SCHEME
    }

    fn encoding(&self) -> Encoding {
        self.link.config.encoding
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        capabilities::live(&self.link).await
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        let all = self.link.all_topics().await?;
        let topics = all
            .iter()
            .filter_map(|(name, _)| self.link.names().topic(name));
        let mut topics: Vec<Topic> = topics.collect();
        topics.sort_unstable();
        Ok(topics)
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        let made = self.link.make_topic(&self.link.names().of(topic)?).await?;
        let told = made.iter().map(|name| format!("made topic {name}"));
        Ok(told.collect())
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.publisher.publish(batch).await
    }

    fn warnings(&self) -> Vec<String> {
        self.link.warnings()
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        member::join(&self.link, request).await
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        tail::open(&self.link, request).await
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self
    }

    fn schedules(&self) -> &dyn Schedules {
        self
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        doctor::diagnose(&self.link).await
    }

    async fn mend(&self, finding: &str) -> Result<()> {
        doctor::mend(&self.link, finding).await
    }

    async fn close(&self) -> Result<()> {
        self.link.leaving.have_left().await;
        Ok(())
    }
}
