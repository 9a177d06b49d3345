//! The topics of a namespace: which exist, how many partitions they have, and making new ones.
//!
//! Producers and consumers of the protocol create a topic that does not exist, where the broker allows it. So that a
//! misspelt name creates none, topics are looked for in the list of the namespace first.

use std::collections::BTreeMap;

use super::{
    admin, handle::Connection, names::split_partition, topic_directory::TopicInfo, wire::commands,
};
use crate::{
    backends::pulsar::{
        codec::protocol::CommandProducer,
        error::{error, from_server},
    },
    event::Topic,
    transport::{ErrorKind, Result},
};

/// Returns the local names of all topics, internal ones too, each with the number of partitions that are listed.
pub(crate) async fn list(connection: &Connection) -> Result<BTreeMap<String, Option<u32>>> {
    let names = &connection.config.names;
    let link = connection.any().await?;
    let answer = link
        .request(|id| commands::topics(id, &names.namespace))
        .await?;
    let answer = answer.get_topics_of_namespace_response;
    let answer = answer.ok_or_else(|| commands::unexpected("list of topics"))?;
    let mut topics = BTreeMap::new();
    for full in &answer.topics {
        let Some(local) = names.local(full) else {
            continue;
        };
        let (topic, number) = split_partition(local);
        let count: &mut Option<u32> = topics.entry(topic.to_owned()).or_default();
        if let Some(number) = number {
            *count = Some(count.unwrap_or(0).max(number + 1));
        }
    }
    Ok(topics)
}

/// Returns the topics of users, in order of name.
pub(crate) async fn of_users(connection: &Connection) -> Result<Vec<Topic>> {
    let names = &connection.config.names;
    let topics = list(connection).await?;
    let topics = topics.keys().filter_map(|local| names.user_topic(local));
    Ok(topics.collect())
}

/// Finds a user's topic.
pub(crate) async fn find(connection: &Connection, topic: &Topic) -> Result<TopicInfo> {
    let name = connection.config.names.topic_name(topic)?;
    let found = find_name(connection, &name).await?;
    found.ok_or_else(|| missing(topic))
}

/// Finds a topic by Pulsar's name.
pub(crate) async fn find_name(connection: &Connection, name: &str) -> Result<Option<TopicInfo>> {
    if let Some(known) = connection.topics.get(name) {
        return Ok(Some(known));
    }
    let partitions = match list(connection).await {
        Ok(topics) => {
            let local = connection.config.names.local(name).unwrap_or(name);
            match topics.get(local) {
                None => return Ok(None),
                Some(None) => None,
                Some(Some(listed)) => Some(count_partitions(connection, name).await?.max(*listed)),
            }
        }
        // A client that may use a topic may still not be allowed to list those beside it.
        Err(denied) if denied.kind() == ErrorKind::Denied => {
            match count_partitions(connection, name).await {
                Err(missing) if missing.kind() == ErrorKind::NotFound => return Ok(None),
                count => Some(count?).filter(|count| *count > 0),
            }
        }
        Err(failed) => return Err(failed),
    };
    let info = TopicInfo {
        name: name.to_owned(),
        partitions,
    };
    connection.topics.insert(info.clone());
    Ok(Some(info))
}

/// Reports by an error whether a log does not exist any more. A producer that came back to it would create it.
pub(crate) async fn check_exists(connection: &Connection, log: &str) -> Result<()> {
    count_partitions(connection, log).await.map(drop)
}

async fn count_partitions(connection: &Connection, name: &str) -> Result<u32> {
    let link = connection.any().await?;
    let answer = link.request(|id| commands::partitions(id, name)).await?;
    let answer = answer.partition_metadata_response;
    let answer = answer.ok_or_else(|| commands::unexpected("question about partitions"))?;
    match answer.error {
        Some(code) => {
            let text = answer.message.as_deref().unwrap_or_default();
            Err(from_server(code, text))
        }
        None => Ok(answer.partitions.unwrap_or(0)),
    }
}

/// Creates a user's topic unless it exists. Returns one line for people if it did not.
pub(crate) async fn create(connection: &Connection, topic: &Topic) -> Result<Vec<String>> {
    let name = connection.config.names.topic_name(topic)?;
    if find_name(connection, &name).await?.is_some() {
        return Ok(Vec::new());
    }
    let partitions = connection.config.partitions;
    match partitions {
        Some(count) => admin::create_partitions(connection, &name, count).await?,
        None => create_name(connection, &name).await?,
    }
    connection.topics.insert(TopicInfo { name, partitions });
    let with = match partitions {
        Some(1) => " with 1 partition".to_owned(),
        Some(count) => format!(" with {count} partitions"),
        None => String::new(),
    };
    Ok(vec![format!("created topic {topic}{with}")])
}

/// Creates a topic without partitions: a producer does that where topics may be created so, else the admin API.
pub(crate) async fn create_name(connection: &Connection, name: &str) -> Result<()> {
    let link = connection.broker_of(name).await?;
    let producer_id = link.next_id();
    let opened = link
        .request(|request_id| {
            commands::producer(CommandProducer {
                topic: name.to_owned(),
                producer_id,
                request_id,
                ..CommandProducer::default()
            })
        })
        .await;
    match opened {
        Ok(_) => {
            let closing = link.request(|id| commands::close_producer(id, producer_id));
            closing.await.map(drop)
        }
        Err(failed) if failed.kind() == ErrorKind::NotFound => {
            admin::create_topic(connection, name).await
        }
        Err(failed) => Err(failed),
    }
}

fn missing(topic: &Topic) -> crate::transport::TransportError {
    error(ErrorKind::NotFound, format!("topic {topic} does not exist"))
        .hint("`--create` creates it")
}
