//! The events of a tail as one JSON array, the batch format of CloudEvents.

use std::io;

use protoflow::event::{Message, write_event};

use crate::output::Printer;

/// An array that is being written, an event a line.
#[derive(Debug, Default)]
pub struct Batch {
    event: Vec<u8>,
    has_events: bool,
    left_out: u64,
}

impl Batch {
    /// Takes the next element; returns `false` if the message is not an event, which the array cannot hold.
    pub fn take(&mut self, message: &Message) -> bool {
        self.event.clear();
        let is_event = write_event(&mut self.event, message).is_ok();
        self.left_out += u64::from(!is_event);
        is_event
    }

    /// Writes the element that was taken last.
    pub fn write(&mut self, printer: &mut Printer) -> io::Result<()> {
        let before: &[u8] = if self.has_events { b",\n" } else { b"[\n" };
        self.has_events = true;
        printer.raw(before)?;
        printer.raw(&self.event)
    }

    /// Ends the array; returns how many messages were left out.
    pub fn end(&self, printer: &mut Printer) -> io::Result<u64> {
        let end: &[u8] = if self.has_events { b"\n]\n" } else { b"[]\n" };
        printer.raw(end)?;
        Ok(self.left_out)
    }
}
