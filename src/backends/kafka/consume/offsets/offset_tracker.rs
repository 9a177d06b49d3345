//! How far a partition is settled: the first unsettled offset, which is committed, and what is settled beyond it, which
//! goes into the metadata of the commit.
//!
//! Messages are settled in any order, because a slow one must not hold up the others. Kafka commits a single offset, so
//! a crash would repeat everything behind the slowest message; with the settled runs in the metadata the next owner
//! skips them, and a crash repeats only what was in flight.

use std::collections::VecDeque;

use super::commit_metadata::{self, Run};
use crate::backends::kafka::connection::client::topic_ids::{IdentityChange, TopicIdentity};

/// Tracks how far a partition is settled.
#[derive(Debug)]
pub(crate) struct OffsetTracker {
    /// Offsets from the committed position on, in order, and whether each is settled. Some may be missing: markers of
    /// transactions and compaction leave gaps.
    read: VecDeque<(i64, bool)>,
    /// The offset behind the last record that was read.
    seen: i64,
    /// Runs that an earlier owner settled.
    settled: Vec<Run>,
    changed: bool,
    /// How many offsets were settled since the last commit.
    uncommitted: usize,
    /// How many of those the running commit makes durable.
    committing: Option<usize>,
    /// Tells the topic from one that is created under its name later.
    identity: Option<TopicIdentity>,
}

impl OffsetTracker {
    /// Starts at a committed offset, with the metadata of that commit.
    pub(crate) fn new(position: i64, metadata: &str) -> Self {
        Self {
            read: VecDeque::new(),
            seen: position,
            settled: commit_metadata::runs(position, metadata),
            changed: false,
            uncommitted: 0,
            committing: None,
            identity: commit_metadata::identity(metadata),
        }
    }

    /// Sets the identity of the topic, if it is known.
    pub(crate) fn under(mut self, identity: Option<TopicIdentity>) -> Self {
        self.identity = identity.or(self.identity);
        self
    }

    /// Notes the identity of the topic, once it is known.
    pub(crate) fn set_identity(&mut self, present: TopicIdentity, change: IdentityChange) {
        if change == IdentityChange::Mirrored {
            // A mirroring tool translates the offset of a commit, but not the runs in its metadata.
            self.settled.clear();
        }
        if self.identity != Some(present) {
            self.identity = Some(present);
            self.changed = true;
        }
    }

    /// Returns the identity of the topic, if it is known.
    pub(crate) fn identity(&self) -> Option<TopicIdentity> {
        self.identity
    }

    /// Adds the next record; reports whether it has to be delivered, which it has not if an earlier owner settled it.
    pub(crate) fn is_new(&mut self, offset: i64) -> bool {
        let is_settled = self
            .settled
            .iter()
            .any(|(from, to)| (*from..*to).contains(&offset));
        self.read.push_back((offset, is_settled));
        self.advance_to(offset + 1);
        if is_settled {
            self.advance();
        }
        !is_settled
    }

    /// Notes that everything before an offset was read, also where it has no record.
    pub(crate) fn advance_to(&mut self, offset: i64) {
        if offset > self.seen {
            self.seen = offset;
            self.changed = self.changed || self.read.is_empty();
            // From here on `read` knows what is settled.
            self.settled.retain_mut(|(from, to)| {
                *from = offset.max(*from);
                *from < *to
            });
        }
    }

