//! The messages of internal topics: encoded, and read whole.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    backends::pulsar::{
        codec::{
            message::{Inbound, Outbound},
            protocol::MessageMetadata,
        },
        connection::{consumer::Start, handle::Connection, topics},
        error::error,
        read::reader::Reader,
    },
    transport::{ErrorKind, Result},
};

/// Encodes a message of an internal topic; without a value it removes that of its key.
pub(crate) fn outbound(key: Option<&str>, value: Option<String>) -> Outbound {
    Outbound {
        metadata: MessageMetadata {
            partition_key: key.map(str::to_owned),
            null_value: value.is_none().then_some(true),
            ..MessageMetadata::default()
        },
        payload: value.map(Bytes::from).unwrap_or_default(),
    }
}

/// Reads every message that a topic has now, in order; none if the topic does not exist.
pub(crate) async fn read_all(
    connection: &Arc<Connection>,
    name: &str,
    mut take: impl FnMut(&Inbound),
) -> Result<()> {
    let Some(info) = topics::find_name(connection, name).await? else {
        return Ok(());
    };
    for (log, partition) in info.logs() {
        let mut reader = Reader::open(connection, log, partition, Start::Earliest).await?;
        let Some(end) = reader.last_id().await? else {
            continue;
        };
        while let Some(messages) = reader.next_until(end).await? {
            messages.iter().for_each(&mut take);
        }
        if !reader.has_passed(end) {
            let message = format!("topic `{name}` lost its last messages");
            return Err(error(ErrorKind::Corrupt, message));
        }
    }
    Ok(())
}
