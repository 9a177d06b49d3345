//! Where a group goes on in a partition of which it has a position.

use super::{commit_metadata, offset_tracker::Tracker};
use crate::{
    backends::kafka::{
        connection::{
            client::topic_ids::{IdentityChange, TopicIdentity},
            handle::Watermarks,
        },
        consume::assignment::gap_recovery::{self, Gap},
    },
    event::Topic,
    transport::TransportError,
};

/// A position that a group has.
pub(crate) struct Committed {
    pub(crate) offset: i64,
    pub(crate) metadata: String,
}

impl Committed {
    /// Returns in which topic this is a position, if that is known.
    pub(crate) fn identity(&self) -> Option<TopicIdentity> {
        commit_metadata::identity(&self.metadata)
    }

    fn kinship(&self, present: Option<TopicIdentity>) -> IdentityChange {
        TopicIdentity::compare(self.identity(), present)
    }

    /// Reports whether this is a position in the topic that is there now, as far as anybody knows.
    pub(crate) fn is_of(&self, present: Option<TopicIdentity>) -> bool {
        self.kinship(present) != IdentityChange::Recreated
    }
}

/// Goes on where the group was, or with the first that is there.
pub(crate) fn go_on(
    (topic, partition): (&Topic, i32),
    committed: &Committed,
    (bounds, present): (Watermarks, Option<TopicIdentity>),
    told: &mut Vec<TransportError>,
) -> Tracker {
    let next = committed.offset;
    let kinship = committed.kinship(present);
    let gap = match kinship {
        IdentityChange::Recreated => Some(Gap::Cut(gap_recovery::recreated(
            topic.as_str(),
            partition,
            next,
            bounds,
        ))),
        _ => Gap::find(topic.as_str(), partition, next, bounds),
    };
    let mut tracker = match (&gap, kinship) {
        (Some(Gap::Cut(_)), _) => Tracker::new(bounds.low, ""),
        // A tool translated the position, but not what is settled behind it.
        (_, IdentityChange::Mirrored) => Tracker::new(next, ""),
        _ => Tracker::new(next, &committed.metadata),
    };
    if let Some(gap) = gap {
        tracker.saw(bounds.low);
        // What was told of is not come back to, also if nothing comes.
        tracker.begins_here();
        told.push(gap.told());
    }
    tracker
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(cluster: u32, topic: u128) -> TopicIdentity {
        TopicIdentity { cluster, topic }
    }

    /// Returns where a group goes on that has settled 5 and 7, and how many gaps it is told of.
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
        let bounds = Watermarks { low: 0, high: 9 };
        let mut told = Vec::new();
        let mut tracker = go_on((&topic, 0), &committed, (bounds, present), &mut told);
        let from = tracker.seen();
        let left = (from..9).filter(|offset| tracker.take(*offset)).collect();
        (left, told.len())
    }

    #[test]
    fn a_topic_that_was_created_again_is_read_from_its_beginning() {
        let (same, present) = (at(1, 1), Some(at(1, 1)));
        assert_eq!(resume(Some(same), present), (vec![5, 6, 8], 0));
        assert_eq!(resume(None, present), (vec![5, 6, 8], 0));
        assert_eq!(resume(Some(at(1, 2)), present), ((0..9).collect(), 1));
        assert_eq!(resume(Some(at(2, 2)), present), ((5..9).collect(), 0));
    }
}
