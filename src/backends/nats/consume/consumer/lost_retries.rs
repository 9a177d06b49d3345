//! Messages that were removed while they waited for a retry: their records are deleted, and the loss is reported.

use futures_util::{StreamExt as _, stream};

use crate::{
    backends::nats::{
        connection::{
            direct_get::{self, Query},
            handle::Connection,
            stream::info::{self, StreamInfo},
        },
        consume::attempts,
        read::gap,
    },
    transport::{Result, TransportError},
};

/// How many messages are looked for at the same time.
const CONCURRENCY: usize = 64;

/// Finds out which retries that are late cannot be delivered again because their messages are gone, and deletes their
/// records.
pub(crate) async fn find(
    connection: &Connection,
    consumer: &str,
    late: &[u64],
) -> Result<Option<TransportError>> {
    let stream = info::require(connection).await?;
    let gone = missing(connection, &stream, late.to_vec()).await?;
    delete_records(connection, consumer, &gone).await;
    Ok(notice(connection, &gone))
}

/// Deletes the records of messages.
pub(crate) async fn delete_records(connection: &Connection, consumer: &str, sequences: &[u64]) {
    for sequence in sequences {
        attempts::delete(connection, consumer, *sequence).await;
    }
}

/// Returns that messages were removed while they waited for their retry.
pub(crate) fn notice(connection: &Connection, sequences: &[u64]) -> Option<TransportError> {
    let (first, stream) = (sequences.first()?, &connection.names.stream);
    let which = match sequences.len() {
        1 => format!("message {first}"),
        count => format!("{count} messages, {first} first,"),
    };
    Some(gap::gap(format!(
        "limits or a purge removed {which} from the stream `{stream}` while a retry was due: it is lost"
    )))
}

/// Returns which of these messages the stream does not hold any more.
pub(crate) async fn missing(
    connection: &Connection,
    stream: &StreamInfo,
    sequences: Vec<u64>,
) -> Result<Vec<u64>> {
    let (first, is_gapless) = (stream.state.first_seq, stream.state.num_deleted == 0);
    let name = &connection.names.stream;
    let mut checked = stream::iter(sequences)
        .map(|sequence| async move {
            let exists = if sequence < first || is_gapless {
                sequence >= first
            } else {
                let query = Query::Sequence(sequence);
                let found = direct_get::from_leader(connection, name, query).await?;
                found.is_some()
            };
            Ok::<_, TransportError>((sequence, exists))
        })
        .buffered(CONCURRENCY);
    let mut missing = Vec::new();
    while let Some(checked) = checked.next().await {
        let (sequence, exists) = checked?;
        missing.extend((!exists).then_some(sequence));
    }
    Ok(missing)
}
