//! A dead letter: the message and its record.

use std::time::SystemTime;

use super::{
    id::DeadLetterId,
    kind::DeadLetterKind,
    record::{DeadLetterRecord, Origin},
};
use crate::{
    event::{Envelope, Group, Message, Position, Stored, identified},
    transport::{Delivery, Failure, Lineage},
};

/// A message that one group gave up on, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// The message, byte for byte.
    pub message: Message,
    /// Where it comes from and how it failed.
    pub record: DeadLetterRecord,
    /// The position that the dead letter itself is stored at, if it was read from a transport; never exported.
    pub at: Option<Position>,
    /// Whether another program stored it. A replay cannot send it to the group that failed, which is none of Protoflow's:
    /// it goes to the topic, and to every group of it.
    pub is_foreign: bool,
}

impl DeadLetter {
    /// Creates the dead letter of a delivery that `group` gives up now.
    #[must_use]
    pub fn of(
        transport: &str,
        store: &str,
        group: &Group,
        delivery: &Delivery,
        kind: DeadLetterKind,
        failure: Failure,
    ) -> Self {
        let now = SystemTime::now();
        let stored = &delivery.stored;
        let lineage = delivery.lineage.as_ref();
        let position = lineage
            .map_or(&stored.position, |lineage| &lineage.position)
            .clone();
        let store = lineage.map_or(store, |lineage| lineage.store.as_str());
        let generation = lineage.map_or(0, |lineage| lineage.generation);
        let attempts = delivery.attempts.failed + u32::from(kind.counts_last_run());
        let message = identified(&stored.message, &position);
        let envelope = Envelope::read(&message).ok();
        let record = DeadLetterRecord {
            version: 1,
            group: group.clone(),
            kind,
            failure,
            earlier: Vec::new(),
            attempts,
            total_attempts: attempts + lineage.map_or(0, |lineage| lineage.attempts),
            crashes: delivery.attempts.crashed,
            first_failed: delivery.attempts.first_failed.unwrap_or(now),
            dead_lettered_at: now,
            generation,
            replay_of: lineage.map(|lineage| lineage.replay_of.clone()),
            edit_of: None,
            edit: None,
            foreign: false,
            event_id: envelope.as_ref().map(|envelope| envelope.id.to_string()),
            event_type: envelope.as_ref().map(|envelope| envelope.ty.to_string()),
            origin: Origin {
                transport: transport.to_owned(),
                store: store.to_owned(),
                topic: stored.message.topic.clone(),
                position: position.clone(),
                time: stored.time,
            },
        };
        let id = DeadLetterId::derive(store, &position, group, generation);
        Self {
            id,
            message: stored.message.clone(),
            record,
            at: None,
            is_foreign: false,
        }
    }

    /// Notes in the failure that the message, which was left at a position, no longer exists: the letter is without it.
    #[cfg(any(feature = "nats", feature = "kafka"))]
    pub(crate) fn mark_gone(&mut self, original: &Position) {
        let text = &mut self.record.failure.message;
        let gone = format!("its message was at {original} and is gone");
        *text = if text.is_empty() {
            gone
        } else {
            format!("{text} ({gone})")
        };
    }

    /// Returns the message as it was stored before it failed.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored {
            message: self.message.clone(),
            position: self.record.origin.position.clone(),
            time: self.record.origin.time,
        }
    }

    /// Returns the history of a message that replays this letter.
    #[must_use]
    pub fn lineage(&self) -> Lineage {
        Lineage {
            replay_of: self.id.clone(),
            store: self.record.origin.store.clone(),
            position: self.record.origin.position.clone(),
            generation: self.record.generation + 1,
            attempts: self.record.total_attempts,
        }
    }

    /// Returns the id of the dead letter that it becomes if it is replayed to its group and fails again.
    #[must_use]
    pub fn next_id(&self) -> DeadLetterId {
        let next = self.lineage();
        DeadLetterId::derive(
            &next.store,
            &next.position,
            &self.record.group,
            next.generation,
        )
    }
}
