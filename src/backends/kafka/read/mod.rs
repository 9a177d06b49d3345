//! Reading partitions without a group.

pub(super) mod offset_fetcher;
pub(super) mod open_transactions;
pub(super) mod partition_queues;
pub(super) mod partition_reader;
pub(super) mod time_merge;
