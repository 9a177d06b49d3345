//! A producer with a result for each record of a batch: one allocation a batch, and a thread that serves the answers.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Message as _,
    error::KafkaError,
    message::{DeliveryResult, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext},
    types::RDKafkaErrorCode as Code,
};
use tokio::sync::Notify;

use super::{
    client::{self, context::Context, errors::ClientErrors},
    threads,
};
use crate::{backends::kafka::codec::record::OutgoingRecord, lock::Mutex, transport::Result};

/// How many records are enqueued before the delivery reports of earlier ones are read.
const TURN: usize = 256;
/// How long the thread rests when no answer has come.
const REST: Duration = Duration::from_micros(500);

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordMetadata {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// When the broker or the client says that it was stored, in milliseconds since the epoch.
    pub(crate) millis: Option<i64>,
}

/// A batch on its way.
#[derive(Debug)]
pub(crate) struct Batch {
    left: AtomicUsize,
    results: Vec<OnceLock<Result<RecordMetadata, Code>>>,
    done: Notify,
}

impl Batch {
    pub(crate) fn new(count: usize) -> Self {
        Self {
            left: AtomicUsize::new(count),
            results: (0..count).map(|_| OnceLock::new()).collect(),
            done: Notify::new(),
        }
    }

    pub(crate) fn fill(&self, slot: usize, result: Result<RecordMetadata, Code>) {
        if let Some(place) = self.results.get(slot) {
            let _ = place.set(result);
        }
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.done.notify_one();
        }
    }

    async fn wait(&self) {
        while !self.is_done() {
            self.done.notified().await;
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    /// Returns the results; a record of which nothing was heard is of unknown outcome.
    pub(crate) fn results(&self) -> Vec<Result<RecordMetadata, Code>> {
        let results = self.results.iter();
        results
            .map(|slot| slot.get().copied().unwrap_or(Err(Code::MessageTimedOut)))
            .collect()
    }
}

/// What a record carries until its answer comes: its batch and its place in it.
pub(crate) type Slot = Box<(Arc<Batch>, usize)>;

/// The client of a producer, which hands each record's answer to its batch.
pub(crate) type ProducerClient = BaseProducer<Context>;

impl ProducerContext for Context {
    type DeliveryOpaque = Slot;

    fn delivery(&self, result: &DeliveryResult<'_>, slot: Slot) {
        if let Err((KafkaError::MessageProduction(Code::TopicAuthorizationFailed), record)) = result
        {
            self.errors.note_denied_topic(record.topic());
        }
        let (batch, number) = *slot;
        batch.fill(number, outcome(result));
    }
}

/// Returns the answer of a single record. Without one its outcome is unknown, and it counts as stored nowhere.
fn only(
    answers: impl IntoIterator<Item = Result<RecordMetadata, Code>>,
) -> Result<RecordMetadata, Code> {
    answers
        .into_iter()
        .next()
        .unwrap_or(Err(Code::MessageTimedOut))
}

fn outcome(result: &DeliveryResult<'_>) -> Result<RecordMetadata, Code> {
    match result {
        Ok(record) => Ok(RecordMetadata {
            partition: record.partition(),
            offset: record.offset(),
            millis: record.timestamp().to_millis(),
        }),
        Err((failed, _)) => Err(failed.rdkafka_error_code().unwrap_or(Code::Unknown)),
    }
}

/// A producer and the thread that hands records over to it and takes the answers in.
pub(crate) struct Producer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    client: ProducerClient,
    stop: AtomicBool,
    /// Batches go to the client in the order in which they came here.
    loads: Mutex<VecDeque<PendingBatch>>,
}

/// Records that were not handed over to the client yet.
struct PendingBatch {
    records: Vec<OutgoingRecord>,
    batch: Arc<Batch>,
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Producer")
    }
}