    /// Notes that a record is settled.
    pub(crate) fn settle(&mut self, offset: i64) {
        if let Ok(index) = self
            .read
            .binary_search_by_key(&offset, |(offset, _)| *offset)
            && let Some(entry) = self.read.get_mut(index)
        {
            self.uncommitted += usize::from(!entry.1);
            entry.1 = true;
            self.changed = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        while let Some((_, true)) = self.read.front() {
            self.read.pop_front();
            self.changed = true;
        }
    }

    /// Returns the first offset that is not settled.
    pub(crate) fn position(&self) -> i64 {
        self.read.front().map_or(self.seen, |(offset, _)| *offset)
    }

    /// Returns the offset behind the last record that was read.
    pub(crate) fn seen(&self) -> i64 {
        self.seen
    }

    /// Reports whether everything before an offset was read and is settled.
    pub(crate) fn is_settled_before(&self, offset: i64) -> bool {
        self.position() >= offset
    }

    /// Counts offsets that are settled and not durably so.
    pub(crate) fn uncommitted(&self) -> usize {
        self.uncommitted
    }

    /// Returns the offset and the metadata to commit, if they changed. [`Self::on_commit`] has to follow.
    pub(crate) fn offset_to_commit(&mut self) -> Option<(i64, String)> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let (metadata, left_out) =
            commit_metadata::write(self.position(), &self.runs(), self.identity);
        self.committing = Some(self.uncommitted.saturating_sub(left_out));
        Some((self.position(), metadata))
    }

    /// Notes that a commit succeeded or failed.
    pub(crate) fn on_commit(&mut self, is_committed: bool) {
        match self.committing.take() {
            Some(saved) if is_committed => self.uncommitted -= saved,
            Some(_) => self.changed = true,
            None => {}
        }
    }

    /// Commits the present position even though nothing was settled.
    pub(crate) fn force_commit(&mut self) {
        self.changed = true;
    }

    /// Returns the runs of settled offsets beyond the position.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut joined = false;
        for (offset, is_settled) in &self.read {
            match (is_settled, runs.last_mut()) {
                (true, Some(last)) if joined => last.1 = offset + 1,
                (true, _) => runs.push((*offset, offset + 1)),
                (false, _) => {}
            }
            joined = *is_settled;
        }
        runs.extend(&self.settled);
        runs
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_position_is_the_first_unsettled_offset() {
        let mut tracker = OffsetTracker::new(10, "");
        assert!(
            [10, 11, 14]
                .into_iter()
                .all(|offset| tracker.is_new(offset))
        );
        tracker.settle(11);
        assert_eq!(tracker.position(), 10);
        tracker.settle(10);
        assert_eq!(tracker.position(), 14, "offsets may be missing");
        tracker.settle(14);
        assert_eq!(tracker.position(), 15);
        assert!(tracker.offset_to_commit().is_some());
        assert_eq!(tracker.offset_to_commit(), None);
    }

    #[test]
    fn a_later_owner_skips_what_was_settled() {
        let mut first = OffsetTracker::new(0, "");
        for offset in 0..6 {
            first.is_new(offset);
        }
        for offset in [1, 2, 5] {
            first.settle(offset);
        }
        let (position, metadata) = first.offset_to_commit().unwrap();
        assert_eq!(position, 0);
        let mut second = OffsetTracker::new(position, &metadata);
        let left: Vec<i64> = (0..8).filter(|offset| second.is_new(*offset)).collect();
        assert_eq!(left, [0, 3, 4, 6, 7]);
    }

    #[test]
    fn runs_of_an_earlier_owner_are_kept_until_they_are_read() {
        let mut first = OffsetTracker::new(0, "");
        for offset in 0..4 {
            first.is_new(offset);
        }
        first.settle(3);
        let (position, metadata) = first.offset_to_commit().unwrap();
        let mut second = OffsetTracker::new(position, &metadata);
        assert!(second.is_new(0));
        second.force_commit();
        let (position, metadata) = second.offset_to_commit().unwrap();
        let mut third = OffsetTracker::new(position, &metadata);
        let left: Vec<i64> = (0..4).filter(|offset| third.is_new(*offset)).collect();
        assert_eq!(left, [0, 1, 2]);
    }

