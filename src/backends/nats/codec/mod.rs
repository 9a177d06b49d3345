//! How messages and records are stored. Pure: no client, no connection.

pub(crate) mod headers;
pub(crate) mod sequence_ranges;
pub(crate) mod timestamp;
