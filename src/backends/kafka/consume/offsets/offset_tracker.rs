//! How far a partition is settled: the position to be committed, and what is settled behind it, for the commit's
//! metadata.

use std::collections::VecDeque;

use super::commit_metadata::{self, Run};
use crate::backends::kafka::connection::client::topic_ids::{IdentityChange, TopicIdentity};

/// How far a partition is settled.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// What was taken and is not behind the position, in order, and whether it is settled. Offsets may be missing:
    /// markers of transactions and compaction leave gaps.
    taken: VecDeque<(i64, bool)>,
    /// The offset behind the last one seen.
    seen: i64,
    /// What an earlier owner had settled already.
    settled: Vec<Run>,
    changed: bool,
    /// How many were settled since what is committed.
    unsaved: usize,
    /// How many of those a commit under way makes durable.
    saving: Option<usize>,
    /// The topic that is tracked, should it be deleted and created again.
    identity: Option<TopicIdentity>,
}

impl Tracker {
    /// Begins at a committed position, with its metadata.
    pub(crate) fn new(position: i64, metadata: &str) -> Self {
        Self {
            taken: VecDeque::new(),
            seen: position,
            settled: commit_metadata::runs(position, metadata),
            changed: false,
            unsaved: 0,
            saving: None,
            identity: commit_metadata::identity(metadata),
        }
    }

    /// Says which topic is tracked, if that is known.
    pub(crate) fn under(mut self, identity: Option<TopicIdentity>) -> Self {
        self.identity = identity.or(self.identity);
        self
    }

    /// Notes which topic is tracked, now that this is known.
    pub(crate) fn is_of(&mut self, present: TopicIdentity, kinship: IdentityChange) {
        if kinship == IdentityChange::Mirrored {
            // A tool translated the position, but not what is settled behind it.
            self.settled.clear();
        }
        if self.identity != Some(present) {
            self.identity = Some(present);
            self.changed = true;
        }
    }

    /// Returns which topic is tracked, if that is known.
    pub(crate) fn identity(&self) -> Option<TopicIdentity> {
        self.identity
    }

    /// Takes in the next record; tells whether it still has to be dealt with.
    pub(crate) fn take(&mut self, offset: i64) -> bool {
        let is_settled = self
            .settled
            .iter()
            .any(|(from, to)| (*from..*to).contains(&offset));
        self.taken.push_back((offset, is_settled));
        self.saw(offset + 1);
        if is_settled {
            self.advance();
        }
        !is_settled
    }

    /// Notes that everything before an offset was seen, also where there was no record.
    pub(crate) fn saw(&mut self, offset: i64) {
        if offset > self.seen {
            self.seen = offset;
            self.changed = self.changed || self.taken.is_empty();
            // Of what was seen, what was taken tells.
            self.settled.retain_mut(|(from, to)| {
                *from = offset.max(*from);
                *from < *to
            });
        }
    }

    /// Notes that a record is settled.
    pub(crate) fn settle(&mut self, offset: i64) {
        if let Ok(index) = self
            .taken
            .binary_search_by_key(&offset, |(offset, _)| *offset)
            && let Some(entry) = self.taken.get_mut(index)
        {
            self.unsaved += usize::from(!entry.1);
            entry.1 = true;
            self.changed = true;
        }
        self.advance();
    }

    fn advance(&mut self) {
        while let Some((_, true)) = self.taken.front() {
            self.taken.pop_front();
            self.changed = true;
        }
    }

    /// Returns the first offset that is not settled.
    pub(crate) fn position(&self) -> i64 {
        self.taken.front().map_or(self.seen, |(offset, _)| *offset)
    }

    /// Returns the offset behind the last one seen.
    pub(crate) fn seen(&self) -> i64 {
        self.seen
    }

    /// Reports whether something before an offset is not settled, or was not seen.
    pub(crate) fn is_settled_before(&self, offset: i64) -> bool {
        self.position() >= offset
    }

    /// Returns how many are settled and not durably so.
    pub(crate) fn unsaved(&self) -> usize {
        self.unsaved
    }

    /// Returns what is to be committed if something changed since this was asked last; [`Self::concludes`] says what came
    /// of it.
    pub(crate) fn changes(&mut self) -> Option<(i64, String)> {
        if !std::mem::take(&mut self.changed) {
            return None;
        }
        let (metadata, left_out) =
            commit_metadata::write(self.position(), &self.runs(), self.identity);
        self.saving = Some(self.unsaved.saturating_sub(left_out));
        Some((self.position(), metadata))
    }

    /// Notes that what was to be committed was, or was not.
    pub(crate) fn concludes(&mut self, is_committed: bool) {
        match self.saving.take() {
            Some(saved) if is_committed => self.unsaved -= saved,
            Some(_) => self.changed = true,
            None => {}
        }
    }

    /// Lets the position be committed though nothing was settled.
    pub(crate) fn begins_here(&mut self) {
        self.changed = true;
    }

