//! Assigned partitions: rebalances, positions, and recovery where the client stopped reading.

pub(crate) mod gap_recovery;
pub(crate) mod partition;
pub(crate) mod positions;
pub(crate) mod rebalance;
pub(crate) mod recreated_topics;
