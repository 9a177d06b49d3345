//! The topics of dead letters: `<topic>.dlq` for each topic, and `pf.state` for the whole store.

use std::sync::Arc;

use super::{state_topic, store};
use crate::{
    backends::kafka::connection::{handle::Connection, topics::PlannedTopic},
    event::Topic,
    transport::Result,
};

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
            spec: store::wanted(connection, topic, *partitions)?,
            purpose: format!("dead letters of {topic}"),
        });
    }
    planned.push(PlannedTopic {
        spec: state_topic::wanted(connection),
        purpose: "the state of dead letters".to_owned(),
    });
    Ok(planned)
}
