//! Messages as Kafka records and back; no client and no connection.

pub(super) mod compact_record;
pub(super) mod record;
pub(super) mod topic_partition;
