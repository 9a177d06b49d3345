//! Publishing of delayed events: each becomes a record of the delay topic, under a new schedule id.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::delayed_record::{self, DelayedRecord};
use crate::{
    backends::kafka::{
        codec::record::{self, OutgoingRecord},
        connection::{
            access::{self, Access},
            admin::{COMPACTED, TopicSpec, fixed},
            handle::Connection,
            producer::RecordMetadata,
        },
    },
    event::{Message, new_id},
    failpoint,
    transport::{Receipt, Result, ScheduleId, TransportError},
};

/// Stores delayed messages: one result each, in order. Their target topics were checked before.
pub(crate) async fn enqueue(
    connection: &Arc<Connection>,
    batch: Vec<(Message, SystemTime)>,
) -> Vec<Result<Receipt>> {
    let count = batch.len();
    match store(connection, batch).await {
        Ok(results) => results,
        Err(failed) => failed.for_each(count),
    }
}

async fn store(
    connection: &Arc<Connection>,
    batch: Vec<(Message, SystemTime)>,
) -> Result<Vec<Result<Receipt>>> {
    let topic = connection.names().delay_topic();
    let partitions = ensure_topic(connection, &topic).await?;
    let mut results: Vec<Result<ScheduleId>> = Vec::with_capacity(batch.len());
    let mut records = Vec::with_capacity(batch.len());
    for (message, due) in batch {
        let id = new_id();
        let laid_out = encode(&topic, partitions, &id, &message, due);
        results.push(laid_out.map(|record| {
            records.push(record);
            ScheduleId(id)
        }));
    }
    let mut placed = connection.producer().await?.send(records).await.into_iter();
    failpoint::reach("kafka.delay_stored");
    let told = results.into_iter().map(|laid_out| {
        let id = laid_out?;
        receipt(
            connection,
            id,
            placed.next().unwrap_or(Err(Code::MessageTimedOut)),
        )
    });
    Ok(told.collect())
}

fn receipt(
    connection: &Connection,
    id: ScheduleId,
    placed: Result<RecordMetadata, Code>,
) -> Result<Receipt> {
    placed.map_err(|code| unwritten(connection, code, "publishing a delayed event"))?;
    Ok(Receipt {
        position: None,
        schedule: Some(id),
        duplicate: false,
    })
}

/// Returns the error of a record that the delay topic did not take.
pub(crate) fn unwritten(connection: &Connection, code: Code, doing: &str) -> TransportError {
    let topic = connection.names().delay_topic();
    access::from_code(
        &connection.config,
        code,
        doing,
        Access::topic("Write", &topic),
    )
}

/// Creates the delay topic unless it exists; returns its number of partitions.
async fn ensure_topic(connection: &Arc<Connection>, topic: &str) -> Result<i32> {
    loop {
        if let Some(partitions) = connection.topics.partitions(topic).await? {
            return Ok(partitions);
        }
        let made = connection.topics.create(&[topic_spec(connection)]).await?;
        tracing::debug!(?made, "created the topic for delayed events");
    }
}

/// Returns the delay topic as it has to be created.
pub(crate) fn topic_spec(connection: &Connection) -> TopicSpec {
    TopicSpec {
        name: connection.names().delay_topic(),
        partitions: connection.topics.default_partitions(),
        settings: fixed(&COMPACTED),
    }
}

fn encode(
    topic: &str,
    partitions: i32,
    id: &str,
    message: &Message,
    due: SystemTime,
) -> Result<OutgoingRecord> {
    record::check(message)?;
    let partition = delayed_record::partition(message, id.as_bytes(), partitions);
    let metadata = DelayedRecord::new(message.topic.clone(), due);
    let key = Bytes::copy_from_slice(id.as_bytes());
    delayed_record::encode((topic, partition), key, &metadata, message)
}
