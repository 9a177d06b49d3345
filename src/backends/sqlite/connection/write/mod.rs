//! The one thread that writes, and its transactions.

pub(crate) mod transaction;
pub(crate) mod write_loop;
pub(crate) mod writer;
