//! Notes of triage: the last record of a key each, in `pf.state`.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::state_topic;
use crate::{
    backends::kafka::{
        codec::record::OutgoingRecord,
        connection::{client::settings::Isolation, handle::Connection},
        error::error,
        read::partition_reader::PartitionReader,
    },
    transport::{ErrorKind, Note, NoteName, Result},
};

/// The beginning of the key of a note.
const KEY: &str = "note/";

/// Stores or removes a note.
pub(crate) async fn put(
    connection: &Arc<Connection>,
    name: &NoteName,
    value: Option<String>,
) -> Result<()> {
    state_topic::ensure_topic(connection).await?;
    let key = format!("{KEY}{name}");
    let record = match value {
        None => state_topic::tombstone(connection, key),
        Some(value) => OutgoingRecord {
            payload: Some(Bytes::from(value)),
            ..state_topic::tombstone(connection, key)
        },
    };
    state_topic::write(connection, vec![record]).await.map(drop)
}

/// Reads the note of a name and those under it.
pub(crate) async fn read(connection: &Arc<Connection>, under: &NoteName) -> Result<Vec<Note>> {
    let topic = connection.names().state_topic();
    if connection.topics.partitions(&topic).await?.is_none() {
        return Ok(Vec::new());
    }
    let ranges = connection.topics.ranges(vec![(topic, 0)]).await?;
    let mut reader = PartitionReader::open(connection, ranges, Isolation::Committed)?;
    let mut notes: BTreeMap<NoteName, Bytes> = BTreeMap::new();
    while let Some(chunk) = reader.next().await? {
        for read in chunk {
            let Some(name) = read.key.as_deref().and_then(name) else {
                continue;
            };
            if !name.is_under(under) {
                continue;
            }
            match read.payload {
                Some(value) => drop(notes.insert(name, value)),
                None => drop(notes.remove(&name)),
            }
        }
    }
    notes
        .into_iter()
        .map(|(name, value)| note(name, &value))
        .collect()
}

fn name(key: &[u8]) -> Option<NoteName> {
    let name = std::str::from_utf8(key).ok()?.strip_prefix(KEY)?;
    name.parse().ok()
}

fn note(name: NoteName, value: &[u8]) -> Result<Note> {
    match std::str::from_utf8(value) {
        Ok(value) => Ok(Note {
            value: value.to_owned(),
            name,
        }),
        Err(source) => {
            Err(error(ErrorKind::Corrupt, format!("the note `{name}` is not text")).because(source))
        }
    }
}
