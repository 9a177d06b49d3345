//! Publishing a stream: batched, pipelined, every confirmation told with the caller's tag.

use std::{sync::Arc, time::Duration};

use crate::transport::{Outgoing, Receipt, Result, Transport};

/// How a publisher batches.
#[derive(Debug, Clone, Copy)]
pub struct PublisherOptions {
    /// Messages per batch.
    pub batch: usize,
    /// Batches in flight.
    pub in_flight: usize,
    /// A batch is sent when its oldest message is this old.
    pub linger: Duration,
}
impl Default for PublisherOptions {
    fn default() -> Self {
        Self {
            batch: 1000,
            in_flight: 2,
            linger: Duration::from_millis(5),
        }
    }
}

/// Publishes a stream of messages; `T` says which is which (a line number, a cause).
pub struct Publisher<T> {
    _tag: std::marker::PhantomData<T>,
}

impl<T: Send + 'static> Publisher<T> {
    /// Prepares a publisher.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, options: PublisherOptions) -> Self {
        let _ = (transport, options);
        todo!()
    }
    /// Takes a message, waiting while the window is full; returns what was confirmed or refused meanwhile, in order.
    pub async fn push(&mut self, outgoing: Outgoing, tag: T) -> Vec<(T, Result<Receipt>)> {
        let _ = (outgoing, tag);
        todo!()
    }
    /// Sends what is waiting because its time is up; call when input pauses for `linger`.
    pub async fn flush(&mut self) -> Vec<(T, Result<Receipt>)> {
        todo!()
    }
    /// Sends the rest and waits for every confirmation.
    pub async fn finish(self) -> Vec<(T, Result<Receipt>)> {
        todo!()
    }
}
impl<T> std::fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Publisher")
    }
}
