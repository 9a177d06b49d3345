//! Reading logs without a group.

pub(crate) mod backlog;
pub(crate) mod last;
pub(crate) mod reader;
