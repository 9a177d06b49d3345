//! Consuming as a member of a group.

pub(crate) mod attempts;
pub(crate) mod consumer;
pub(crate) mod pull_loop;
pub(crate) mod receive;
pub(crate) mod settle;
pub(crate) mod state;
pub(crate) mod subscription;
pub(crate) mod trouble;
pub(crate) mod until_end;
