//! Reading without a group: ordered readers, single records, and gaps.

pub(super) mod extent;
pub(super) mod gap;
pub(super) mod merged_scan;
pub(super) mod offset_fetcher;
pub(super) mod open_transactions;
pub(super) mod partition_queues;
pub(super) mod partition_reader;
pub(super) mod reader_thread;
pub(super) mod sequential;
pub(super) mod time_merge;
