//! The partitions that the group assigned to this member.

pub(crate) mod gap_recovery;
pub(crate) mod partition;
pub(crate) mod rebalance;
pub(crate) mod recreated_topics;
