//! How messages are stored in topics: their bytes, properties, keys and ids.

pub(crate) mod batch;
pub(crate) mod chunk;
pub(crate) mod message;
pub(crate) mod message_id;
pub(crate) mod properties;
pub(crate) mod protocol;
pub(crate) mod retry;
