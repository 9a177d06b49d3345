//! Everything that `pf` writes goes through here: data to stdout, all else to stderr.

mod colour;
mod format;
mod printer;
mod remarks;
mod text;

pub use self::{
    colour::{ColorChoice, Paint},
    format::{Format, Report},
    printer::Printer,
    remarks::Remarks,
    text::abridged,
};
