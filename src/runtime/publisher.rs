//! Publishing a stream of messages: batched, pipelined, each result returned with the caller's tag.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use futures_util::poll;
use tokio::{task::JoinHandle, time::Instant};

use super::joined;
use crate::{
    event::{Message, Topic},
    transport::{ErrorKind, Outgoing, Receipt, Result, Transport, TransportError},
};

/// Bytes after which a batch is sent.
const BATCH_BYTES: usize = 1 << 20;

/// Options of a publisher.
#[derive(Debug, Clone, Copy)]
pub struct PublisherOptions {
    /// Messages per batch, as long as it stays below 1 MiB.
    pub batch: usize,
    /// Batches in flight.
    pub in_flight: usize,
    /// Age of its oldest message after which a batch is sent.
    pub linger: Duration,
    /// Keeps at most one message of a key in flight (of a topic, for messages without a key), so that nothing overtakes it
    /// when it has to be sent again. Slower.
    pub ordered: bool,
}

impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            batch: 1000,
            in_flight: 4,
            linger: Duration::from_millis(5),
            ordered: false,
        }
    }
}

type Results = Vec<Result<Receipt>>;

/// A batch that was sent. It makes progress by itself while the caller reads input.
enum Sent {
    Done(Results),
    Under(JoinHandle<Results>),
}

/// Publishes a stream of messages; the tag `T` identifies each (a line number, a cause).
///
/// All methods are cancellation-safe: results that were confirmed meanwhile are returned by the next call.
pub struct Publisher<T> {
    transport: Arc<dyn Transport>,
    options: PublisherOptions,
    batch: Vec<Outgoing>,
    tags: Vec<T>,
    bytes: usize,
    oldest: Instant,
    sent: VecDeque<(Vec<T>, Sent)>,
    confirmed_results: Vec<(T, Result<Receipt>)>,
    queues: KeyQueues,
    /// A message that waits for an earlier one of its key queue.
    queued: Option<(Outgoing, T)>,
}

/// A sequence that must keep its order: a key, or a topic for messages without a key.
type KeyQueue = (Option<Topic>, Option<Bytes>);

/// The batch that holds the last message of each key queue, where order is kept.
#[derive(Default)]
struct KeyQueues {
    last: HashMap<KeyQueue, u64>,
    /// The number of the batch that is being filled.
    filling: u64,
    /// Number of confirmed batches.
    confirmed: u64,
}

impl KeyQueues {
    fn of(message: &Message) -> KeyQueue {
        match &message.key {
            Some(key) => (None, Some(key.clone())),
            None => (Some(message.topic.clone()), None),
        }
    }

    fn confirm(&mut self) {
        self.confirmed += 1;
        let confirmed = self.confirmed;
        self.last.retain(|_, batch| *batch >= confirmed);
    }
}

