//! Joining a group, and the topics that a member subscribes to.

pub(crate) mod join_errors;
pub(crate) mod leave;
pub(crate) mod static_member;
pub(crate) mod topic_discovery;
