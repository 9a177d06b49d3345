//! Connections to brokers, names, topics, producers and consumers of the protocol, and the admin API.
//!
//! The client of the crate `pulsar` is not used, only its messages and framing. What decides the guarantees of a consumer
//! is not reachable through it: receipts of acknowledgements, sequence ids, the count of redeliveries, the reason of a
//! failed handshake, and `TCP_NODELAY`, without which every acknowledgement waits 40 ms.

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod consumer;
pub(crate) mod handle;
pub(crate) mod names;
pub(crate) mod producer;
pub(crate) mod producer_task;
pub(crate) mod retry;
pub(crate) mod topic_directory;
pub(crate) mod topics;
pub(crate) mod wire;
