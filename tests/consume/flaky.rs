//! A transport that fails on request.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use protoflow::{
    event::{Encoding, Topic},
    transport::{
        Capabilities, DeadLetters, Delivery, ErrorKind, Finding, Handling, HeldElsewhere, Mark,
        Marks, Outgoing, Receipt, Result, Schedules, Settlement, SubscribeRequest, Subscription,
        Tail, TailRequest, Ticket, Transport, TransportError, Verdict,
    },
};

type Script = Arc<Mutex<VecDeque<Option<ErrorKind>>>>;

/// Fails with these errors before anything is passed on; none passes one on.
#[derive(Debug, Clone)]
pub struct Flaky {
    inner: Arc<dyn Transport>,
    /// One for each call of `next`.
    pub next: Script,
    /// One for each message published.
    pub publish: Script,
    /// One for each dead letter settled.
    pub dead_letter: Script,
    /// One for each acknowledgement.
    pub ack: Script,
    /// Number of batches that are neither stored nor answered.
    pub silent: Arc<AtomicU32>,
    /// Time that publishing a batch takes.
    pub slowness: Duration,
    /// Time that looking up marks takes.
    pub slow_marks: Duration,
    /// Time that the answer of a look-up of marks takes. Beginnings are not in it: a store need not note them then.
    pub late_marks: Duration,
    /// How many messages each batch had that was published.
    pub batches: Arc<Mutex<Vec<usize>>>,
    /// Whether joining a group never completes.
    pub is_closed: bool,
}

impl Flaky {
    pub fn new(inner: &Arc<dyn Transport>) -> Self {
        Self {
            inner: Arc::clone(inner),
            next: Script::default(),
            publish: Script::default(),
            dead_letter: Script::default(),
            ack: Script::default(),
            silent: Arc::default(),
            slowness: Duration::ZERO,
            slow_marks: Duration::ZERO,
            late_marks: Duration::ZERO,
            batches: Arc::default(),
            is_closed: false,
        }
    }
}

pub fn fail(failing: &Script, kinds: impl IntoIterator<Item = ErrorKind>) {
    script(failing, kinds.into_iter().map(Some));
}

pub fn script(script: &Script, steps: impl IntoIterator<Item = Option<ErrorKind>>) {
    script.lock().unwrap().extend(steps);
}

fn due(script: &Script) -> Option<TransportError> {
    let kind = script.lock().unwrap().pop_front()??;
    Some(TransportError::new("flaky", kind, "as asked for"))
}

#[async_trait]
impl Transport for Flaky {
    fn scheme(&self) -> &'static str {
        "flaky"
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
        self.batches.lock().unwrap().push(batch.len());
        if !self.slowness.is_zero() {
            tokio::time::sleep(self.slowness).await;
        }
        let silent = self
            .silent
            .fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        if silent.is_ok() {
            return Vec::new();
        }
        let mut results = Vec::new();
        for outgoing in batch {
            match due(&self.publish) {
                Some(error) => results.push(Err(error)),
                None => results.extend(self.inner.publish(vec![outgoing]).await),
            }
        }
        results
    }
    async fn subscribe(&self, request: SubscribeRequest) -> Result<Arc<dyn Subscription>> {
        if self.is_closed {
            return std::future::pending().await;
        }
        let inner = self.inner.subscribe(request).await?;
        let script = self.clone();
        Ok(Arc::new(FlakySubscription { inner, script }))
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

#[derive(Debug)]
struct FlakySubscription {
    inner: Arc<dyn Subscription>,
    script: Flaky,
}

#[async_trait]
impl Subscription for FlakySubscription {
    async fn next(&self, max: usize) -> Result<Vec<Delivery>> {
        match due(&self.script.next) {
            Some(error) => Err(error),
            None => self.inner.next(max).await,
        }
    }

    async fn settle(&self, batch: Vec<Settlement>) -> Vec<Result<()>> {
        let mut results = Vec::new();
        for settlement in batch {
            let error = match &settlement.verdict {
                Verdict::DeadLetter { .. } => due(&self.script.dead_letter),
                Verdict::Ack => due(&self.script.ack),
                _ => None,
            };
            match error {
                Some(error) => results.push(Err(error)),
                None => results.extend(self.inner.settle(vec![settlement]).await),
            }
        }
        results
    }

    async fn extend(&self, tickets: &[Ticket]) -> Result<Vec<Ticket>> {
        self.inner.extend(tickets).await
    }

    fn marks(&self) -> Option<&dyn Marks> {
        self.inner.marks().map(|_| self as &dyn Marks)
    }

    async fn held_elsewhere(&self) -> Result<Option<HeldElsewhere>> {
        self.inner.held_elsewhere().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[async_trait]
impl Marks for FlakySubscription {
    async fn look_up(&self, handlings: &[Handling]) -> Result<Vec<Option<Mark>>> {
        tokio::time::sleep(self.script.slow_marks).await;
        let mut marks = self.inner.marks().unwrap().look_up(handlings).await?;
        if !self.script.late_marks.is_zero() {
            tokio::time::sleep(self.script.late_marks).await;
            for mark in &mut marks {
                mark.take_if(|mark| matches!(mark, Mark::Begun(_)));
            }
        }
        Ok(marks)
    }

    async fn begin(&self, handling: &Handling) -> Result<Option<Mark>> {
        self.inner.marks().unwrap().begin(handling).await
    }
}
