//! Dead letters: stored, read, counted, and the state that says which are resolved.

pub(super) mod foreign;
pub(super) mod resolved;
pub(super) mod scan;
pub(super) mod state_records;
pub(super) mod state_topic;
pub(super) mod stats;
pub(super) mod store;
pub(super) mod topics;
