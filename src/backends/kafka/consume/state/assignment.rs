//! The partitions that the group assigned to this member.
//!
//! Each assignment of a partition has an id of its own. A partition that is revoked and assigned again later has another
//! id, so that settling a delivery from before cannot advance the offset of the new assignment.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use rdkafka::TopicPartitionList;

use crate::backends::kafka::{
    codec::topic_partition::TopicPartition,
    connection::client::topic_ids::{IdentityChange, TopicIdentity},
    consume::{
        assignment::partition::{AssignedPartition, AssignmentId, PartitionKind, RetryPartition},
        offsets::offset_tracker::OffsetTracker,
    },
};

/// How many retry partitions are read up to their end at a time. The client fetches from every partition that is not
/// paused, and would hold an answer of each in memory.
const MAX_CATCHING_UP: usize = 8;

/// The assigned partitions.
#[derive(Debug, Default)]
pub(crate) struct Assignment {
    pub(crate) partitions: HashMap<AssignmentId, AssignedPartition>,
    ids: HashMap<TopicPartition, AssignmentId>,
    /// Partitions that are being revoked: nothing more of them is delivered.
    pub(crate) draining: HashSet<AssignmentId>,
    /// The keys of the retries that this member stored, and the partition that holds each.
    pub(crate) retries: HashMap<Bytes, AssignmentId>,
    /// Assigned partitions of topics that this member does not read.
    pub(crate) foreign: HashSet<TopicPartition>,
    /// Fetching is paused, for want of room.
    pub(crate) is_paused: bool,
    /// An error of the client may have been lost: it forgets what it had to say of a partition that is paused.
    pub(crate) may_be_stalled: bool,
    last_id: u64,
}

impl Assignment {
    /// Adds a partition.
    pub(crate) fn assign(&mut self, partition: AssignedPartition) -> AssignmentId {
        self.last_id += 1;
        let id = AssignmentId(self.last_id);
        self.ids.insert(partition.at.clone(), id);
        self.partitions.insert(id, partition);
        id
    }

    /// Removes partitions, and the retries in them.
    pub(crate) fn revoke(&mut self, partitions: &HashSet<AssignmentId>) {
        let is_gone = |id: &AssignmentId| partitions.contains(id);
        self.partitions.retain(|id, _| !is_gone(id));
        self.ids.retain(|_, id| !is_gone(id));
        self.retries.retain(|_, id| !is_gone(id));
        self.draining.retain(|id| !is_gone(id));
    }

    /// Returns the present assignment of a partition.
    pub(crate) fn id(&self, at: &TopicPartition) -> Option<AssignmentId> {
        self.ids.get(at).copied()
    }

    pub(crate) fn contains(&self, id: AssignmentId) -> bool {
        self.partitions.contains_key(&id)
    }

    pub(crate) fn all(&self) -> HashSet<AssignmentId> {
        self.partitions.keys().copied().collect()
    }

    /// Returns a partition of retries.
    pub(crate) fn retry_partition(&mut self, id: AssignmentId) -> Option<&mut RetryPartition> {
        match &mut self.partitions.get_mut(&id)?.kind {
            PartitionKind::Retries(retries) => Some(retries),
            PartitionKind::Messages { .. } => None,
        }
    }

    /// Notes that a message is settled; reports whether its partition is still assigned.
    pub(crate) fn settle(&mut self, id: AssignmentId, offset: i64) -> bool {
        let Some(partition) = self.partitions.get_mut(&id) else {
            return false;
        };
        if let PartitionKind::Messages { tracker, .. } = &mut partition.kind {
            tracker.settle(offset);
        }
        true
    }

    /// Counts messages that are settled and not durably so.
    pub(crate) fn uncommitted(&self) -> usize {
        let partitions = self.partitions.values();
        partitions
            .map(|partition| partition.kind.uncommitted())
            .sum()
    }

