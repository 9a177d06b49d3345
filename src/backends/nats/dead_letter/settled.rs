//! Which replays a group has settled: its consumers' acknowledgement floors have passed them.
//!
//! The server says up to where a consumer has acknowledged everything, and not which messages beyond that it has
//! acknowledged. A replay so counts as settled once everything before it is, too; a retry is a delayed nak, which keeps the
//! floor below it.

use std::collections::HashMap;

use crate::{
    backends::nats::connection::{
        consumer::{self, ConsumerInfo},
        handle::Connection,
        names::{self, Names},
        stream::{info, retention},
    },
    event::{Group, Position, Topic},
    transport::{ErrorKind, Replayed, Result, Settled},
};

/// Reports of each replay whether a group has settled it.
pub(crate) async fn settled(
    connection: &Connection,
    group: &Group,
    replays: &[Replayed],
) -> Result<Vec<Settled>> {
    let stream = info::find(connection, &connection.names.stream).await?;
    let is_queue = stream.is_some_and(|stream| stream.config.retention == "workqueue");
    let consumers = consumers_of(connection, group).await?;
    let mut readers = HashMap::new();
    let mut all = Vec::with_capacity(replays.len());
    for replay in replays {
        let topic = &replay.target.topic;
        if !readers.contains_key(topic) {
            readers.insert(topic.clone(), reader_of(connection, &consumers, topic)?);
        }
        let reader = readers.get(topic).copied().flatten();
        all.push(judge(replay, reader, is_queue));
    }
    Ok(all)
}

fn judge(replay: &Replayed, reader: Option<&ConsumerInfo>, is_queue: bool) -> Settled {
    let unknown = |reason: &str| Settled::Unknown(reason.to_owned());
    let Some(reader) = reader else {
        return unknown("the group has no consumer that reads this topic");
    };
    match replay.position.as_ref().and_then(sequence) {
        Some(sequence) if reader.ack_floor() >= sequence => Settled::Yes,
        Some(_) => Settled::No,
        // A work queue removes a message once its only consumer has acknowledged it.
        None if is_queue => Settled::Yes,
        None => unknown("its message is not in the stream"),
    }
}

fn sequence(position: &Position) -> Option<u64> {
    position.as_str().parse().ok()
}

/// Returns the consumers of a group, the further ones included.
async fn consumers_of(connection: &Connection, group: &Group) -> Result<Vec<ConsumerInfo>> {
    let first = consumer::find(connection, &Names::consumer(group)).await;
    let mut found: Vec<_> = first?.into_iter().collect();
    match retention::consumers(connection, &connection.names.stream).await {
        Ok(all) => {
            let is_own = |one: &ConsumerInfo| {
                Names::group(&one.name).is_ok_and(|own| own == *group)
                    && found.iter().all(|known| known.name != one.name)
            };
            let others: Vec<_> = all.into_iter().filter(is_own).collect();
            found.extend(others);
        }
        // Listing them needs a right of its own.
        Err(refused) if refused.kind() == ErrorKind::Denied => {}
        Err(failed) => return Err(failed),
    }
    Ok(found)
}

fn reader_of<'a>(
    connection: &Connection,
    consumers: &'a [ConsumerInfo],
    topic: &Topic,
) -> Result<Option<&'a ConsumerInfo>> {
    let subject = connection.names.subject(topic)?;
    let covers = |reader: &&ConsumerInfo| {
        let filters = reader.filters();
        filters.iter().any(|filter| names::covers(filter, &subject))
    };
    Ok(consumers.iter().find(covers))
}
