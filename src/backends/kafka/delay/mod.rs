//! Delayed events: records of a compacted topic, fired when due.

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
