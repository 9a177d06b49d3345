//! The topics that hold the retries of a group.

pub(crate) mod legacy_forwarder;
pub(crate) mod legacy_topic;
pub(crate) mod retry_queues;
pub(crate) mod sources;
pub(crate) mod support_topics;
