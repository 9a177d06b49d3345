//! The stored form of a message: rows, headers, timestamps.

pub(crate) mod headers;
pub(crate) mod timestamp;
