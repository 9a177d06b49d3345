//! Publishing a stream: batched, pipelined, every confirmation told with the caller's tag.

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

/// A batch is sent once it holds so many bytes.
const BATCH_BYTES: usize = 1 << 20;

/// How a publisher batches.
#[derive(Debug, Clone, Copy)]
pub struct PublisherOptions {
    /// Messages per batch, as long as they stay below 1 MiB together.
    pub batch: usize,
    /// Batches in flight.
    pub in_flight: usize,
    /// A batch is sent when its oldest message is this old.
    pub linger: Duration,
    /// At most one message of a key, or of a topic where there is no key, is in flight, so that nothing overtakes it
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

/// A batch that was sent; it goes on by itself while the caller reads input.
enum Sent {
    Done(Results),
    Under(JoinHandle<Results>),
}

/// Publishes a stream of messages; `T` says which is which (a line number, a cause).
///
/// No method loses anything when its future is dropped: what was confirmed meanwhile is returned by the next.
pub struct Publisher<T> {
    transport: Arc<dyn Transport>,
    options: PublisherOptions,
    batch: Vec<Outgoing>,
    tags: Vec<T>,
    bytes: usize,
    oldest: Instant,
    sent: VecDeque<(Vec<T>, Sent)>,
    told: Vec<(T, Result<Receipt>)>,
    lanes: Lanes,
    /// What waits for a message of its lane that is under way.
    entering: Option<(Outgoing, T)>,
}

/// What must not be overtaken: a key, or a topic where there is none.
type Lane = (Option<Topic>, Option<Bytes>);

/// Which batch holds the last message of a lane, where order is kept.
#[derive(Default)]
struct Lanes {
    last: HashMap<Lane, u64>,
    /// The number of the batch that is being filled.
    filling: u64,
    /// How many batches are confirmed.
    confirmed: u64,
}

impl Lanes {
    fn of(message: &Message) -> Lane {
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
    /// Prepares a publisher.
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
            told: Vec::new(),
            lanes: Lanes::default(),
            entering: None,
        }
    }

    /// Takes a message, waiting while the window is full; returns what was confirmed or refused meanwhile, in order.
    pub async fn push(&mut self, outgoing: Outgoing, tag: T) -> Vec<(T, Result<Receipt>)> {
        if self.options.ordered {
            // A call that was dropped may have left one.
            self.enter().await;
            self.entering = Some((outgoing, tag));
            self.enter().await;
        } else {
            self.accept(outgoing, tag).await;
        }
        std::mem::take(&mut self.told)
    }

    /// Takes the message that waits for those before it in its lane.
    async fn enter(&mut self) {
        let Some((waiting, _)) = &self.entering else {
            return;
        };
        let lane = Lanes::of(&waiting.message);
        self.make_way(&lane).await;
        if let Some((outgoing, tag)) = self.entering.take() {
            self.lanes.last.insert(lane, self.lanes.filling);
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

    /// Waits until no message of a lane is under way.
    async fn make_way(&mut self, lane: &Lane) {
        if let Some(&before) = self.lanes.last.get(lane) {
            if before == self.lanes.filling {
                self.send().await;
            }
            while self.lanes.confirmed <= before && !self.sent.is_empty() {
                self.confirm_oldest().await;
            }
        }
    }

    /// Sends what is waiting and waits until all is confirmed; call when input pauses for `linger`.
    pub async fn flush(&mut self) -> Vec<(T, Result<Receipt>)> {
        self.enter().await;
        self.send().await;
        while !self.sent.is_empty() {
            self.confirm_oldest().await;
        }
        std::mem::take(&mut self.told)
    }

    /// Sends the rest and waits for every confirmation.
    pub async fn finish(mut self) -> Vec<(T, Result<Receipt>)> {
        self.flush().await
    }

    /// Reports whether nothing is waiting to be sent, confirmed or told.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let taken = self.batch.is_empty() && self.entering.is_none();
        taken && self.sent.is_empty() && self.told.is_empty()
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
        self.lanes.filling += 1;
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
            let told = tags
                .into_iter()
                .map(|tag| (tag, results.next().unwrap_or_else(unanswered)));
            self.told.extend(told);
            self.lanes.confirm();
        }
    }
}

/// Polls once here, because batches keep the order in which they are first polled; the rest of the way is
/// a task of its own.
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
        "the program stopped before the confirmation came",
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
