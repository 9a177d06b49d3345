//! A target that refuses a batch without saying which row is to blame.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use protoflow::{
    event::{Encoding, Topic},
    outbox::RowFilter,
    transport::{
        BatchError, Capabilities, DeadLetters, ErrorKind, Finding, Outgoing, Receipt, Receipted,
        ReceiptedPublisher, Result, Schedules, SubscribeRequest, Subscription, Tail, TailRequest,
        Transport, TransportError,
    },
};

use crate::{
    harness::{FileTarget, Verdict, drain, judge, target},
    sqlite::App,
};

/// The sizes of the batches that were tried.
type Sizes = Arc<Mutex<Vec<usize>>>;

/// Refuses batches that have the event `a-37`.
#[derive(Debug)]
struct Picky {
    inner: Arc<dyn Transport>,
    sizes: Sizes,
}

#[derive(Debug)]
struct PickyBatches {
    inner: Box<dyn ReceiptedPublisher>,
    sizes: Sizes,
}

#[async_trait]
impl ReceiptedPublisher for PickyBatches {
    fn receipt(&self) -> Option<&Bytes> {
        self.inner.receipt()
    }

    async fn publish(
        &mut self,
        batch: Vec<Outgoing>,
        receipt: Bytes,
    ) -> std::result::Result<(), BatchError> {
        self.sizes.lock().unwrap().push(batch.len());
        let is_poison = |outgoing: &Outgoing| {
            String::from_utf8_lossy(outgoing.message.bytes()).contains("\"a-37\"")
        };
        if batch.iter().any(is_poison) {
            return Err(TransportError::new("picky", ErrorKind::Other, "not this batch").into());
        }
        self.inner.publish(batch, receipt).await
    }
}

#[async_trait]
impl Transport for Picky {
    fn scheme(&self) -> &'static str {
        "picky"
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
        Ok(Some(Box::new(PickyBatches { inner, sizes })))
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smaller_batches_show_which_row_a_batch_was_refused_for() {
    let (app, file) = (App::new().await, FileTarget::new());
    let before = app.insert(0..37, "a");
    let _poison_and_behind = app.insert(37..60, "a");
    let others = app.insert(0..140, "b");
    let sizes = Sizes::default();
    let target: Arc<dyn Transport> = Arc::new(Picky {
        inner: target(&file.url()).await,
        sizes: Arc::clone(&sizes),
    });
    let summary = drain(&app.outbox, &target).await;
    assert_eq!((summary.sent, summary.refused), (37 + 140, 1));
    let published = [before, others].concat();
    assert_eq!(judge(&file.stored(), &published), Verdict::default());
    let refused = app.outbox.list(RowFilter::Refused, 0, 10).await.unwrap();
    assert_eq!((refused.len(), refused[0].id), (1, 38));
    let sizes = sizes.lock().unwrap();
    assert_eq!(sizes[..3], [200, 100, 50]);
    assert!(sizes.contains(&1) && sizes.len() < 30, "{sizes:?}");
}
