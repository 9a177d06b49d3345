//! Internal topics: created with a subscription that keeps their messages, and read whole.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    backends::pulsar::{
        codec::{
            message::{Inbound, Outbound},
            protocol::{MessageMetadata, SubType},
        },
        connection::{
            consumer::{Consumer, ConsumerSpec, Start},
            handle::Connection,
            names::KEEPER,
            topic_directory::TopicInfo,
            topics,
        },
        error::error,
        read::reader::Reader,
    },
    transport::{ErrorKind, Result},
};

/// Creates a topic with a durable subscription that keeps its messages: a topic without one is emptied, then deleted.
/// Reports whether the topic is new.
pub(crate) async fn keep(connection: &Connection, name: &str) -> Result<bool> {
    keep_for(connection, name, KEEPER, SubType::Exclusive).await
}

/// The same for another subscription. Its type should be that of its consumers, which it does not keep out then.
pub(crate) async fn keep_for(
    connection: &Connection,
    name: &str,
    subscription: &str,
    sub_type: SubType,
) -> Result<bool> {
    let known = topics::find_name(connection, name).await?;
    if let Some(info) = known {
        match subscribe(connection, info, subscription, sub_type).await {
            // It was known, and deleted since.
            Err(gone) if gone.kind() == ErrorKind::NotFound => connection.topics.forget(name),
            kept => return kept.map(|()| false),
        }
    }
    topics::create_name(connection, name).await?;
    let info = TopicInfo {
        name: name.to_owned(),
        partitions: None,
    };
    subscribe(connection, info, subscription, sub_type).await?;
    Ok(true)
}

async fn subscribe(
    connection: &Connection,
    info: TopicInfo,
    subscription: &str,
    sub_type: SubType,
) -> Result<()> {
    for (log, _) in info.logs() {
        let spec = ConsumerSpec {
            sub_type,
            ..keeper(log, subscription)
        };
        match Consumer::subscribe(connection, &spec).await {
            Ok(consumer) => consumer.handle.close().await?,
            // A consumer uses it, so it exists.
            Err(held) if matches!(held.kind(), ErrorKind::Held | ErrorKind::Configuration) => {}
            Err(failed) => return Err(failed),
        }
    }
    Ok(())
}

/// Returns the consumer that alone holds the subscription of a log.
pub(crate) fn keeper(log: String, subscription: &str) -> ConsumerSpec {
    ConsumerSpec {
        log,
        subscription: subscription.to_owned(),
        sub_type: SubType::Exclusive,
        is_durable: true,
        start: Start::Earliest,
        create: false,
        properties: Vec::new(),
    }
}

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
