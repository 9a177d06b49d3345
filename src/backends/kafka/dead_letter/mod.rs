//! Dead letters: stored, read, counted, imported, and the state that says which are resolved.
//!
//! The dead letters of a topic are records of `<topic>.dlq`. Kafka cannot delete a record in the midst of a partition, so a
//! letter that was replayed or purged stays where it is: receipts in the compacted topic `pf.state` say which are resolved,
//! and readers leave those out. Their bytes go when everything before them is resolved too (`job/prune.rs`).

pub(super) mod decode;
pub(super) mod foreign;
pub(super) mod import;
pub(super) mod notes;
pub(super) mod resolved;
pub(super) mod scan;
pub(super) mod state_records;
pub(super) mod state_topic;
pub(super) mod stats;
pub(super) mod store;
pub(super) mod topics;
