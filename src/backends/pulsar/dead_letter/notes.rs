//! Notes of triage: the last message of a key each, in `pf.notes`.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use super::internal_log::{self, read_all};
use crate::{
    backends::pulsar::{
        connection::{
            handle::Connection,
            keeper::{Keeper, keep},
            producer::Producer,
        },
        error::error,
    },
    transport::{ErrorKind, Note, NoteName, Result},
};

/// The local name of the topic of notes, without its prefix.
const TOPIC: &str = "notes";

/// Stores or removes a note.
pub(crate) async fn put(
    connection: &Arc<Connection>,
    name: &NoteName,
    value: Option<String>,
) -> Result<()> {
    let topic = connection.config.names.internal(TOPIC);
    keep(connection, &topic).await?;
    let producer = Producer::kept(connection, topic, Keeper::internal());
    let outbound = internal_log::outbound(Some(name.as_str()), value);
    let stored = producer.send(outbound).await;
    producer.close().await;
    stored.map(drop)
}

/// Reads the note of a name and those under it.
pub(crate) async fn read(connection: &Arc<Connection>, under: &NoteName) -> Result<Vec<Note>> {
    let topic = connection.config.names.internal(TOPIC);
    let mut notes: BTreeMap<NoteName, Bytes> = BTreeMap::new();
    read_all(connection, &topic, |inbound| {
        let name = inbound.key.as_deref().map(std::str::from_utf8);
        let Some(Ok(Ok(name))) = name.map(|name| name.map(str::parse::<NoteName>)) else {
            return;
        };
        if name.is_under(under) {
            match &inbound.payload {
                Some(value) => drop(notes.insert(name, value.clone())),
                None => drop(notes.remove(&name)),
            }
        }
    })
    .await?;
    let notes = notes.into_iter();
    notes.map(|(name, value)| note(name, &value)).collect()
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
