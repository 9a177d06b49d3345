//! The connection to a server: settings, names, requests, single messages, and descriptions of streams and consumers.

pub(crate) mod ack;
pub(crate) mod config;
pub(crate) mod confirmed_publish;
pub(crate) mod connect;
pub(crate) mod consumer;
pub(crate) mod direct_get;
pub(crate) mod handle;
pub(crate) mod kv;
pub(crate) mod names;
pub(crate) mod permissions;
pub(crate) mod retry;
pub(crate) mod stream;
mod tls;
