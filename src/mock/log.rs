//! What a mock saw, and how it is to fail.

use std::time::SystemTime;

use super::NAME;
use crate::{
    Event,
    event::{EventError, Message, decode},
    transport::{Attempts, ErrorKind, TransportError, Verdict},
};

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
pub(super) struct Log {
    pub(super) published: Vec<Published>,
    pub(super) settled: Vec<Settled>,
    pub(super) failing: Option<Failing>,
}

/// Publishes that are to fail.
#[derive(Debug, Clone, Copy)]
pub(super) struct Failing {
    pub(super) kind: ErrorKind,
    /// How many more; none means until told otherwise.
    pub(super) left: Option<usize>,
}

impl Log {
    /// Returns the error with which the next publish is to fail.
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
            "this publish was made to fail",
        ))
    }
}
