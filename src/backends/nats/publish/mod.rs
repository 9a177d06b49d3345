//! Publishing: batches are pipelined, every confirmation is checked, and what got none is sent again under the same id.

mod duplicates;
mod prepared;
pub(crate) mod publisher;
mod retention_cache;
