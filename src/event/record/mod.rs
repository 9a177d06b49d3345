//! The record: an event and its message on one line of NDJSON.

pub(in crate::event) mod read;
pub(in crate::event) mod write;
