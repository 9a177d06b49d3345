//! Capture: dead letters of messages that consumers of other programs gave up.

use async_trait::async_trait;

use super::letter::DeadLetter;
use crate::{
    event::{Group, Position},
    transport::Result,
};

/// The outcome for a message that a consumer gave up.
#[derive(Debug)]
pub enum Captured {
    /// It is a dead letter now.
    Letter(Box<DeadLetter>),
    /// The store had removed it before it could be captured.
    Gone {
        /// The group that gave it up.
        group: Group,
        /// The position it was stored at.
        position: Position,
    },
}

/// An open read of the broker's notices of messages that consumers gave up, each of which becomes a dead letter.
#[async_trait]
pub trait Capture: Send {
    /// Returns one line for people for each thing created on the broker for this.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Waits for messages that were given up and dead-letters at most `max` of them; an empty list means that the end was
    /// reached.
    ///
    /// A notice is acknowledged once its dead letter is confirmed stored. May be dropped: the same notices are returned
    /// again.
    ///
    /// # Errors
    /// If the server does not answer, or a letter cannot be stored.
    async fn next(&mut self, max: usize) -> Result<Vec<Captured>>;
}
