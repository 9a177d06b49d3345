//! Ids of messages, and positions in the notation of Pulsar's own tools: `ledger:entry:partition[:batch index]`.

use std::fmt::Display;

use smol_str::format_smolstr;

use super::protocol::MessageIdData;

use crate::event::{Position, Topic};

/// The id of a message in its topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MessageId {
    pub(crate) ledger: u64,
    pub(crate) entry: u64,
    /// The index in a batch, -1 for a message that is an entry of its own.
    pub(crate) batch_index: i32,
    /// The partition, -1 for a topic without partitions.
    pub(crate) partition: i32,
}

impl MessageId {
    /// Reads the id of an entry.
    pub(crate) fn of_entry(id: &MessageIdData) -> Self {
        Self {
            ledger: id.ledger_id,
            entry: id.entry_id,
            batch_index: -1,
            partition: id.partition.unwrap_or(-1),
        }
    }

    /// Reads the id of a message.
    pub(crate) fn of(id: &MessageIdData) -> Self {
        Self {
            batch_index: id.batch_index.unwrap_or(-1),
            ..Self::of_entry(id)
        }
    }

    /// Returns the id that the protocol has for its entry.
    pub(crate) fn entry_data(self) -> MessageIdData {
        MessageIdData {
            ledger_id: self.ledger,
            entry_id: self.entry,
            ..MessageIdData::default()
        }
    }

    /// Returns what orders it among the messages of its topic, whether or not its batch is unpacked.
    pub(crate) fn place(self) -> (u64, u64, i32) {
        (self.ledger, self.entry, self.batch_index)
    }

    /// Reports whether there is none: the id of the last message of an empty topic, and that of a message which the broker
    /// dropped as a duplicate.
    pub(crate) fn is_none(self) -> bool {
        self.entry == u64::MAX || self.ledger == u64::MAX
    }

    /// Returns the id as Pulsar's tools write it.
    pub(crate) fn text(self) -> String {
        let Self {
            ledger,
            entry,
            batch_index,
            partition,
        } = self;
        match batch_index {
            -1 => format!("{ledger}:{entry}:{partition}"),
            index => format!("{ledger}:{entry}:{partition}:{index}"),
        }
    }

    /// Returns its position in a store, which is unique there.
    pub(crate) fn position(self, topic: impl Display) -> Position {
        Position::from(format_smolstr!("{topic}/{}", self.text()))
    }
}

/// Parses a position; none if it is one of another store.
pub(crate) fn parse_position(position: &Position) -> Option<(Topic, MessageId)> {
    let (topic, id) = position.as_str().rsplit_once('/')?;
    Some((topic.parse().ok()?, parse_id(id)?))
}

/// Parses an id as Pulsar's tools write it.
pub(crate) fn parse_id(text: &str) -> Option<MessageId> {
    let mut parts = text.split(':');
    let id = MessageId {
        ledger: parts.next()?.parse().ok()?,
        entry: parts.next()?.parse().ok()?,
        partition: parts.next()?.parse().ok()?,
        batch_index: match parts.next() {
            Some(index) => index.parse().ok()?,
            None => -1,
        },
    };
    parts.next().is_none().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_come_back() {
        let topic: Topic = "order.created".parse().unwrap();
        for text in ["12:0:-1", "12:5:3:0", "1:2:-1:7"] {
            let id = parse_id(text).unwrap();
            assert_eq!(id.text(), text);
            let position = id.position(&topic);
            assert_eq!(position.as_str(), format!("order.created/{text}"));
            assert_eq!(parse_position(&position), Some((topic.clone(), id)));
        }
        for text in ["", "1:2", "1:2:3:4:5", "a:b:c"] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }
}
