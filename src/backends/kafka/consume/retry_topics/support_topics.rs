//! What a group needs beside its topics: created before any of them is read, in as few requests as it takes.

use std::sync::Arc;

use super::sources::{RetryTopic, Source};
use crate::{
    backends::kafka::{
        connection::{
            admin::{COMPACTED, TopicSpec},
            handle::Connection,
        },
        dead_letter::{state_topic, store},
        delay::enqueue,
        error::error,
    },
    event::{Group, Topic},
    transport::{ErrorKind, Result, TransportError},
};

/// A topic to be created, and what for.
type Purpose = (TopicSpec, String);

/// Returns the topic of a group's retries of a topic, which has so many partitions, as it has to be made.
pub(crate) fn retries(
    connection: &Connection,
    group: &Group,
    topic: &Topic,
    partitions: i32,
) -> Result<TopicSpec> {
    Ok(TopicSpec {
        name: connection.names().retry_topic(group, topic)?,
        // More than the topic has could not be worked on by more members.
        partitions: connection.own_partitions().min(partitions).max(1),
        settings: COMPACTED.to_vec(),
    })
}

/// Creates what a group needs beside topics that it is to read; returns these, and a line for each topic that was made.
pub(crate) async fn create(
    connection: &Arc<Connection>,
    group: &Group,
    topics: &[(Topic, String, i32)],
) -> Result<(Vec<Source>, Vec<String>)> {
    let mut wanted = Vec::with_capacity(2 * topics.len() + 2);
    for (topic, _, partitions) in topics {
        let retries = retries(connection, group, topic, *partitions)?;
        wanted.push((retries, format!("retries of {topic}")));
    }
    wanted.push((
        enqueue::topic_spec(connection),
        "what is for later".to_owned(),
    ));
    wanted.extend(letters(connection, topics)?);
    let remarks = make(connection, wanted)
        .await
        .map_err(|failed| explain(connection, group, failed))?;
    let mut sources = Vec::with_capacity(topics.len());
    for (topic, name, _) in topics {
        let retries = connection.names().retry_topic(group, topic)?;
        let partitions = connection.known(&retries).unwrap_or(1);
        sources.push(Source {
            retries: RetryTopic {
                name: retries.into(),
                partitions,
            },
            topic: topic.clone(),
            name: name.clone(),
        });
    }
    Ok((sources, remarks))
}

/// Creates the topic of a group's retries of a topic unless it is there; returns its partitions.
pub(crate) async fn create_retries(
    connection: &Arc<Connection>,
    group: &Group,
    topic: &Topic,
) -> Result<i32> {
    let create = async {
        let partitions = connection
            .partitions(&connection.names().topic_name(topic)?)
            .await?;
        let wanted = retries(connection, group, topic, partitions.unwrap_or(i32::MAX))?;
        connection.make(std::slice::from_ref(&wanted)).await?;
        Ok(connection.known(&wanted.name).unwrap_or(wanted.partitions))
    };
    create
        .await
        .map_err(|failed| explain(connection, group, failed))
}

/// Creates the topics of the dead letters of topics, and that of what became of them.
pub(crate) async fn create_letters(
    connection: &Arc<Connection>,
    topics: &[(Topic, String, i32)],
) -> Result<Vec<String>> {
    make(connection, letters(connection, topics)?).await
}

fn letters(connection: &Connection, topics: &[(Topic, String, i32)]) -> Result<Vec<Purpose>> {
    let mut wanted = Vec::with_capacity(topics.len() + 1);
    for (topic, _, partitions) in topics {
        let letters = store::wanted(connection, topic, *partitions)?;
        wanted.push((letters, format!("dead letters of {topic}")));
    }
    let state = "what becomes of dead letters".to_owned();
    wanted.push((state_topic::wanted(connection), state));
    Ok(wanted)
}

async fn make(connection: &Arc<Connection>, wanted: Vec<Purpose>) -> Result<Vec<String>> {
    let (topics, purposes): (Vec<TopicSpec>, Vec<String>) = wanted.into_iter().unzip();
    let made = connection.make(&topics).await?;
    let told = topics.iter().zip(purposes);
    let told = told.filter(|(topic, _)| made.contains(&topic.name));
    let told = told.map(|(topic, purpose)| format!("made topic {} for {purpose}", topic.name));
    Ok(told.collect())
}

/// Adds what an ACL that names topics one by one has to become: there is a topic of retries for each topic of a group.
pub(crate) fn explain(
    connection: &Connection,
    group: &Group,
    failed: TransportError,
) -> TransportError {
    if failed.kind() != ErrorKind::Denied {
        return failed;
    }
    failed.hint(allow(connection, group))
}

/// Returns the error of topics of retries that are there and may not be read.
pub(crate) fn unreadable(connection: &Connection, group: &Group) -> TransportError {
    let message = format!("the retries of group `{group}` may not be read by this user");
    error(ErrorKind::Denied, message).hint(allow(connection, group))
}

/// Returns the command that allows the topics of the retries of a group, whichever topics it reads.
pub(crate) fn allow(connection: &Connection, group: &Group) -> String {
    let user = connection.config.properties.get("sasl.username");
    let user = user.map_or("NAME", String::as_str);
    let (servers, prefix) = (
        connection.config.servers.join(","),
        connection.names().prefix(),
    );
    format!(
        "kafka-acls.sh --bootstrap-server {servers} --add --allow-principal User:{user} --operation All \
         --resource-pattern-type prefixed --topic {prefix}pf.{group}."
    )
}