impl Producer {
    /// Makes a producer with these settings.
    pub(crate) fn new(settings: &ClientConfig) -> Result<Self> {
        let shared = Arc::new(Shared {
            client: client::create(settings, Context::default())?,
            stop: AtomicBool::new(false),
            loads: Mutex::default(),
        });
        let served = Arc::clone(&shared);
        let thread = threads::spawn("pf-kafka-producer", move || serve(&served))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Tells why nobody answers, as far as it was heard.
    pub(crate) fn errors(&self) -> &ClientErrors {
        &self.shared.client.context().errors
    }

    /// Sends records and waits for the answers, one each, in order. A full queue holds the caller back. Not to be
    /// dropped by who needs to know what was stored.
    pub(crate) async fn send(
        &self,
        records: Vec<OutgoingRecord>,
    ) -> Vec<Result<RecordMetadata, Code>> {
        let batch = Arc::new(Batch::new(records.len()));
        let load = PendingBatch {
            records,
            batch: Arc::clone(&batch),
        };
        self.shared.loads().push_back(load);
        self.wake();
        batch.wait().await;
        batch.results()
    }

    /// Sends one record and waits for its answer.
    pub(crate) async fn send_one(&self, record: OutgoingRecord) -> Result<RecordMetadata, Code> {
        only(self.send(vec![record]).await)
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl client::MetadataClient<()> for ProducerClient {
    fn handle(&self) -> &rdkafka::client::Client<Context> {
        self.client()
    }

    fn serve(&self) {
        self.poll(Duration::ZERO);
    }
}

impl Shared {
    fn loads(&self) -> std::sync::MutexGuard<'_, VecDeque<PendingBatch>> {
        self.loads.lock()
    }
}

fn serve(shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        let load = shared.loads().pop_front();
        if let Some(load) = load {
            drain(shared, load);
            continue;
        }
        if shared.client.in_flight_count() == 0 {
            thread::park();
        }
        serve_or_rest(&shared.client, REST);
    }
}

fn drain(shared: &Shared, load: PendingBatch) {
    let client = &shared.client;
    for (number, record) in load.records.into_iter().enumerate() {
        let mut pending = Some(record);
        while let Some(record) = pending.take() {
            pending = enqueue(client, record, &load.batch, number);
            if pending.is_some() {
                if shared.stop.load(Ordering::Acquire) {
                    return;
                }
                serve_or_rest(client, REST);
            }
        }
        if number % TURN == 0 {
            client.poll(Duration::ZERO);
        }
    }
}

/// Takes in the answers that have come, or rests where there are none. The client's own wait would spend its last
/// millisecond asking again and again, with a processor for itself.
pub(crate) fn serve_or_rest(client: &ProducerClient, rest: Duration) {
    let before = client.in_flight_count();
    client.poll(Duration::ZERO);
    if client.in_flight_count() >= before {
        thread::park_timeout(rest);
    }
}

/// Hands a record to the client; returns it if there is no room. A refusal is the record's result.
pub(crate) fn enqueue(
    client: &ProducerClient,
    mut record: OutgoingRecord,
    batch: &Arc<Batch>,
    number: usize,
) -> Option<OutgoingRecord> {
    let slot: Slot = Box::new((Arc::clone(batch), number));
    let headers = record.headers.take();
    match client.send(lay_out(&record, headers, slot)) {
        Ok(()) => None,
        Err((KafkaError::MessageProduction(Code::QueueFull), refused)) => {
            let headers = refused.headers;
            record.headers = headers;
            Some(record)
        }
        Err((failed, _)) => {
            let code = failed.rdkafka_error_code().unwrap_or(Code::Unknown);
            batch.fill(number, Err(code));
            None
        }
    }
}

fn lay_out(
    record: &OutgoingRecord,
    headers: Option<OwnedHeaders>,
    slot: Slot,
) -> BaseRecord<'_, [u8], [u8], Slot> {
    let mut out = BaseRecord::with_opaque_to(&record.topic, slot);
    if let Some(headers) = headers {
        out = out.headers(headers);
    }
    if let Some(partition) = record.partition {
        out = out.partition(partition);
    }
    if let Some(key) = &record.key {
        out = out.key(&key[..]);
    }
    if let Some(payload) = &record.payload {
        out = out.payload(&payload[..]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_answer_is_no_confirmation() {
        assert_eq!(only([]), Err(Code::MessageTimedOut));
        let batch = Batch::new(1);
        assert!(!batch.is_done());
        assert_eq!(only(batch.results()), Err(Code::MessageTimedOut));
        let stored = RecordMetadata {
            partition: 0,
            offset: 7,
            millis: None,
        };
        batch.fill(0, Ok(stored));
        assert!(batch.is_done());
        assert_eq!(only(batch.results()), Ok(stored));
    }
}
