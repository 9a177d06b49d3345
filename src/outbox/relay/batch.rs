//! Rows as messages, and which rows go together.

use std::{collections::HashSet, sync::Arc};

use crate::{
    event::{Encoding, Message, Topic, parse_record_to},
    outbox::{
        receipt::{self, Sent},
        table::PendingRow,
    },
    transport::{ErrorKind, Outgoing, TransportError},
};

/// A row and its message.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub(super) row: Arc<PendingRow>,
    pub(super) message: Message,
}

impl Prepared {
    /// Encodes a row as the target stores events. A structured event keeps its bytes.
    ///
    /// # Errors
    /// If its topic or its event is not valid.
    pub(super) fn new(
        row: PendingRow,
        encoding: Encoding,
    ) -> Result<Self, Box<(PendingRow, TransportError)>> {
        match message(&row, encoding) {
            Ok(message) => Ok(Self {
                row: Arc::new(row),
                message,
            }),
            Err(error) => Err(Box::new((row, error))),
        }
    }
}

fn message(row: &PendingRow, encoding: Encoding) -> Result<Message, TransportError> {
    let invalid =
        |message: &'static str| TransportError::new("outbox", ErrorKind::Invalid, message);
    let topic = row.topic.parse::<Topic>();
    let topic = topic.map_err(|error| invalid("the topic is not valid").because(error))?;
    let record = parse_record_to(row.event.as_bytes(), Some(&topic), encoding);
    let record = record.map_err(|error| invalid("the row is not a CloudEvent").because(error))?;
    let mut message = record.message;
    message.key = row.key.as_ref().map(|key| key.clone().into());
    Ok(message)
}

/// Returns the messages to publish.
pub(super) fn outgoing(batch: &[Prepared], dedup: bool) -> Vec<Outgoing> {
    let outgoing = batch.iter().map(|prepared| Outgoing {
        dedup,
        ..prepared.message.clone().into()
    });
    outgoing.collect()
}

/// Returns the receipt of a batch.
pub(super) fn receipt(batch: &[Prepared]) -> bytes::Bytes {
    let rows = batch.iter().map(|prepared| &prepared.row);
    receipt::write(rows.map(|row| Sent::of(row.id, &row.event)))
}

/// Returns why a row was refused, with the cause.
pub(super) fn reason(error: &TransportError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Takes the first row of each key: if one of them is refused, no later row of its key has been published.
pub(super) fn first_of_each_key(batch: &mut Vec<Prepared>) -> Vec<Prepared> {
    let mut keys = HashSet::new();
    let (first, rest) = std::mem::take(batch).into_iter().partition(|prepared| {
        let key = prepared.row.key.clone();
        key.is_none_or(|key| keys.insert(key))
    });
    *batch = rest;
    first
}

/// Removes a row, and those behind it that have its key.
pub(super) fn remove(batch: &mut Vec<Prepared>, number: usize) -> Option<Arc<PendingRow>> {
    let refused = Arc::clone(&batch.get(number)?.row);
    let mut at = 0;
    batch.retain(|prepared| {
        let is_behind = at > number && refused.key.is_some() && prepared.row.key == refused.key;
        let stays = at != number && !is_behind;
        at += 1;
        stays
    });
    Some(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENT: &str = r#"{"specversion":"1.0","id":"1","source":"/s","type":"t"}"#;

    fn batch(keys: &[Option<&str>]) -> Vec<Prepared> {
        let rows = keys.iter().zip(1..).map(|(key, id)| PendingRow {
            id,
            topic: "t".into(),
            key: key.map(str::to_owned),
            event: EVENT.into(),
            due: None,
        });
        rows.map(|row| Prepared::new(row, Encoding::default()).unwrap())
            .collect()
    }

    fn ids(batch: &[Prepared]) -> Vec<i64> {
        batch.iter().map(|prepared| prepared.row.id).collect()
    }

    #[test]
    fn a_refused_row_takes_those_of_its_key_behind_it_along() {
        let mut all = batch(&[Some("a"), Some("b"), None, Some("a"), Some("b"), None]);
        assert_eq!(remove(&mut all, 1).unwrap().id, 2);
        assert_eq!(ids(&all), [1, 3, 4, 6]);
        assert_eq!(remove(&mut all, 1).unwrap().id, 3);
        assert_eq!(ids(&all), [1, 4, 6], "rows without a key hold up nothing");
        assert!(remove(&mut all, 3).is_none());
    }

    #[test]
    fn a_wave_has_one_row_of_each_key() {
        let mut all = batch(&[Some("a"), Some("a"), None, None, Some("b"), Some("a")]);
        assert_eq!(ids(&first_of_each_key(&mut all)), [1, 3, 4, 5]);
        assert_eq!(ids(&first_of_each_key(&mut all)), [2]);
        assert_eq!(ids(&first_of_each_key(&mut all)), [6]);
    }

    #[test]
    fn a_row_that_is_not_an_event_is_refused() {
        let row = |topic: &str, event: &str| PendingRow {
            id: 1,
            topic: topic.into(),
            key: None,
            event: event.into(),
            due: None,
        };
        for (row, why) in [
            (row("t", "{"), "the row is not a CloudEvent"),
            (row("", EVENT), "the topic is not valid"),
            (
                row("t", r#"{"specversion":"1.0"}"#),
                "the row is not a CloudEvent",
            ),
        ] {
            let (_, error) = *Prepared::new(row, Encoding::default()).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::Invalid, why));
        }
        let prepared = Prepared::new(row("t", EVENT), Encoding::default()).unwrap();
        assert_eq!(prepared.message.bytes(), EVENT.as_bytes(), "byte for byte");
    }
}
