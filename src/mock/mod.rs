//! A transport for your own tests: it records what is published, feeds deliveries, and tells how each was
//! settled.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//!
//! use protoflow::{Event, EventExt, HandlerError, Service, event, mock::Mock, transport::Verdict};
//!
//! // What is tested: a handler that asks for payment, and fails at first.
//! async fn on_order(service: Service, order: Event) -> Result<(), HandlerError> {
//!     if order.attempt() == 1 {
//!         return Err(HandlerError::retry("the bank is closed"));
//!     }
//!     let payment = event("payment.requested", "billing").build()?;
//!     service.publish_after(payment, Duration::from_secs(60)).await?;
//!     Ok(())
//! }
//!
//! let mock = Mock::new();
//! let service = Service::builder().group("billing").over(mock.transport())?;
//! mock.feed(&event("order.created", "shop").build()?).await?;
//!
//! let handled = service.clone();
//! service
//!     .consume("order.created", move |order: Event| on_order(handled.clone(), order))
//!     .until_end()
//!     .await?;
//!
//! let settled = mock.settled();
//! assert!(matches!(settled[0].verdict, Verdict::Retry { .. }));
//! assert_eq!(settled[1].verdict, Verdict::Ack);
//! let published = mock.published();
//! assert_eq!(published[0].message.topic.as_str(), "payment.requested");
//! assert!(published[0].due.is_some(), "it is for later");
//! # Ok(())
//! # }
//! ```

mod subscription;
mod transport;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use tokio::sync::watch;

use crate::{
    Event,
    backends::memory::Memory,
    event::{EventError, Message, Topic, decode, encode},
    transport::{Attempts, ErrorKind, Result, Transport, TransportError, Verdict},
};

/// The name under which the mock's own errors are told.
const NAME: &str = "mock";

/// Something that was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The message.
    pub message: Message,
    /// When it is due, if it was published for later.
    pub due: Option<SystemTime>,
}

impl Published {
    /// Decodes the event.
    ///
    /// # Errors
    /// If the message is no event.
    pub fn event(&self) -> Result<Event, EventError> {
        decode(&self.message)
    }
}

/// A delivery that was settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The message.
    pub message: Message,
    /// What had become of earlier runs.
    pub attempts: Attempts,
    /// What it was settled as.
    pub verdict: Verdict,
}

impl Settled {
    /// Decodes the event.
    ///
    /// # Errors
    /// If the message is no event.
    pub fn event(&self) -> Result<Event, EventError> {
        decode(&self.message)
    }
}

/// What was seen, and how publishing is to fail.
#[derive(Debug, Default)]
struct Log {
    published: Vec<Published>,
    settled: Vec<Settled>,
    failing: Option<Failing>,
}

/// Publishes that are to fail.
#[derive(Debug, Clone, Copy)]
struct Failing {
    kind: ErrorKind,
    /// How many more; none means until told otherwise.
    left: Option<usize>,
}

/// A transport that records, beside a store in this process. Clones share both.
///
/// What is published is stored as anywhere: a consumer on its topic gets it. A retry comes again at once,
/// however long it was to wait: the time is in what was [settled](Self::settled).
#[derive(Clone)]
pub struct Mock {
    memory: Memory,
    log: Arc<Mutex<Log>>,
    settled: watch::Sender<usize>,
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

    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    /// Returns the error with which the next publish is to fail.
    fn refusal(&mut self) -> Option<TransportError> {
        let failing = self.failing.as_mut()?;
        if let Some(left) = &mut failing.left {
            if *left == 0 {
                return None;
            }
            *left -= 1;
        }
        Some(TransportError::new(
            NAME,
            failing.kind,
            "this publish was made to fail",
        ))
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
