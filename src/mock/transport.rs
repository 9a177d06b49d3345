//! The mock: an in-memory store whose publishes and verdicts are recorded.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use super::{
    NAME,
    recorder::{Failing, Published, Recorder, Settled},
    subscription::Recording,
};
use crate::{
    Event,
    backends::memory::Memory,
    event::{Encoding, Message, Topic, encode},
    transport::{
        Capabilities, DeadLetters, ErrorKind, Finding, Outgoing, Receipt, Result, Schedules,
        SubscribeRequest, Subscription, Tail, TailRequest, Transport, TransportError,
    },
};

/// An in-memory store that records what is published and settled. Clones share the store and the record.
///
/// Published events are stored as on any transport: consumers of the topic get them. A retry is delivered at once,
/// whatever its delay; [`settled`](Self::settled) has the delay.
#[derive(Clone)]
pub struct Mock {
    memory: Memory,
    recorder: Recorder,
}

impl Mock {
    /// Creates a mock with an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            memory: Memory::new(),
            recorder: Recorder::new(),
        }
    }

    /// Returns the transport, for the code under test.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// Feeds an event to the consumers of its type, without recording it as published.
    ///
    /// # Errors
    /// If an attribute is not valid, or the type is not a valid topic.
    pub async fn feed(&self, event: &Event) -> Result<()> {
        let topic: Topic = cloudevents::AttributesReader::ty(event)
            .parse()
            .map_err(invalid)?;
        let message = encode(event, topic, self.memory.encoding()).map_err(invalid)?;
        self.feed_message(message).await
    }

    /// Feeds a message, which need not be an event, to the consumers of its topic.
    ///
    /// # Errors
    /// If the store rejects it.
    pub async fn feed_message(&self, message: Message) -> Result<()> {
        let results = self.memory.publish(vec![message.into()]).await;
        results.into_iter().try_for_each(|result| result.map(drop))
    }

    /// Returns the published messages in order, without those that failed.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.recorder.log().published.clone()
    }

    /// Returns the settled deliveries in order.
    #[must_use]
    pub fn settled(&self) -> Vec<Settled> {
        self.recorder.log().settled.clone()
    }

    /// Waits until `count` deliveries are settled, and returns all that are.
    pub async fn wait_settled(&self, count: usize) -> Vec<Settled> {
        self.recorder.wait_settled(count).await;
        self.settled()
    }

    /// Makes every publish from now on fail.
    pub fn fail_publishes(&self, kind: ErrorKind) {
        self.recorder.log().failing = Some(Failing { kind, left: None });
    }

    /// Makes the next `count` published messages fail.
    pub fn fail_next_publishes(&self, count: usize, kind: ErrorKind) {
        self.recorder.log().failing = Some(Failing {
            kind,
            left: Some(count),
        });
    }

    /// Lets publishes succeed again.
    pub fn accept_publishes(&self) {
        self.recorder.log().failing = None;
    }
}

fn invalid(error: impl std::error::Error + Send + Sync + 'static) -> TransportError {
    TransportError::new(NAME, ErrorKind::Invalid, "the event cannot be fed").because(error)
}

impl Default for Mock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Mock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.recorder.log();
        f.debug_struct("Mock")
            .field("published", &log.published.len())
            .field("settled", &log.settled.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Transport for Mock {
    fn scheme(&self) -> &'static str {
        NAME
    }

    fn encoding(&self) -> Encoding {
        self.memory.encoding()
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        let mut capabilities = self.memory.capabilities().await?;
        self.scheme().clone_into(&mut capabilities.transport);
        Ok(capabilities)
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.memory.topics().await
    }

    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.memory.create(topic).await
    }

    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        let mut results = Vec::with_capacity(batch.len());
        for outgoing in batch {
            let refusal = self.recorder.log().refusal();
            if let Some(error) = refusal {
                results.push(Err(error));
                continue;
            }
            self.recorder.log().published.push(Published {
                message: outgoing.message.clone(),
                due: outgoing.due,
            });
            results.extend(self.memory.publish(vec![outgoing]).await);
        }
        results
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        let inner = self.memory.subscribe(request).await?;
        Ok(Arc::new(Recording::new(self.recorder.clone(), inner)))
    }

    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        self.memory.tail(request).await
    }

    fn dead_letters(&self) -> &dyn DeadLetters {
        self.memory.dead_letters()
    }

    fn schedules(&self) -> &dyn Schedules {
        self.memory.schedules()
    }

    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.memory.diagnose().await
    }

    async fn fix(&self, finding: &str) -> Result<()> {
        self.memory.fix(finding).await
    }

    async fn close(&self) -> Result<()> {
        self.memory.close().await
    }
}
