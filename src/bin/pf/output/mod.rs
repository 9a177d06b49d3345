//! Output of `pf`: data on stdout, everything else on stderr.

mod colour;
mod format;
mod hangup;
mod printer;
mod remarks;
mod text;

pub use self::{
    colour::{ColorChoice, Paint, Painter},
    format::{Format, Item, Report, Text},
    hangup::{is_reader_gone, reader_gone},
    printer::{Printer, no_metrics},
    remarks::Remarks,
    text::{abridged, counted, to_the_second},
};
