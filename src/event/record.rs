//! The record of `-o json`: one line that holds a message so that it can be rebuilt byte for byte.
use super::{EventError, Message, Stored};
use std::time::SystemTime;
/// A line of input: an event or a record.
#[derive(Debug, Clone)]
pub struct Record {
    /// The message; its topic is the record's, else the event's type.
    pub message: Message,
    /// When it was stored, if the record says so.
    pub time: Option<SystemTime>,
    /// A bare event's own delay (`pf_delay_ms`), taken out of nothing: the caller decides.
    pub delay: Option<std::time::Duration>,
    /// Whether the line was a bare event (its attempt bookkeeping is dropped already).
    pub bare: bool,
    /// `.dead_letter` as raw JSON, if there.
    pub dead_letter: Option<Box<serde_json::value::RawValue>>,
}
/// Appends the record of a message, without a line break. `dead_letter` is the JSON to stand under that name.
pub fn write_record(out: &mut Vec<u8>, stored: &Stored, dead_letter: Option<&[u8]>) {
    let _ = (out, stored, dead_letter);
    todo!()
}
/// Reads a line: an event, or a record as [`write_record`] writes it. # Errors what is wrong
pub fn parse_record(line: &[u8]) -> Result<Record, EventError> {
    let _ = line;
    todo!()
}
