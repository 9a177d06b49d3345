//! A change of a mark as a record of the topic of marks, under the key of its event.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    backends::kafka::codec::record::{self, FetchedRecord, OutgoingRecord},
    event::{Group, HandlingKey, Position},
    transport::{Beginning, DeadLetterId, Handling, Result},
};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
pub(super) enum Change {
    /// A run is to begin on this delivery. It does unless a mark that comes before does not admit it.
    Begun {
        group: Group,
        position: Position,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replay_of: Option<DeadLetterId>,
        /// Tells who wrote it: a member finds its own record by it.
        nonce: u64,
    },
    /// Handled.
    Done,
    /// Given up, as this dead letter.
    Dead { letter: DeadLetterId },
    /// A run that began on this delivery is to be repeated.
    Free { group: Group, position: Position },
}

impl Change {
    /// Returns the beginning of a handling.
    pub(super) fn begun(handling: &Handling, nonce: u64) -> Self {
        let Beginning { group, position } = handling.beginning.clone();
        let replay_of = handling.replay_of.clone();
        Self::Begun {
            group,
            position,
            replay_of,
            nonce,
        }
    }

    /// Encodes it as a record.
    pub(super) fn encode(&self, topic: &str, key: HandlingKey) -> Result<OutgoingRecord> {
        Ok(OutgoingRecord {
            topic: topic.to_owned(),
            partition: Some(0),
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            payload: Some(record::json(self)?),
            headers: None,
        })
    }

    /// Decodes a record; none if another program wrote it.
    pub(super) fn decode(read: &FetchedRecord) -> Option<(HandlingKey, Self)> {
        let key: [u8; 16] = read.key.as_deref()?.try_into().ok()?;
        let change = serde_json::from_slice(read.payload.as_ref()?).ok()?;
        Some((HandlingKey::from(key), change))
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::{backends::kafka::codec::record::InternalHeaders, event::Headers};

    fn written(change: &Change, key: HandlingKey) -> FetchedRecord {
        let record = change.encode("pf.g.marks", key).unwrap();
        FetchedRecord {
            topic: record.topic.into(),
            partition: 0,
            offset: 0,
            time: SystemTime::UNIX_EPOCH,
            key: record.key,
            payload: record.payload,
            headers: Headers::new(),
            marks: InternalHeaders::default(),
        }
    }

    #[test]
    fn changes_come_back() {
        let group: Group = "g".parse().unwrap();
        let position = Position::new("order/0/7");
        let key = HandlingKey::from([7; 16]);
        let letter = DeadLetterId::from_stored("a");
        let handling = Handling {
            key,
            beginning: Beginning {
                group: group.clone(),
                position: position.clone(),
            },
            replay_of: Some(letter.clone()),
        };
        for change in [
            Change::begun(&handling, u64::MAX),
            Change::Done,
            Change::Dead { letter },
            Change::Free { group, position },
        ] {
            let read = written(&change, key);
            assert_eq!(Change::decode(&read), Some((key, change)));
        }
        let mut foreign = written(&Change::Done, key);
        foreign.payload = Some("{}".into());
        assert_eq!(Change::decode(&foreign), None);
    }
}
