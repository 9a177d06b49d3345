//! The delayed events that were cancelled, by their positions: the keys of `pf.cancelled`.

use std::{collections::HashSet, sync::Arc};

use crate::{
    backends::pulsar::{
        codec::{message::Outbound, protocol::MessageMetadata},
        connection::{
            consumer::Start,
            handle::Connection,
            keeper::{Keeper, keep},
            producer::Producer,
            topics,
        },
        read::reader::Reader,
    },
    event::Position,
    transport::{ErrorKind, Result},
};

/// The local name of the topic, without its prefix.
const TOPIC: &str = "cancelled";

/// Notes that an event is cancelled.
pub(super) async fn note(connection: &Arc<Connection>, position: &Position) -> Result<()> {
    let topic = connection.config.names.internal(TOPIC);
    keep(connection, &topic).await?;
    let producer = Producer::kept(connection, topic, Keeper::internal());
    let outbound = Outbound {
        metadata: MessageMetadata {
            partition_key: Some(position.as_str().to_owned()),
            ..MessageMetadata::default()
        },
        // One without a payload would be taken away with its key, were the topic compacted.
        payload: bytes::Bytes::from_static(b"cancelled"),
    };
    let stored = producer.send(outbound).await;
    producer.close().await;
    stored.map(drop)
}

/// Returns the positions of all cancelled events.
pub(crate) async fn read(connection: &Arc<Connection>) -> Result<HashSet<Position>> {
    let mut cancellations = Cancellations::default();
    let all = cancellations.read_on(connection).await?;
    Ok(all.into_iter().collect())
}

/// How far the topic was read.
#[derive(Debug, Default)]
pub(crate) struct Cancellations {
    reader: Option<Reader>,
}

impl Cancellations {
    /// Returns what was noted since the last call.
    pub(crate) async fn read_on(&mut self, connection: &Arc<Connection>) -> Result<Vec<Position>> {
        // After an error it begins again.
        let reader = match self.reader.take() {
            Some(reader) => Some(reader),
            None => open(connection).await?,
        };
        let Some(mut reader) = reader else {
            return Ok(Vec::new());
        };
        let mut positions = Vec::new();
        if let Some(end) = reader.last_id().await? {
            while let Some(messages) = reader.next_until(end).await? {
                let keys = messages.iter().filter_map(|one| one.key.as_deref());
                let keys = keys.filter_map(|key| std::str::from_utf8(key).ok());
                positions.extend(keys.map(Position::new));
            }
        }
        self.reader = Some(reader);
        Ok(positions)
    }
}

/// Opens the topic, if it exists. Who may not read it does what is allowed: most namespaces have none.
async fn open(connection: &Arc<Connection>) -> Result<Option<Reader>> {
    let topic = connection.config.names.internal(TOPIC);
    let opened = match topics::find_name(connection, &topic).await {
        Ok(None) => return Ok(None),
        Ok(Some(_)) => Reader::open(connection, topic, -1, Start::Earliest).await,
        Err(failed) => Err(failed),
    };
    match opened {
        Err(denied) if denied.kind() == ErrorKind::Denied => {
            tracing::debug!(%denied, "cancelled events are not known");
            Ok(None)
        }
        opened => opened.map(Some),
    }
}
