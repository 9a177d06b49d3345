//! Delayed events and retries: records of a compacted topic that become due.
//!
//! Kafka delivers nothing at a time. So a delayed event is a record under a key of its own in `pf.delay`; every `pf consume`
//! and `pf schedule run` on the cluster joins one group that shares the partitions of that topic, and the member that owns
//! a partition produces its events when they are due. Replacing and cancelling are records of the same key, which
//! compaction needs anyway.

pub(super) mod delayed_record;
pub(super) mod dispatcher;
pub(super) mod enqueue;
pub(super) mod firing;
pub(super) mod index;
pub(super) mod memory_budget;
pub(super) mod partition;
pub(super) mod reschedule;
pub(super) mod scan;
pub(super) mod topic_cache;
