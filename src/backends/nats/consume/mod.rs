//! Consuming as a member of a group: pulling, buffering, leases and settlement.

pub(crate) mod attempts;
mod backlog;
mod confirm;
pub(crate) mod consumer;
mod lease_keeper;
mod marks;
mod pull_loop;
mod receive;
mod session;
mod settle;
mod state;
pub(crate) mod subscription;
mod until_end;
