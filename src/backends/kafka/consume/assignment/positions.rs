//! Positions of assigned partitions: how far the client read, and reading on from elsewhere.

use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{Consumer as _, RebalanceProtocol},
    error::KafkaResult,
};

use super::{partition::AssignmentId, rebalance::GroupConsumer};
use crate::{
    backends::kafka::{
        codec::topic_partition::TopicPartition,
        consume::{session::Session, state::lifecycle::Phase},
        error,
        read::gap,
    },
    transport::Result,
};

/// Notes how far the client read where no record says so, as behind markers of transactions, and whether a bounded
/// subscription is done.
pub(crate) fn refresh(client: &GroupConsumer, session: &Session) -> Result<()> {
    let plan = &client.context().callbacks.plan;
    let positions = client
        .position()
        .map_err(|failed| error::from_kafka(failed, "reading"))?;
    let mut state = session.state();
    for partition in state.assignment.partitions.values_mut() {
        let at = &partition.at;
        let position = positions.find_partition(&at.topic, at.partition);
        if let Some(Offset::Offset(offset)) = position.map(|position| position.offset()) {
            // Records behind the end are dropped, not read.
            let end = partition.kind.end();
            partition
                .kind
                .advance_to(end.map_or(offset, |end| offset.min(end)));
        }
    }
    if plan.until_end && state.lifecycle.phase == Phase::Running && state.is_done(plan.joined) {
        drop(state);
        session.enter(Phase::Reached);
    }
    Ok(())
}

/// Reads an assigned partition on from an offset, also if the client stopped reading it.
pub(crate) fn seek(
    client: &GroupConsumer,
    session: &Session,
    id: AssignmentId,
    at: &TopicPartition,
    offset: i64,
) -> Result<()> {
    match client.rebalance_protocol() {
        RebalanceProtocol::Eager => reassign(client, session, id, offset),
        _ => gap::resume_at(client, at, offset),
    }
}

/// Does the same under the eager protocol, which assigns all partitions together.
fn reassign(
    client: &GroupConsumer,
    session: &Session,
    id: AssignmentId,
    offset: i64,
) -> Result<()> {
    let assign = || -> KafkaResult<()> {
        let mut list = TopicPartitionList::new();
        for (other, partition) in &session.state().assignment.partitions {
            let is_other = *other != id;
            let next = if is_other {
                partition.kind.seen()
            } else {
                offset
            };
            let at = &partition.at;
            list.add_partition_offset(&at.topic, at.partition, Offset::Offset(next))?;
        }
        client.assign(&list)
    };
    assign().map_err(|failed| error::from_kafka(failed, "reading"))
}
