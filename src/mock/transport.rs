//! The mock: it records publishes and verdicts, and leaves the rest to a store in this process.

use std::{
    fmt,
    sync::{Arc, MutexGuard},
};

use async_trait::async_trait;
use tokio::sync::watch;

use super::{
    NAME, Published, Settled,
    log::{Failing, Log},
    subscription::Recording,
};
use crate::{
    Event,
    backends::memory::Memory,
    event::{Encoding, Message, Topic, encode},
    lock::Mutex,
    transport::{
        Capabilities, DeadLetters, ErrorKind, Finding, Outgoing, Receipt, Result, Schedules,
        SubscribeRequest, Subscription, Tail, TailRequest, Transport, TransportError,
    },
};

/// A transport that records, beside a store in this process. Clones share both.
///
/// What is published is stored as anywhere: a consumer on its topic gets it. A retry comes again at once,
/// however long it was to wait: the time is in what was [settled](Self::settled).
#[derive(Clone)]
pub struct Mock {
    memory: Memory,
    log: Arc<Mutex<Log>>,
    pub(super) settled: watch::Sender<usize>,
}

impl Mock {
    /// Returns a mock in which nothing has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            memory: Memory::new(),
            log: Arc::default(),
            settled: watch::Sender::new(0),
        }
    }

    /// Returns the transport, to be given to what is tested.
    #[must_use]
    pub fn transport(&self) -> Arc<dyn Transport> {
        Arc::new(self.clone())
    }

    /// Feeds an event to the consumers of its type, without recording it as published.
    ///
    /// # Errors
    /// If an attribute breaks a rule, or the type cannot be a topic.
    pub async fn feed(&self, event: &Event) -> Result<()> {
        let topic: Topic = cloudevents::AttributesReader::ty(event)
            .parse()
            .map_err(invalid)?;
        let message = encode(event, topic, self.memory.encoding()).map_err(invalid)?;
        self.feed_message(message).await
    }

    /// Feeds a message, which may be no event, to the consumers of its topic.
    ///
    /// # Errors
    /// If the store refuses it.
    pub async fn feed_message(&self, message: Message) -> Result<()> {
        let results = self.memory.publish(vec![message.into()]).await;
        results.into_iter().try_for_each(|result| result.map(drop))
    }

    /// Returns what was published, in order; what was made to fail is not there.
    #[must_use]
    pub fn published(&self) -> Vec<Published> {
        self.log().published.clone()
    }

    /// Returns what was settled, in order.
    #[must_use]
    pub fn settled(&self) -> Vec<Settled> {
        self.log().settled.clone()
    }

    /// Waits until so many deliveries were settled, and returns what was settled.
    pub async fn wait_settled(&self, count: usize) -> Vec<Settled> {
        let mut watch = self.settled.subscribe();
        // We hold the sender, so that the wait can only end well.
        let _ = watch.wait_for(|settled| *settled >= count).await;
        self.settled()
    }

    /// Makes every publish from now on fail.
    pub fn fail_publishes(&self, kind: ErrorKind) {
        self.log().failing = Some(Failing { kind, left: None });
    }

    /// Makes the next so many messages that are published fail.
    pub fn fail_next_publishes(&self, count: usize, kind: ErrorKind) {
        self.log().failing = Some(Failing {
            kind,
            left: Some(count),
        });
    }

    /// Lets publishes succeed again.
    pub fn accept_publishes(&self) {
        self.log().failing = None;
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock()
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
        let log = self.log();
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
            let refusal = self.log().refusal();
            if let Some(error) = refusal {
                results.push(Err(error));
                continue;
            }
            self.log().published.push(Published {
                message: outgoing.message.clone(),
                due: outgoing.due,
            });
            results.extend(self.memory.publish(vec![outgoing]).await);
        }
        results
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        let inner = self.memory.subscribe(request).await?;
        Ok(Arc::new(Recording::new(self.clone(), inner)))
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