    #[test]
    fn settled_runs_keep_their_offsets_over_a_gap() {
        let mut first = OffsetTracker::new(0, "");
        for offset in 0..20 {
            first.is_new(offset);
        }
        (3..9).for_each(|offset| first.settle(offset));
        first.settle(15);
        let (position, metadata) = first.offset_to_commit().unwrap();
        let mut second = OffsetTracker::new(position, &metadata);
        second.advance_to(5);
        second.force_commit();
        let (position, metadata) = second.offset_to_commit().unwrap();
        assert_eq!(position, 5);
        let mut third = OffsetTracker::new(position, &metadata);
        let left: Vec<i64> = (5..20).filter(|offset| third.is_new(*offset)).collect();
        assert_eq!(left, [9, 10, 11, 12, 13, 14, 16, 17, 18, 19]);
    }

    #[test]
    fn settled_offsets_are_uncommitted_until_a_commit_succeeds() {
        let mut tracker = OffsetTracker::new(0, "");
        for offset in 0..4 {
            tracker.is_new(offset);
        }
        tracker.settle(0);
        tracker.settle(2);
        assert!(tracker.offset_to_commit().is_some());
        tracker.settle(1);
        tracker.on_commit(false);
        assert_eq!(tracker.uncommitted(), 3);
        assert!(
            tracker.offset_to_commit().is_some(),
            "it is committed again"
        );
        tracker.settle(3);
        tracker.on_commit(true);
        assert_eq!(tracker.uncommitted(), 1);
    }

    #[test]
    fn metadata_fits_a_broker() {
        let identity = TopicIdentity {
            cluster: u32::MAX,
            topic: u128::MAX,
        };
        let mut tracker = OffsetTracker::new(0, "").under(Some(identity));
        for offset in 0..20_000 {
            tracker.is_new(offset);
        }
        for offset in (1..20_000).step_by(2) {
            tracker.settle(offset);
        }
        let (position, metadata) = tracker.offset_to_commit().unwrap();
        assert!(metadata.len() <= commit_metadata::ROOM);
        let written = commit_metadata::runs(position, &metadata).len();
        assert!(written > 1000);
        tracker.on_commit(true);
        assert_eq!(
            tracker.uncommitted(),
            10_000 - written,
            "the rest is delivered again"
        );
    }

    /// Returns the commit of the first owner of 40 records, which settled these.
    fn committed(settled: &[i64]) -> (i64, String) {
        let mut first = OffsetTracker::new(0, "");
        for offset in 0..40 {
            first.is_new(offset);
        }
        for offset in settled {
            first.settle(*offset);
        }
        first.force_commit();
        first.offset_to_commit().unwrap()
    }

    proptest! {
        #[test]
        fn an_owner_after_one_that_went_halfway_skips_nothing_unsettled(order in Just((0_i64..40).collect::<Vec<_>>()).prop_shuffle(), count in 0_usize..40, halfway in 0_i64..40, more in 0_usize..40) {
            let (position, metadata) = committed(&order[..count]);
            let mut second = OffsetTracker::new(position, &metadata);
            let mut settled = order[..count].to_vec();
            let left: Vec<i64> = (position..halfway).filter(|offset| second.is_new(*offset)).collect();
            for offset in left.into_iter().take(more) {
                second.settle(offset);
                settled.push(offset);
            }
            second.force_commit();
            let (position, metadata) = second.offset_to_commit().unwrap();
            let mut third = OffsetTracker::new(position, &metadata);
            let left: Vec<i64> = (position..40).filter(|offset| third.is_new(*offset)).collect();
            let expected: Vec<i64> = (0..40).filter(|offset| !settled.contains(offset)).collect();
            prop_assert_eq!(left, expected);
        }

        #[test]
        fn the_next_owner_skips_nothing_unsettled(order in Just((0_i64..40).collect::<Vec<_>>()).prop_shuffle(), count in 0_usize..40) {
            let (position, metadata) = committed(&order[..count]);
            let mut second = OffsetTracker::new(position, &metadata);
            let mut left: Vec<i64> = (position..40).filter(|offset| second.is_new(*offset)).collect();
            let mut expected = order[count..].to_vec();
            expected.sort_unstable();
            left.sort_unstable();
            prop_assert_eq!(left, expected);
        }
    }
}