    /// Reports whether everything up to the end that a bounded subscription reads is settled, and retries that were due
    /// by `joined` are too.
    pub(crate) fn is_done(&mut self, joined: i64) -> bool {
        let mut partitions = self.partitions.values_mut();
        self.retries.is_empty()
            && partitions.all(|partition| match &mut partition.kind {
                PartitionKind::Messages { tracker, end, .. } => {
                    end.is_none_or(|end| tracker.is_settled_before(end))
                }
                // Due retries of an earlier version's topic are waited for elsewhere, with a limit.
                PartitionKind::Retries(retries) if retries.is_legacy() => true,
                PartitionKind::Retries(retries) => {
                    let next = retries.index.next();
                    retries.is_caught_up() && next.is_none_or(|next| next > joined)
                }
            })
    }

    /// Lowers the end up to which a bounded subscription reads a partition to the end of its log: it waits for nothing
    /// behind that.
    pub(crate) fn limit_end(&mut self, id: AssignmentId, high: i64) {
        if let Some(PartitionKind::Messages { end: Some(end), .. }) = self
            .partitions
            .get_mut(&id)
            .map(|partition| &mut partition.kind)
        {
            *end = high.min(*end);
        }
    }

    /// Starts a partition of messages at an offset, as if it had just been assigned, and returns the assignment that ended
    /// by it. The caller drops the deliveries of that one.
    pub(crate) fn restart(
        &mut self,
        id: AssignmentId,
        offset: i64,
        identity: Option<TopicIdentity>,
    ) -> Option<AssignmentId> {
        let partition = self.partitions.get(&id)?;
        let PartitionKind::Messages { topic, end, .. } = &partition.kind else {
            return None;
        };
        let mut tracker = OffsetTracker::new(offset, "").under(identity);
        tracker.force_commit();
        let partition = AssignedPartition {
            at: partition.at.clone(),
            kind: PartitionKind::Messages {
                topic: topic.clone(),
                tracker,
                end: *end,
            },
        };
        self.assign(partition);
        Some(id)
    }

    /// Notes which topic has a name now; reports whether a position is one in another topic of that name.
    pub(crate) fn update_identity(&mut self, name: &str, present: TopicIdentity) -> IdentityChange {
        let mut found = IdentityChange::Same;
        let partitions = self.partitions.values_mut();
        for partition in partitions.filter(|partition| *partition.at.topic == *name) {
            match TopicIdentity::compare(partition.kind.identity(), Some(present)) {
                IdentityChange::Recreated => found = IdentityChange::Recreated,
                change => partition.kind.set_identity(present, change),
            }
        }
        found
    }

    /// Notes that the client fetches from every partition again.
    pub(crate) fn resumed(&mut self) {
        self.is_paused = false;
        self.may_be_stalled = true;
        for partition in self.partitions.values_mut() {
            if let PartitionKind::Retries(retries) = &mut partition.kind {
                retries.is_held_back = false;
            }
        }
    }

    /// Reports whether a retry partition was not read up to the end that it had when it was assigned.
    pub(crate) fn is_catching_up(&self) -> bool {
        let mut partitions = self.partitions.values();
        partitions.any(|partition| {
            matches!(&partition.kind, PartitionKind::Retries(retries) if !retries.is_caught_up())
        })
    }

    /// Chooses the retry partitions to pause and to resume, so that at most [`MAX_CATCHING_UP`] are caught up at a time.
    pub(crate) fn stagger(&mut self) -> Staggered {
        let mut staggered = Staggered::default();
        // Then every partition is paused.
        if self.is_paused {
            return staggered;
        }
        let mut running = 0;
        for (at, retries) in catching_up(&mut self.partitions, false) {
            running += 1;
            if running > MAX_CATCHING_UP {
                retries.is_held_back = true;
                staggered.pause.add_partition(&at.topic, at.partition);
            }
        }
        for (at, retries) in catching_up(&mut self.partitions, true) {
            if running < MAX_CATCHING_UP {
                running += 1;
                retries.is_held_back = false;
                staggered.resume.add_partition(&at.topic, at.partition);
            }
        }
        staggered
    }
}

