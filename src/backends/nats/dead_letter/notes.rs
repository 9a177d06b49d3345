//! Notes of triage: the last message of a subject each, in the state stream.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::{
    backends::nats::{
        connection::{
            confirmed_publish,
            handle::Connection,
            stream::{info, setup},
        },
        error::error,
        read::{
            scope::{ReadScope, StartAt},
            stream_reader::StreamReader,
        },
    },
    transport::{ErrorKind, Note, NoteName, Result},
};

/// Stores or removes a note.
pub(crate) async fn put(
    connection: &Arc<Connection>,
    name: &NoteName,
    value: Option<String>,
) -> Result<()> {
    if let Some(value) = value {
        setup::create_support_streams_alike(connection).await?;
        return store(connection, name, value).await;
    }
    let subject = subject(connection, name.as_str());
    let stream = connection.names.state_stream();
    if info::find(connection, &stream).await?.is_none() {
        return Ok(());
    }
    connection.purge(&stream, &subject).await.map(drop)
}

/// Stores a note where the state stream exists.
pub(crate) async fn store(connection: &Connection, name: &NoteName, value: String) -> Result<()> {
    let subject = subject(connection, name.as_str());
    confirmed_publish::publish_internal(connection, subject, Bytes::from(value)).await
}

/// Reads the note of a name and those under it.
pub(crate) async fn read(connection: &Arc<Connection>, under: &NoteName) -> Result<Vec<Note>> {
    let stream = connection.names.state_stream();
    if info::find(connection, &stream).await?.is_none() {
        return Ok(Vec::new());
    }
    let own = subject(connection, under.as_str());
    let filters = vec![format!("{own}.>"), own];
    let mut reader = StreamReader::open(
        connection,
        ReadScope::once(stream, filters, StartAt::Sequence(1)),
    )
    .await?;
    let start = subject(connection, "");
    let mut notes: BTreeMap<NoteName, String> = BTreeMap::new();
    while let Some(received) = reader.next().await? {
        let name = received.subject.strip_prefix(&start);
        let Some(Ok(name)) = name.map(str::parse) else {
            continue;
        };
        let value = String::from_utf8(received.payload.to_vec()).map_err(|source| {
            error(ErrorKind::Corrupt, format!("the note `{name}` is not text")).because(source)
        })?;
        notes.insert(name, value);
    }
    let notes = notes.into_iter();
    Ok(notes.map(|(name, value)| Note { name, value }).collect())
}

fn subject(connection: &Connection, name: &str) -> String {
    connection.names.state_subject(&format!("note.{name}"))
}
