//! A message of a dead-letter topic as a dead letter.

use super::foreign;
use crate::{
    backends::{
        letter_ids::compact_id,
        pulsar::{
            codec::{
                message::Inbound,
                message_id::{MessageId, parse_position},
                properties::{ADDED, COPY, LETTER, LETTER_ID, TOPIC},
            },
            connection::names::{self, Names},
        },
    },
    event::{Position, Topic},
    transport::{DeadLetter, DeadLetterId, DeadLetterRecord},
};

/// A dead letter as it was read.
#[derive(Debug, Clone)]
pub(crate) struct DecodedLetter {
    pub(crate) letter: DeadLetter,
    /// By which the journal knows it.
    pub(crate) key: u64,
    /// Where it is stored.
    pub(crate) id: MessageId,
    /// The other entries that it was divided into.
    pub(crate) parts: Vec<MessageId>,
}

/// Returns by which the journal knows a letter that was imported so often after it had been resolved.
pub(crate) fn journal_key(id: &DeadLetterId, copy: u32) -> u64 {
    match copy {
        0 => compact_id(id),
        copy => compact_id(&DeadLetterId::from_stored(format!("{id}+{copy}"))),
    }
}

/// Returns the position of a message of a dead-letter topic, of which the local name is given.
fn position(local: &str, id: MessageId) -> Position {
    Position::new(format!("{local}/{}", id.text()))
}

/// Returns the log of a dead letter and its id there; none if the position is not that of a dead letter.
pub(crate) fn parse_at(names: &Names, at: &str) -> Option<(String, MessageId)> {
    let (topic, id) = parse_position(&Position::new(at))?;
    let name = names.full(topic.as_str());
    let log = match id.partition {
        -1 => name,
        number => names::partition(&name, u32::try_from(number).ok()?),
    };
    topic
        .as_str()
        .ends_with(names::LETTERS)
        .then_some((log, id))
}

/// Decodes a message of the dead-letter topic of this local name.
pub(crate) fn decode(names: &Names, local: &str, inbound: &Inbound) -> Option<DecodedLetter> {
    let at = position(local, inbound.id);
    let mut letter = match own(inbound) {
        Some(letter) => letter,
        None => foreign::letter(names, local, &at, inbound)?,
    };
    letter.at = Some(at);
    let copy = inbound.marks.get(COPY).and_then(|copy| copy.parse().ok());
    Some(DecodedLetter {
        key: journal_key(&letter.id, copy.unwrap_or(0)),
        letter,
        id: inbound.id,
        parts: inbound.parts.clone(),
    })
}

fn own(inbound: &Inbound) -> Option<DeadLetter> {
    let record: DeadLetterRecord = serde_json::from_str(inbound.marks.get(LETTER)?).ok()?;
    let derive = || {
        let (origin, group) = (&record.origin, &record.group);
        DeadLetterId::derive(&origin.store, &origin.position, group, record.generation)
    };
    let stored = inbound.marks.get(LETTER_ID);
    let id = stored.map_or_else(derive, DeadLetterId::from_stored);
    let topic: Option<Topic> = inbound
        .marks
        .get(TOPIC)
        .and_then(|topic| topic.parse().ok());
    let mut message = inbound.message(topic.unwrap_or_else(|| record.origin.topic.clone()));
    let added = inbound.marks.get(ADDED).unwrap_or_default();
    let added: Vec<&str> = added.split(' ').filter(|name| !name.is_empty()).collect();
    message.headers.retain(|name| !added.contains(&name));
    Some(DeadLetter {
        id,
        message,
        is_foreign: record.foreign,
        record,
        at: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_positions_of_dead_letters_are_understood() {
        let names = Names::new("public", "default").unwrap();
        let (log, id) = parse_at(&names, "order.created-g-DLQ/3:4:-1").unwrap();
        assert_eq!(log, "persistent://public/default/order.created-g-DLQ");
        assert_eq!(id.place(), (3, 4, -1));
        let (log, _) = parse_at(&names, "a-g-DLQ/3:4:2").unwrap();
        assert_eq!(log, "persistent://public/default/a-g-DLQ-partition-2");
        assert_eq!(parse_at(&names, "order.created/3:4:-1"), None);
        assert_eq!(parse_at(&names, "17"), None);
    }

    #[test]
    fn a_copy_has_a_key_of_its_own() {
        let id = DeadLetterId::from_stored("aaaaaaaaaaab");
        assert_eq!(journal_key(&id, 0), 1);
        assert_ne!(journal_key(&id, 1), journal_key(&id, 2));
    }
}