impl<T: Send + 'static> Publisher<T> {
    /// Creates a publisher.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, options: PublisherOptions) -> Self {
        Self {
            transport,
            options,
            batch: Vec::new(),
            tags: Vec::new(),
            bytes: 0,
            oldest: Instant::now(),
            sent: VecDeque::new(),
            confirmed_results: Vec::new(),
            queues: KeyQueues::default(),
            queued: None,
        }
    }

    /// Takes a message and waits while the window is full; returns the results that arrived meanwhile, in order.
    pub async fn push(&mut self, outgoing: Outgoing, tag: T) -> Vec<(T, Result<Receipt>)> {
        if self.options.ordered {
            // A call whose future was dropped may have left one.
            self.enter().await;
            self.queued = Some((outgoing, tag));
            self.enter().await;
        } else {
            self.accept(outgoing, tag).await;
        }
        std::mem::take(&mut self.confirmed_results)
    }

    /// Accepts the message that waits, once those before it in its key queue are confirmed.
    async fn enter(&mut self) {
        let Some((waiting, _)) = &self.queued else {
            return;
        };
        let queue = KeyQueues::of(&waiting.message);
        self.wait_for_queue(&queue).await;
        if let Some((outgoing, tag)) = self.queued.take() {
            self.queues.last.insert(queue, self.queues.filling);
            self.accept(outgoing, tag).await;
        }
    }

    async fn accept(&mut self, outgoing: Outgoing, tag: T) {
        let now = Instant::now();
        if self.batch.is_empty() {
            self.oldest = now;
        }
        self.bytes += size(&outgoing.message);
        self.batch.push(outgoing);
        self.tags.push(tag);
        let full = self.batch.len() >= self.options.batch.max(1) || self.bytes >= BATCH_BYTES;
        if full || now - self.oldest >= self.options.linger {
            self.send().await;
        }
    }

    /// Waits until no message of this key queue is in flight.
    async fn wait_for_queue(&mut self, queue: &KeyQueue) {
        if let Some(&before) = self.queues.last.get(queue) {
            if before == self.queues.filling {
                self.send().await;
            }
            while self.queues.confirmed <= before && !self.sent.is_empty() {
                self.confirm_oldest().await;
            }
        }
    }

    /// Sends the current batch and waits for every confirmation. Call it when input pauses for `linger`.
    pub async fn flush(&mut self) -> Vec<(T, Result<Receipt>)> {
        self.enter().await;
        self.send().await;
        while !self.sent.is_empty() {
            self.confirm_oldest().await;
        }
        std::mem::take(&mut self.confirmed_results)
    }

    /// Sends the rest, waits for every confirmation and returns the results.
    pub async fn finish(mut self) -> Vec<(T, Result<Receipt>)> {
        self.flush().await
    }

    /// Reports whether no message is waiting to be sent or confirmed, and no result to be returned.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let taken = self.batch.is_empty() && self.queued.is_none();
        taken && self.sent.is_empty() && self.confirmed_results.is_empty()
    }

    async fn send(&mut self) {
        self.confirm_ready().await;
        while self.sent.len() >= self.options.in_flight.max(1) {
            self.confirm_oldest().await;
        }
        if self.batch.is_empty() {
            return;
        }
        self.bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let tags = std::mem::take(&mut self.tags);
        let transport = Arc::clone(&self.transport);
        let future = Box::pin(async move { transport.publish(batch).await });
        self.queues.filling += 1;
        self.sent.push_back((tags, start(future).await));
    }

    async fn confirm_ready(&mut self) {
        while let Some((_, sent)) = self.sent.front() {
            match sent {
                Sent::Under(handle) if !handle.is_finished() => return,
                _ => self.confirm_oldest().await,
            }
        }
    }

    async fn confirm_oldest(&mut self) {
        let Some((tags, sent)) = self.sent.front_mut() else {
            return;
        };
        if let Sent::Under(handle) = sent {
            let cut_off = || tags.iter().map(|_| Err(cut_off(&self.transport))).collect();
            *sent = Sent::Done(joined(handle).await.unwrap_or_else(cut_off));
        }
        if let Some((tags, Sent::Done(results))) = self.sent.pop_front() {
            let mut results = results.into_iter();
            let unanswered = || Err(TransportError::unanswered(self.transport.scheme()));
            let results = tags
                .into_iter()
                .map(|tag| (tag, results.next().unwrap_or_else(unanswered)));
            self.confirmed_results.extend(results);
            self.queues.confirm();
        }
    }
}

/// Polls the batch once here, because batches are stored in the order of their first poll; then it is a task of its own.
async fn start(mut future: Pin<Box<dyn Future<Output = Results> + Send>>) -> Sent {
    match poll!(future.as_mut()) {
        Poll::Ready(results) => Sent::Done(results),
        Poll::Pending => Sent::Under(tokio::spawn(future)),
    }
}

fn cut_off(transport: &Arc<dyn Transport>) -> TransportError {
    TransportError::new(
        transport.scheme(),
        ErrorKind::Ambiguous,
        "the executor was shut down before the confirmation arrived",
    )
}

fn size(message: &Message) -> usize {
    let headers = message.headers.iter();
    let headers: usize = headers
        .map(|(name, value)| name.len() + value.map_or(0, bytes::Bytes::len))
        .sum();
    message.bytes().len() + message.key.as_ref().map_or(0, bytes::Bytes::len) + headers
}

impl<T> fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Publisher")
            .field("waiting", &self.batch.len())
            .field("in_flight", &self.sent.len())
            .finish_non_exhaustive()
    }
}
