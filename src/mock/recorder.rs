//! The record of a mock: what was published and settled, and which publishes shall fail.

use std::{
    sync::{Arc, MutexGuard},
    time::SystemTime,
};

use tokio::sync::watch;

use super::NAME;
use crate::{
    Event,
    event::{EventError, Message, decode},
    lock::Mutex,
    transport::{Attempts, ErrorKind, TransportError, Verdict},
};

/// A published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The message.
    pub message: Message,
    /// When it is due, if it was published with a delay.
    pub due: Option<SystemTime>,
}

impl Published {
    /// Decodes the event.
    ///
    /// # Errors
    /// If the message is not an event.
    pub fn event(&self) -> Result<Event, EventError> {
        decode(&self.message)
    }
}

/// A settled delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The message.
    pub message: Message,
    /// The outcomes of earlier runs.
    pub attempts: Attempts,
    /// The verdict.
    pub verdict: Verdict,
}

impl Settled {
    /// Decodes the event.
    ///
    /// # Errors
    /// If the message is not an event.
    pub fn event(&self) -> Result<Event, EventError> {
        decode(&self.message)
    }
}

/// The shared record of a mock and its subscriptions.
#[derive(Debug, Clone)]
pub(super) struct Recorder {
    log: Arc<Mutex<Log>>,
    settled: watch::Sender<usize>,
}

impl Recorder {
    pub(super) fn new() -> Self {
        Self {
            log: Arc::default(),
            settled: watch::Sender::new(0),
        }
    }

    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock()
    }

    /// Records settled deliveries and wakes those who wait for them.
    pub(super) fn record_settled(&self, settled: impl Iterator<Item = Settled>) {
        let mut log = self.log();
        log.settled.extend(settled);
        self.settled.send_replace(log.settled.len());
    }

    /// Waits until `count` deliveries are settled.
    pub(super) async fn wait_settled(&self, count: usize) {
        let mut watch = self.settled.subscribe();
        // The sender is in `self`, so the wait cannot end with an error.
        let _ = watch.wait_for(|settled| *settled >= count).await;
    }
}

/// The lists that a mock keeps, and the failure that it simulates.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) published: Vec<Published>,
    pub(super) settled: Vec<Settled>,
    pub(super) failing: Option<Failing>,
}

/// Publishes that shall fail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failing {
    pub(super) kind: ErrorKind,
    /// How many more; `None` is all.
    pub(super) left: Option<usize>,
}

impl Log {
    /// Returns the error of the next publish, if it shall fail.
    pub(super) fn refusal(&mut self) -> Option<TransportError> {
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
            "this publish fails because the test asked for it",
        ))
    }
}
