//! The connection to a server: what a URL says, names, requests, and what the server knows of streams.

pub(crate) mod config;
pub(crate) mod confirmed_publish;
pub(crate) mod direct_get;
pub(crate) mod handle;
pub(crate) mod kv;
pub(crate) mod names;
pub(crate) mod permissions;
pub(crate) mod stream;
