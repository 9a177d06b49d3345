//! A target whose batches a test refuses or swallows.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use protoflow::{
    event::{Encoding, Topic},
    transport::{
        BatchError, Capabilities, DeadLetters, ErrorKind, Finding, Outgoing, Receipt, Receipted,
        ReceiptedPublisher, Result, Schedules, SubscribeRequest, Subscription, Tail, TailRequest,
        Transport, TransportError,
    },
};

/// What becomes of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is stored.
    Stored,
    /// It is refused, and no message of it is named.
    Refused,
    /// It is confirmed and forgotten, so that the target takes no time and no room.
    Forgotten,
}

/// Decides about batches.
type Judge = fn(&[Outgoing]) -> Fate;

/// The sizes of the batches that were tried.
pub(crate) type Sizes = Arc<Mutex<Vec<usize>>>;

/// A target whose batches meet the fate that a test decides.
#[derive(Debug)]
pub(crate) struct Wrapped {
    pub(crate) inner: Arc<dyn Transport>,
    pub(crate) judge: Judge,
    pub(crate) sizes: Sizes,
}

#[derive(Debug)]
struct WrappedBatches {
    inner: Box<dyn ReceiptedPublisher>,
    judge: Judge,
    sizes: Sizes,
}

#[async_trait]
impl ReceiptedPublisher for WrappedBatches {
    fn receipt(&self) -> Option<&Bytes> {
        self.inner.receipt()
    }

    fn limit(&self) -> usize {
        self.inner.limit()
    }

    async fn publish(
        &mut self,
        batch: Vec<Outgoing>,
        receipt: Bytes,
    ) -> std::result::Result<(), BatchError> {
        self.sizes.lock().unwrap().push(batch.len());
        match (self.judge)(&batch) {
            Fate::Stored => self.inner.publish(batch, receipt).await,
            Fate::Refused => {
                let error = TransportError::new("wrapped", ErrorKind::Other, "not this batch");
                Err(error.into())
            }
            Fate::Forgotten => Ok(()),
        }
    }
}

#[async_trait]
impl Transport for Wrapped {
    fn scheme(&self) -> &'static str {
        "wrapped"
    }
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }
    async fn capabilities(&self) -> Result<Capabilities> {
        self.inner.capabilities().await
    }
    async fn topics(&self) -> Result<Vec<Topic>> {
        self.inner.topics().await
    }
    async fn create(&self, topic: &Topic) -> Result<Vec<String>> {
        self.inner.create(topic).await
    }
    async fn publish(&self, batch: Vec<Outgoing>) -> Vec<Result<Receipt>> {
        self.inner.publish(batch).await
    }
    async fn receipted(&self, name: &str, fence: u64) -> Result<Receipted> {
        let Some(inner) = self.inner.receipted(name, fence).await? else {
            return Ok(None);
        };
        let sizes = Arc::clone(&self.sizes);
        Ok(Some(Box::new(WrappedBatches {
            inner,
            judge: self.judge,
            sizes,
        })))
    }
    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        self.inner.subscribe(request).await
    }
    async fn tail(&self, request: TailRequest) -> Result<Box<dyn Tail>> {
        self.inner.tail(request).await
    }
    fn dead_letters(&self) -> &dyn DeadLetters {
        self.inner.dead_letters()
    }
    fn schedules(&self) -> &dyn Schedules {
        self.inner.schedules()
    }
    async fn diagnose(&self) -> Result<Vec<Finding>> {
        self.inner.diagnose().await
    }
    async fn fix(&self, finding: &str) -> Result<()> {
        self.inner.fix(finding).await
    }
    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
