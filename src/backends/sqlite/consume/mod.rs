//! Consumers of a group: claiming messages under a lease, settling them, and redelivering those of members that died.

pub(crate) mod claim;
pub(crate) mod expiry;
pub(crate) mod joint;
pub(crate) mod membership;
pub(crate) mod readiness;
pub(crate) mod session;
pub(crate) mod settle;
pub(crate) mod subscription;
