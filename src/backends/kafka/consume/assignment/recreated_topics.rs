//! Topics that are deleted and created again while a member reads them.
//!
//! The client reads on in the new topic at the offset of the old one and says nothing; only its log tells that the id
//! of a name changed. Records of such a topic are dropped, and it is read from its beginning.

use std::collections::HashSet;

use rdkafka::consumer::Consumer as _;

use super::{
    partition::{AssignmentId, PartitionKind},
    positions,
    rebalance::GroupConsumer,
};
use crate::{
    backends::kafka::{
        codec::{record::FetchedRecord, topic_partition::TopicPartition},
        connection::client::topic_ids::{IdentityChange, TopicIdentity},
        consume::{membership::leave, session::Session},
        read::gap,
    },
    transport::Result,
};

/// Recreated topics that are not read from their beginning yet.
#[derive(Debug, Default)]
pub(crate) struct RecreatedTopics(HashSet<String>);

impl RecreatedTopics {
    /// Drops records that may be those of a recreated topic. The client reports the new id before it fetches anything
    /// under it, so none slips through.
    pub(crate) fn drop_records(
        &mut self,
        client: &GroupConsumer,
        session: &Session,
        chunk: &mut Vec<FetchedRecord>,
    ) {
        let callbacks = &client.context().callbacks;
        for update in callbacks.topics.updates() {
            if update.is_change {
                callbacks.plan.on_recreated(&update.topic);
            }
            let Some(present) = callbacks.identity(&update.topic) else {
                continue;
            };
            let mut state = session.state();
            let change = state.assignment.update_identity(&update.topic, present);
            drop(state);
            if change == IdentityChange::Recreated {
                self.0.insert(update.topic);
            }
        }
        if !self.0.is_empty() {
            chunk.retain(|record| !self.0.contains(&*record.topic));
        }
    }

    /// Reads recreated topics from their beginning.
    pub(crate) fn restart(&mut self, client: &GroupConsumer, session: &Session) -> Result<()> {
        while let Some(name) = self.0.iter().next().cloned() {
            restart_topic(client, session, &name)?;
            self.0.remove(&name);
        }
        Ok(())
    }
}

fn restart_topic(client: &GroupConsumer, session: &Session, name: &str) -> Result<()> {
    let present = client.context().callbacks.identity(name);
    let is_old = |kind: &PartitionKind| {
        TopicIdentity::compare(kind.identity(), present) == IdentityChange::Recreated
            && !kind.is_passed()
    };
    let (ids, has_retries) = {
        let state = session.state();
        let old: Vec<_> = state
            .assignment
            .partitions
            .iter()
            .filter(|(_, partition)| *partition.at.topic == *name && is_old(&partition.kind))
            .collect();
        let is_retries = |kind: &PartitionKind| matches!(kind, PartitionKind::Retries(_));
        let has_retries = old.iter().any(|(_, partition)| is_retries(&partition.kind));
        let ids: Vec<AssignmentId> = old.into_iter().map(|(id, _)| *id).collect();
        (ids, has_retries)
    };
    if has_retries {
        // The index of its retries is rebuilt with the next assignment.
        leave::leave_group(client, session);
        return Ok(());
    }
    for id in ids {
        restart_partition(client, session, id, present)?;
    }
    Ok(())
}

fn restart_partition(
    client: &GroupConsumer,
    session: &Session,
    id: AssignmentId,
    present: Option<TopicIdentity>,
) -> Result<()> {
    let found = session.state().assignment.partitions.get(&id).map(|one| {
        let topic = match &one.kind {
            PartitionKind::Messages { topic, .. } => topic.as_str().into(),
            PartitionKind::Retries(_) => one.at.topic.clone(),
        };
        (one.at.clone(), one.kind.seen(), topic)
    });
    let Some((at, seen, topic)) = found else {
        return Ok(());
    };
    let watermarks = session.watermarks(&at)?;
    positions::seek(client, session, id, &at, watermarks.low)?;
    let mut state = session.state();
    state.assignment.limit_end(id, watermarks.high);
    state.restart(id, watermarks.low, present);
    drop(state);
    let named = TopicPartition {
        topic,
        partition: at.partition,
    };
    session.fail(gap::recreated(&named, seen, watermarks));
    Ok(())
}
