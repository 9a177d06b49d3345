//! How messages are stored: headers and sequence ranges. No client, no connection.

pub(crate) mod headers;
pub(crate) mod sequence_ranges;
