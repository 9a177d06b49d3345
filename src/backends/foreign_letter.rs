//! What another program stored, as a dead letter: the same record whatever the transport.

use std::time::SystemTime;

use super::foreign::ForeignFailure;
use crate::{
    event::{Envelope, Group, Message, Position},
    transport::{DeadLetter, DeadLetterId, DeadLetterRecord, Origin},
};

/// Where and when another program stored a dead letter.
#[derive(Debug)]
pub(crate) struct StoredAt<'a> {
    pub(crate) transport: &'static str,
    pub(crate) store: &'a str,
    pub(crate) at: &'a Position,
    pub(crate) died: SystemTime,
}

impl StoredAt<'_> {
    /// Returns a message as a dead letter; its original is at `position`, if that is known.
    pub(crate) fn letter(
        &self,
        failure: ForeignFailure,
        message: Message,
        position: Option<Position>,
        group: &Group,
    ) -> DeadLetter {
        let attribute = |of: fn(&Envelope<'_>) -> String| {
            let envelope = Envelope::read(&message).ok();
            envelope.as_ref().map(of)
        };
        let record = DeadLetterRecord {
            version: 1,
            origin: Origin {
                transport: self.transport.to_owned(),
                store: self.store.to_owned(),
                topic: message.topic.clone(),
                position: position.unwrap_or_else(|| self.at.clone()),
                time: failure.time.unwrap_or(self.died),
            },
            kind: failure.kind,
            failure: failure.failure,
            earlier: Vec::new(),
            attempts: failure.attempts,
            total_attempts: failure.attempts,
            crashes: 0,
            first_failed: self.died,
            dead_lettered_at: self.died,
            generation: 0,
            replay_of: None,
            edit_of: None,
            edit: None,
            foreign: true,
            event_id: attribute(|envelope| envelope.id.to_string()),
            event_type: attribute(|envelope| envelope.ty.to_string()),
            group: group.clone(),
        };
        DeadLetter {
            id: DeadLetterId::derive(self.store, self.at, group, 0),
            message,
            record,
            at: None,
            is_foreign: true,
        }
    }
}
