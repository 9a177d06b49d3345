//! Messages to publish, and their confirmations.

use std::time::SystemTime;

use super::{ErrorKind, Result, ScheduleId, TransportError};
use crate::event::{DedupKey, Message, Position};

/// A message to publish.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The message.
    pub message: Message,
    /// No consumer gets it before this time. A time in the past means now.
    pub due: Option<SystemTime>,
    /// Store it only if no event of its topic, source and id was published with this set before, for as long as
    /// [`Capabilities::dedup`](super::Capabilities::dedup) says. Refused where that is absent.
    pub dedup: bool,
}

impl From<Message> for Outgoing {
    fn from(message: Message) -> Self {
        Self {
            message,
            due: None,
            dedup: false,
        }
    }
}

impl Outgoing {
    /// Returns the key of an event of which a duplicate must not be stored: if the caller wants that, or `always`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] if it is not an event, so that a duplicate could not be recognised.
    pub fn dedup_key(&self, transport: &'static str, always: bool) -> Result<Option<DedupKey>> {
        if !self.dedup && !always {
            return Ok(None);
        }
        match DedupKey::of(&self.message) {
            Ok(key) => Ok(Some(key)),
            Err(why) => {
                let message =
                    "a duplicate of a message that is not a CloudEvent cannot be recognised";
                let refused = TransportError::new(transport, ErrorKind::Invalid, message);
                Err(refused
                    .because(why)
                    .hint("publish it without `--dedup` and `?dedup=event`"))
            }
        }
    }

    /// Refuses a duplicate check on a transport that has none.
    #[cfg(any(feature = "kafka", feature = "pulsar"))]
    pub(crate) fn refuse_dedup(&self, transport: &'static str) -> Result<()> {
        if !self.dedup {
            return Ok(());
        }
        let message = "duplicates cannot be recognised here";
        let refused = TransportError::new(transport, ErrorKind::Unsupported, message);
        Err(refused.hint("leave `--dedup` out; `pf caps` says why"))
    }
}

/// The confirmation that a message is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The position it is stored at; none while it is delayed, or where the broker does not return one. Of a duplicate, the
    /// position of the event that was stored first, where it is known.
    pub position: Option<Position>,
    /// The id under which a delayed message can be cancelled.
    pub schedule: Option<ScheduleId>,
    /// Whether an event of the same topic, source and id was already published, so that this one was not stored. Only a
    /// message that was published with [`Outgoing::dedup`] can be one.
    pub duplicate: bool,
}
