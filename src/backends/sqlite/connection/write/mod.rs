//! The one thread that writes, and the transactions that it commits.

pub(crate) mod transaction;
pub(crate) mod write_loop;
pub(crate) mod writer;
