//! Topics that a group needs besides those that it reads: for retries, delayed events and dead letters.
//!
//! They are created before the first message is read, because a topic takes a while to appear on every broker, and in as
//! few requests as possible.

use std::sync::Arc;

use super::sources::{RetryTopic, Source};
use crate::{
    backends::kafka::{
        connection::{
            access,
            admin::{COMPACTED, TopicSpec, fixed},
            handle::Connection,
            topics::PlannedTopic,
        },
        dead_letter,
        delay::enqueue,
        error::error,
    },
    event::{Group, Topic},
    transport::{ErrorKind, Result, TransportError},
};

/// Returns the retry topic of a topic with this many partitions, as it is created.
pub(crate) fn retries(
    connection: &Connection,
    group: &Group,
    topic: &Topic,
    partitions: i32,
) -> Result<TopicSpec> {
    Ok(TopicSpec {
        name: connection.names().retry_topic(group, topic)?,
        // More partitions than the topic has could not be given to more members.
        partitions: connection
            .topics
            .default_partitions()
            .min(partitions)
            .max(1),
        settings: fixed(&COMPACTED),
    })
}

/// Creates the support topics of topics; returns the topics to read, and a remark for each topic that was created.
pub(crate) async fn create(
    connection: &Arc<Connection>,
    group: &Group,
    topics: &[(Topic, String, i32)],
) -> Result<(Vec<Source>, Vec<String>)> {
    let mut planned = Vec::with_capacity(2 * topics.len() + 2);
    for (topic, _, partitions) in topics {
        planned.push(PlannedTopic {
            spec: retries(connection, group, topic, *partitions)?,
            purpose: format!("retries of {topic}"),
        });
    }
    planned.push(PlannedTopic {
        spec: enqueue::topic_spec(connection),
        purpose: "delayed events".to_owned(),
    });
    planned.extend(dead_letter::topics::planned(connection, topics)?);
    let remarks = connection
        .topics
        .create_planned(planned)
        .await
        .map_err(|failed| explain(connection, group, failed))?;
    let mut sources = Vec::with_capacity(topics.len());
    for (topic, name, _) in topics {
        let retries = connection.names().retry_topic(group, topic)?;
        let partitions = connection.topics.cached_partitions(&retries).unwrap_or(1);
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

/// Creates the retry topic of a topic unless it exists; returns its partitions.
pub(crate) async fn create_retries(
    connection: &Arc<Connection>,
    group: &Group,
    topic: &Topic,
) -> Result<i32> {
    let create = async {
        let partitions = connection
            .topics
            .partitions(&connection.names().topic_name(topic)?)
            .await?;
        let wanted = retries(connection, group, topic, partitions.unwrap_or(i32::MAX))?;
        connection
            .topics
            .create(std::slice::from_ref(&wanted))
            .await?;
        Ok(connection
            .topics
            .cached_partitions(&wanted.name)
            .unwrap_or(wanted.partitions))
    };
    create
        .await
        .map_err(|failed| explain(connection, group, failed))
}

/// Adds the command that allows the retry topics of a group, if one of them was refused: ACLs that name topics one by one
/// do not cover them.
pub(crate) fn explain(
    connection: &Connection,
    group: &Group,
    failed: TransportError,
) -> TransportError {
    let retries = format!("`{}pf.{group}.", connection.names().prefix());
    if failed.kind() != ErrorKind::Denied || !failed.message().contains(&retries) {
        return failed;
    }
    failed.hint(allow(connection, group))
}

/// Returns the error of retry topics that exist and may not be read.
pub(crate) fn unreadable(connection: &Connection, group: &Group) -> TransportError {
    let message = format!("the retries of group `{group}` may not be read by this user");
    error(ErrorKind::Denied, message).hint(allow(connection, group))
}

/// Returns the command that allows the retry topics of a group, whichever topics it reads.
pub(crate) fn allow(connection: &Connection, group: &Group) -> String {
    let prefix = connection.names().prefix();
    let what = format!("--resource-pattern-type prefixed --topic {prefix}pf.{group}.");
    access::command(&connection.config, "All", &what)
}
