//! Publishing: batches are pipelined, every confirmation is checked, and what got none is sent again under the same id.

pub(crate) mod atomic_batch;
mod duplicates;
mod prepared;
pub(crate) mod publisher;
pub(crate) mod receipted;
mod retention_cache;
