//! Batches that are stored together with a receipt.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use super::{ErrorKind, Outgoing, TransportError};

/// Publishes batches under a name, each in one transaction with a receipt that a successor reads back.
///
/// A process that moves events from one place to another crashes between storing them here and removing them there. Its
/// successor reads the last receipt and knows which ones are stored, which makes the move exactly once.
///
/// Opening a name ([`Transport::receipted`](super::Transport::receipted)) fences the publishers that were opened with a
/// lower number: no batch of theirs is stored afterwards.
#[async_trait]
pub trait ReceiptedPublisher: fmt::Debug + Send + Sync {
    /// Returns the receipt of the last batch that was stored under the name before this publisher was opened.
    fn receipt(&self) -> Option<&Bytes>;

    /// Returns how many messages a batch may have.
    fn limit(&self) -> usize {
        usize::MAX
    }

    /// Stores all messages and the receipt, or nothing.
    ///
    /// A delay is refused. After an error that names no message the publisher must not be used again: open the name once
    /// more to learn whether the batch was stored. The same holds after the future was dropped.
    ///
    /// # Errors
    /// If a message is refused, the server does not answer, or the name was taken over
    /// ([`ErrorKind::Held`](super::ErrorKind::Held)).
    async fn publish(&mut self, batch: Vec<Outgoing>, receipt: Bytes) -> Result<(), BatchError>;
}

/// A publisher of batches with receipts, where the store has one.
pub type Receipted = Option<Box<dyn ReceiptedPublisher>>;

/// Why a batch was not stored.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct BatchError {
    /// The message of the batch that was refused, if it was one.
    pub message: Option<usize>,
    /// Why.
    pub error: TransportError,
}

impl From<TransportError> for BatchError {
    fn from(error: TransportError) -> Self {
        Self {
            message: None,
            error,
        }
    }
}

impl BatchError {
    /// Refuses a batch with a delayed message: a receipt says that it is published.
    pub(crate) fn refuse_delays(transport: &'static str, batch: &[Outgoing]) -> Result<(), Self> {
        let delayed = batch.iter().position(|outgoing| outgoing.due.is_some());
        let Some(message) = delayed else {
            return Ok(());
        };
        let text = "a batch with a receipt has no delayed messages";
        Err(Self {
            message: Some(message),
            error: TransportError::new(transport, ErrorKind::Unsupported, text),
        })
    }
}
