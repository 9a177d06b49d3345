//! Connections to brokers, names, topics, producers and consumers of the protocol, and the admin API.
//!
//! The client is one of its own. What decides the guarantees of a consumer is not reachable through that of the crate `pulsar`:
//! receipts of acknowledgements, sequence ids, the reason of a failed handshake, and `TCP_NODELAY`, without which every
//! acknowledgement waits 40 ms.

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod consumer;
pub(crate) mod handle;
pub(crate) mod keeper;
pub(crate) mod names;
pub(crate) mod producer;
pub(crate) mod producer_task;
pub(crate) mod retry;
pub(crate) mod topic_directory;
pub(crate) mod topics;
pub(crate) mod wire;
