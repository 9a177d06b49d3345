//! Retries that became due, delivered again.
//!
//! A retry partition is read like a log, and an index holds when each retry is due. Records that are due much later are
//! not kept in memory but fetched again by their offsets.

use std::{collections::HashMap, time::Duration};

use super::{
    assignment::partition::{AssignmentId, PartitionKind},
    offsets::start_offset::OffsetPlan,
    session::Session,
    state::{
        SessionState,
        delivery::{AckHandle, RetrySlot},
    },
};
use crate::{
    backends::{
        delivery_buffer::Fetched,
        kafka::{
            codec::{
                record::{self, FetchedRecord},
                topic_partition::TopicPartition,
            },
            delay::{delayed_record, index::Due},
            read::offset_fetcher::OffsetFetcher,
        },
    },
    event::{Position, Stored},
    transport::Result,
};

/// The delay before a record that could not be fetched is fetched again, in milliseconds.
const REFETCH: i64 = 500;

/// Due retries of a partition.
struct Batch {
    id: AssignmentId,
    at: TopicPartition,
    due: Vec<Due>,
}

/// Delivers due retries.
#[derive(Debug)]
pub(crate) struct DueRetries {
    fetcher: OffsetFetcher,
}

impl DueRetries {
    pub(crate) fn new(session: &Session) -> Self {
        Self {
            fetcher: OffsetFetcher::new(&session.connection.config),
        }
    }

    /// Puts due retries into the buffer, and returns how long it takes until the next is due, at most `limit`.
    pub(crate) fn enqueue(
        &self,
        session: &Session,
        plan: &OffsetPlan,
        limit: Duration,
    ) -> Result<Duration> {
        let now = record::now_millis();
        let mut next = limit;
        let batches = take_due(session, now, &mut next);
        let mut enqueued = Ok(());
        for batch in batches {
            // A failure in one partition must not hold up the others.
            enqueued = enqueued.and(self.enqueue_batch(session, plan, batch, now));
        }
        enqueued.map(|()| next)
    }

    fn enqueue_batch(
        &self,
        session: &Session,
        plan: &OffsetPlan,
        batch: Batch,
        now: i64,
    ) -> Result<()> {
        let id = batch.id;
        let absent = batch.due.iter().filter(|due| due.record.is_none());
        let mut absent: Vec<i64> = absent.map(|due| due.offset).collect();
        absent.sort_unstable();
        let (fetched, failed) = match self.fetcher.read(&batch.at, &absent) {
            Ok(fetched) => (fetched, None),
            Err(failed) => (Vec::new(), Some(failed)),
        };
        let fetched = fetched.into_iter().map(|record| (record.offset, record));
        let mut fetched: HashMap<i64, FetchedRecord> = fetched.collect();
        let mut state = session.state();
        for due in batch.due {
            let (time, offset) = (due.time, due.offset);
            let record = due.record.or_else(|| fetched.remove(&offset));
            match record.and_then(|record| to_delivery(&state, plan, id, record)) {
                Some(message) => state.deliveries.admit(message),
                None if failed.is_some() => {
                    let due = Due {
                        time,
                        offset,
                        record: None,
                    };
                    if let Some(retries) = state.assignment.retry_partition(id) {
                        retries.index.put_back(due, now + REFETCH);
                    }
                }
                None => {}
            }
        }
        drop(state);
        session.delivered.notify_waiters();
        failed.map_or(Ok(()), Err)
    }
}

/// Takes due retries out of the indexes, at most as many as the buffer has room for.
fn take_due(session: &Session, now: i64, next: &mut Duration) -> Vec<Batch> {
    let mut batches = Vec::new();
    let mut state = session.state();
    let room = session
        .max_in_flight
        .saturating_sub(state.deliveries.buffered());
    let partitions = &mut state.assignment.partitions;
    let has_due = |kind: &mut PartitionKind| match kind {
        PartitionKind::Retries(retries) if retries.is_caught_up() && !retries.is_legacy() => {
            retries.index.next().is_some_and(|time| time <= now)
        }
        _ => false,
    };
    let with_due = partitions.values_mut().map(|one| has_due(&mut one.kind));
    // No partition takes the room of the others.
    let share = room.div_ceil(with_due.filter(|has_due| *has_due).count().max(1));
    for (id, partition) in partitions {
        let PartitionKind::Retries(retries) = &mut partition.kind else {
            continue;
        };
        if !retries.is_caught_up() || retries.is_legacy() {
            continue;
        }
        let due = retries.index.due(now, share);
        if !due.is_empty() {
            batches.push(Batch {
                id: *id,
                at: partition.at.clone(),
                due,
            });
        }
        if let Some(time) = retries.index.next() {
            let left = u64::try_from(time - now).unwrap_or(0);
            *next = Duration::from_millis(left).min(*next);
        }
    }
    batches
}

/// Returns the delivery of a retry. A bounded subscription leaves retries that were due later to others, unless it
/// stored them itself.
fn to_delivery(
    state: &SessionState,
    plan: &OffsetPlan,
    assignment: AssignmentId,
    record: FetchedRecord,
) -> Option<Fetched<AckHandle>> {
    let key = record.key.clone()?;
    let at = TopicPartition::new(record.topic.clone(), record.partition);
    let (offset, time) = (record.offset, record.time);
    let (metadata, message) = delayed_record::decode(record)?;
    let is_late = plan.until_end && metadata.due > plan.joined;
    if is_late && !state.assignment.retries.contains_key(&key) {
        return None;
    }
    let own = || Position::new(format!("{}/{}/{offset}", at.topic, at.partition));
    let stored = Stored {
        message,
        position: metadata.position.clone().unwrap_or_else(own),
        time: metadata
            .stored
            .map_or(time, |millis| record::time(Some(millis))),
    };
    Some(Fetched {
        stored,
        attempts: metadata.attempts(),
        lineage: metadata.lineage,
        handle: AckHandle {
            assignment,
            offset,
            retry: Some(RetrySlot { key, at }),
        },
    })
}