/// Partitions to pause and to resume.
#[derive(Debug)]
pub(crate) struct Staggered {
    pub(crate) pause: TopicPartitionList,
    pub(crate) resume: TopicPartitionList,
}

impl Default for Staggered {
    fn default() -> Self {
        Self {
            pause: TopicPartitionList::new(),
            resume: TopicPartitionList::new(),
        }
    }
}

/// Returns the retry partitions that are not caught up, and are held back or not.
fn catching_up(
    partitions: &mut HashMap<AssignmentId, AssignedPartition>,
    is_held_back: bool,
) -> impl Iterator<Item = (&TopicPartition, &mut Box<RetryPartition>)> {
    partitions
        .values_mut()
        .filter_map(move |partition| match &mut partition.kind {
            PartitionKind::Retries(retries)
                if !retries.is_caught_up() && retries.is_held_back == is_held_back =>
            {
                Some((&partition.at, retries))
            }
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        backends::kafka::delay::{index::DelayIndex, memory_budget::MemoryBudget},
        event::Topic,
    };

    fn topic() -> Topic {
        "order".parse().unwrap()
    }

    fn messages(partition: i32, end: Option<i64>) -> AssignedPartition {
        AssignedPartition {
            at: TopicPartition::new("order", partition),
            kind: PartitionKind::Messages {
                topic: topic(),
                tracker: OffsetTracker::new(0, ""),
                end,
            },
        }
    }

    fn retries(partition: i32) -> AssignedPartition {
        let at = TopicPartition::new("pf.g.order.delay", partition);
        let budget = MemoryBudget::new(1 << 20);
        let index = DelayIndex::sharing(at.clone(), budget, 1000);
        AssignedPartition {
            at,
            kind: PartitionKind::Retries(Box::new(RetryPartition {
                topic: Some(topic()),
                index,
                seen: 0,
                barrier: 5,
                committed: -1,
                is_held_back: false,
                committing: None,
                identity: None,
            })),
        }
    }

    #[test]
    fn a_later_assignment_of_a_partition_has_another_id() {
        let mut assignment = Assignment::default();
        let first = assignment.assign(messages(0, None));
        assignment.revoke(&HashSet::from([first]));
        let second = assignment.assign(messages(0, None));
        assert_ne!(first, second);
        assert!(!assignment.settle(first, 0) && assignment.settle(second, 0));
        assert_eq!(
            assignment.id(&TopicPartition::new("order", 0)),
            Some(second)
        );
    }

    #[test]
    fn a_restarted_partition_keeps_its_end() {
        let mut assignment = Assignment::default();
        let id = assignment.assign(messages(0, Some(9)));
        assignment.limit_end(id, 7);
        assert_eq!(assignment.restart(id, 3, None), Some(id));
        assignment.revoke(&HashSet::from([id]));
        let present = assignment.id(&TopicPartition::new("order", 0)).unwrap();
        let kind = &assignment.partitions[&present].kind;
        assert_eq!((kind.end(), kind.seen()), (Some(7), 3));
        assert!(!assignment.is_done(0));
    }

    #[test]
    fn few_retry_partitions_catch_up_at_a_time() {
        let mut assignment = Assignment::default();
        let count = i32::try_from(MAX_CATCHING_UP).unwrap() + 3;
        let ids: Vec<_> = (0..count)
            .map(|number| assignment.assign(retries(number)))
            .collect();
        assert_eq!(assignment.stagger().pause.count(), 3);
        assert_eq!(assignment.stagger().pause.count(), 0);
        let is_running = |assignment: &mut Assignment, id| {
            assignment
                .retry_partition(id)
                .is_some_and(|retries| !retries.is_held_back)
        };
        let done = ids
            .iter()
            .find(|id| is_running(&mut assignment, **id))
            .unwrap();
        assignment.retry_partition(*done).unwrap().seen = 5;
        assert_eq!(assignment.stagger().resume.count(), 1);
        assignment.is_paused = true;
        assert_eq!(assignment.stagger().resume.count(), 0);
        assignment.resumed();
        assert!(assignment.may_be_stalled && assignment.is_catching_up());
    }
}
