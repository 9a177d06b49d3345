//! The topics of dead letters: `<topic>.dlq` for each topic, and `pf.state` for the whole store.

use std::sync::Arc;

use super::state_topic;
use crate::{
    backends::kafka::connection::{
        admin::{TopicSpec, fixed},
        handle::Connection,
        topics::PlannedTopic,
    },
    event::Topic,
    transport::Result,
};

/// Letters are kept until they are resolved, and may be larger than what most topics accept.
const TOPIC_SETTINGS: [(&str, &str); 4] = [
    ("cleanup.policy", "delete"),
    ("retention.ms", "-1"),
    ("retention.bytes", "-1"),
    ("max.message.bytes", "8388608"),
];

/// Creates the topics of the dead letters of topics, unless they exist; returns a remark for each that was created.
pub(crate) async fn create(
    connection: &Arc<Connection>,
    origins: &[(Topic, String, i32)],
) -> Result<Vec<String>> {
    connection
        .topics
        .create_planned(planned(connection, origins)?)
        .await
}

/// Returns the topics of the dead letters of topics.
pub(crate) fn planned(
    connection: &Connection,
    origins: &[(Topic, String, i32)],
) -> Result<Vec<PlannedTopic>> {
    let mut planned = Vec::with_capacity(origins.len() + 1);
    for (topic, _, partitions) in origins {
        planned.push(PlannedTopic {
            spec: topic_spec(connection, topic, *partitions)?,
            purpose: format!("dead letters of {topic}"),
        });
    }
    planned.push(PlannedTopic {
        spec: state_topic::topic_spec(connection),
        purpose: "the state of dead letters".to_owned(),
    });
    Ok(planned)
}

/// Returns the dead-letter topic of a topic as it has to be created.
fn topic_spec(connection: &Connection, topic: &Topic, partitions: i32) -> Result<TopicSpec> {
    Ok(TopicSpec {
        name: connection.names().dead_letter_topic(topic)?,
        partitions,
        settings: fixed(&TOPIC_SETTINGS),
    })
}
