//! Reading without a group: pull requests, ordered readers, and what a reader has lost.

pub(crate) mod direct_reader;
pub(crate) mod ephemeral_consumer;
pub(crate) mod gap;
pub(crate) mod pull;
pub(crate) mod scope;
pub(crate) mod stored;
pub(crate) mod stream_reader;
mod stream_watch;
pub(crate) mod topic_reader;
