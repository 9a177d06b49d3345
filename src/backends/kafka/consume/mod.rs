//! `Transport::subscribe`: membership in a group, in-flight deliveries, settlement, and commits.

pub(crate) mod assignment;
pub(crate) mod due_retries;
mod marks;
pub(crate) mod membership;
pub(crate) mod offsets;
pub(crate) mod open_transactions;
pub(crate) mod poll;
pub(crate) mod poll_loop;
pub(crate) mod provision;
pub(crate) mod retry_topics;
pub(crate) mod session;
pub(crate) mod settle;
pub(crate) mod state;
pub(crate) mod subscription;
