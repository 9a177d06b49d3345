//! A subscription: membership in a group, deliveries in flight, settlement, commits.

pub(super) mod assignment;
pub(super) mod due_retries;
pub(super) mod membership;
pub(super) mod offsets;
pub(super) mod poll;
pub(super) mod poll_loop;
pub(super) mod retry_topics;
pub(super) mod session;
pub(super) mod settle;
pub(super) mod state;
pub(super) mod subscription;