    /// Returns the runs of settled offsets behind the position.
    fn runs(&self) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        let mut joined = false;
        for (offset, is_settled) in &self.taken {
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
    fn the_position_is_the_first_that_is_not_settled() {
        let mut tracker = Tracker::new(10, "");
        assert!([10, 11, 14].into_iter().all(|offset| tracker.take(offset)));
        tracker.settle(11);
        assert_eq!(tracker.position(), 10);
        tracker.settle(10);
        assert_eq!(tracker.position(), 14, "offsets may be missing");
        tracker.settle(14);
        assert_eq!(tracker.position(), 15);
        assert!(tracker.changes().is_some());
        assert_eq!(tracker.changes(), None);
    }

    #[test]
    fn a_later_owner_skips_what_was_settled() {
        let mut first = Tracker::new(0, "");
        for offset in 0..6 {
            first.take(offset);
        }
        for offset in [1, 2, 5] {
            first.settle(offset);
        }
        let (position, metadata) = first.changes().unwrap();
        assert_eq!(position, 0);
        let mut second = Tracker::new(position, &metadata);
        let left: Vec<i64> = (0..8).filter(|offset| second.take(*offset)).collect();
        assert_eq!(left, [0, 3, 4, 6, 7]);
    }

    #[test]
    fn what_another_owner_settled_is_not_forgotten_before_it_was_seen() {
        let mut first = Tracker::new(0, "");
        for offset in 0..4 {
            first.take(offset);
        }
        first.settle(3);
        let (position, metadata) = first.changes().unwrap();
        let mut second = Tracker::new(position, &metadata);
        assert!(second.take(0));
        second.begins_here();
        let (position, metadata) = second.changes().unwrap();
        let mut third = Tracker::new(position, &metadata);
        let left: Vec<i64> = (0..4).filter(|offset| third.take(*offset)).collect();
        assert_eq!(left, [0, 1, 2]);
    }

    #[test]
    fn what_was_settled_ahead_stays_where_it_is_over_a_gap() {
        let mut first = Tracker::new(0, "");
        for offset in 0..20 {
            first.take(offset);
        }
        (3..9).for_each(|offset| first.settle(offset));
        first.settle(15);
        let (position, metadata) = first.changes().unwrap();
        let mut second = Tracker::new(position, &metadata);
        second.saw(5);
        second.begins_here();
        let (position, metadata) = second.changes().unwrap();
        assert_eq!(position, 5);
        let mut third = Tracker::new(position, &metadata);
        let left: Vec<i64> = (5..20).filter(|offset| third.take(*offset)).collect();
        assert_eq!(left, [9, 10, 11, 12, 13, 14, 16, 17, 18, 19]);
    }

    #[test]
    fn what_no_commit_holds_is_in_flight() {
        let mut tracker = Tracker::new(0, "");
        for offset in 0..4 {
            tracker.take(offset);
        }
        tracker.settle(0);
        tracker.settle(2);
        assert!(tracker.changes().is_some());
        tracker.settle(1);
        tracker.concludes(false);
        assert_eq!(tracker.unsaved(), 3);
        assert!(tracker.changes().is_some(), "it is committed again");
        tracker.settle(3);
        tracker.concludes(true);
        assert_eq!(tracker.unsaved(), 1);
    }

    #[test]
    fn metadata_fits_a_broker() {
        let identity = TopicIdentity {
            cluster: u32::MAX,
            topic: u128::MAX,
        };
        let mut tracker = Tracker::new(0, "").under(Some(identity));
        for offset in 0..20_000 {
            tracker.take(offset);
        }
        for offset in (1..20_000).step_by(2) {
            tracker.settle(offset);
        }
        let (position, metadata) = tracker.changes().unwrap();
        assert!(metadata.len() <= commit_metadata::ROOM);
        let written = commit_metadata::runs(position, &metadata).len();
        assert!(written > 1000);
        tracker.concludes(true);
        assert_eq!(tracker.unsaved(), 10_000 - written, "the rest comes again");
    }

    /// Returns what the first owner of 40 records commits when it has settled these.
    fn committed(settled: &[i64]) -> (i64, String) {
        let mut first = Tracker::new(0, "");
        for offset in 0..40 {
            first.take(offset);
        }
        for offset in settled {
            first.settle(*offset);
        }
        first.begins_here();
        first.changes().unwrap()
    }

    proptest! {
        #[test]
        fn nor_by_an_owner_that_comes_after_one_that_went_halfway(order in Just((0_i64..40).collect::<Vec<_>>()).prop_shuffle(), count in 0_usize..40, halfway in 0_i64..40, more in 0_usize..40) {
            let (position, metadata) = committed(&order[..count]);
            let mut second = Tracker::new(position, &metadata);
            let mut settled = order[..count].to_vec();
            let left: Vec<i64> = (position..halfway).filter(|offset| second.take(*offset)).collect();
            for offset in left.into_iter().take(more) {
                second.settle(offset);
                settled.push(offset);
            }
            second.begins_here();
            let (position, metadata) = second.changes().unwrap();
            let mut third = Tracker::new(position, &metadata);
            let left: Vec<i64> = (position..40).filter(|offset| third.take(*offset)).collect();
            let expected: Vec<i64> = (0..40).filter(|offset| !settled.contains(offset)).collect();
            prop_assert_eq!(left, expected);
        }

        #[test]
        fn nothing_is_skipped_that_was_not_settled(order in Just((0_i64..40).collect::<Vec<_>>()).prop_shuffle(), count in 0_usize..40) {
            let (position, metadata) = committed(&order[..count]);
            let mut second = Tracker::new(position, &metadata);
            let mut left: Vec<i64> = (position..40).filter(|offset| second.take(*offset)).collect();
            let mut expected = order[count..].to_vec();
            expected.sort_unstable();
            left.sort_unstable();
            prop_assert_eq!(left, expected);
        }
    }
}
