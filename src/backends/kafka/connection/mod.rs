//! The clients of a transport, their settings, topics and transactions.

pub(super) mod access;
pub(super) mod admin;
pub(super) mod client;
pub(super) mod config;
pub(super) mod group_members;
pub(super) mod handle;
pub(super) mod names;
pub(super) mod producer;
pub(super) mod threads;
pub(super) mod topics;
pub(super) mod transaction;
pub(super) mod version;
