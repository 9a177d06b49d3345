//! Reading without a group.

pub(crate) mod end;
pub(crate) mod gap;
pub(crate) mod pull;
pub(crate) mod stream_reader;
pub(crate) mod stream_watch;
