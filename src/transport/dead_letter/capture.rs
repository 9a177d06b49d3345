//! Messages that consumers of other programs gave up, made dead letters.

use async_trait::async_trait;

use super::letter::DeadLetter;
use crate::{
    event::{Group, Position},
    transport::Result,
};

/// What became of a message that somebody gave up.
#[derive(Debug)]
pub enum Captured {
    /// It is a dead letter now.
    Letter(Box<DeadLetter>),
    /// The store had dropped it before anybody could keep it.
    Gone {
        /// Who gave it up.
        group: Group,
        /// Where it stood.
        position: Position,
    },
}

/// The broker's notices of messages that consumers gave up, turned into dead letters one after the other.
#[async_trait]
pub trait Capture: Send {
    /// Returns what was made on the broker for this, a line each, for people.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// Waits for messages that were given up and keeps at most `max` of them; none means that the end was reached.
    ///
    /// A notice is done with once its letter is confirmed stored. May be dropped: what it was at comes again.
    ///
    /// # Errors
    /// If the server does not answer, or a letter cannot be stored.
    async fn next(&mut self, max: usize) -> Result<Vec<Captured>>;
}
