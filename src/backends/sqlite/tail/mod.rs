//! Reading the log without a group.

pub(crate) mod follow;
mod query;
