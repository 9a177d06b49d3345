//! The stored form of a message: rows, headers, timestamps. Pure: no connection is needed.

pub(crate) mod headers;
pub(crate) mod row;
pub(crate) mod timestamp;
