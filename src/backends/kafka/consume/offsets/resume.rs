//! Where a group resumes in a partition for which it has a committed offset.

use super::{commit_metadata, offset_tracker::OffsetTracker};
use crate::{
    backends::kafka::{
        codec::topic_partition::{TopicPartition, Watermarks},
        connection::client::topic_ids::{IdentityChange, TopicIdentity},
        read::gap::{self, Gap},
    },
    event::Topic,
    transport::TransportError,
};

/// A committed offset.
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) metadata: String,
}

impl Committed {
    /// Returns the identity of the topic in which this is an offset, if it is known.
    pub(crate) fn identity(&self) -> Option<TopicIdentity> {
        commit_metadata::identity(&self.metadata)
    }

    fn compare(&self, present: Option<TopicIdentity>) -> IdentityChange {
        TopicIdentity::compare(self.identity(), present)
    }

    /// Reports whether this may be an offset in the topic that exists now.
    pub(crate) fn is_of(&self, present: Option<TopicIdentity>) -> bool {
        self.compare(present) != IdentityChange::Recreated
    }
}

/// Returns a tracker from the committed offset on, or from the first record behind a gap, and the error of the gap.
pub(crate) fn resume_committed(
    topic: &Topic,
    partition: i32,
    committed: &Committed,
    watermarks: Watermarks,
    present: Option<TopicIdentity>,
) -> (OffsetTracker, Option<TransportError>) {
    let next = committed.offset;
    let change = committed.compare(present);
    let at = TopicPartition::new(topic.as_str(), partition);
    let gap = match change {
        IdentityChange::Recreated => Some(Gap::Truncated(gap::recreated(&at, next, watermarks))),
        _ => Gap::find(&at, next, watermarks),
    };
    let mut tracker = match (&gap, change) {
        (Some(Gap::Truncated(_)), _) => OffsetTracker::new(watermarks.low, ""),
        // A mirroring tool translates the offset of a commit, but not the runs in its metadata.
        (_, IdentityChange::Mirrored) => OffsetTracker::new(next, ""),
        _ => OffsetTracker::new(next, &committed.metadata),
    };
    let gap = gap.map(|gap| {
        tracker.advance_to(watermarks.low);
        // A reported gap is not reported again, also if nothing is settled.
        tracker.force_commit();
        gap.into_error()
    });
    (tracker, gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cluster: u32, topic: u128) -> TopicIdentity {
        TopicIdentity { cluster, topic }
    }

    /// Returns the offsets that a group reads which had settled 5 and 7, and how many gaps are reported.
    fn resume(
        committed: Option<TopicIdentity>,
        present: Option<TopicIdentity>,
    ) -> (Vec<i64>, usize) {
        let (metadata, _) = commit_metadata::write(5, &[(7, 8)], committed);
        let committed = Committed {
            offset: 5,
            metadata,
        };
        let topic: Topic = "order".parse().unwrap();
        let watermarks = Watermarks { low: 0, high: 9 };
        let (mut tracker, gap) = resume_committed(&topic, 0, &committed, watermarks, present);
        let from = tracker.seen();
        let left = (from..9).filter(|offset| tracker.is_new(*offset)).collect();
        (left, usize::from(gap.is_some()))
    }

    #[test]
    fn a_recreated_topic_is_read_from_its_beginning() {
        let (same, present) = (at(1, 1), Some(at(1, 1)));
        assert_eq!(resume(Some(same), present), (vec![5, 6, 8], 0));
        assert_eq!(resume(None, present), (vec![5, 6, 8], 0));
        assert_eq!(resume(Some(at(1, 2)), present), ((0..9).collect(), 1));
        assert_eq!(resume(Some(at(2, 2)), present), ((5..9).collect(), 0));
    }
}
