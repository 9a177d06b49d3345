//! Reading a topic live, without a group.

pub(super) mod backlog;
pub(super) mod follow;
pub(super) mod last_n;
