//! Data on stdout: buffered, flushed when a command is idle or ends.

use std::io::{self, Write};

use protoflow::event::{Stored, identified, write_record, write_record_seen};

use super::{ColorChoice, Format, Item, Paint, Painter, Remarks, Report, Text, text};
use crate::{
    error::{CliError, CliResult},
    stdio::Stdout,
};

/// Bytes after which the buffer is written.
const BUFFER: usize = 256 * 1024;

/// Writes data.
pub struct Printer {
    format: Format,
    coloured: bool,
    buffer: Vec<u8>,
    out: Stdout,
    remarks: Remarks,
}

impl Printer {
    /// Opens stdout and stderr.
    pub fn stdio(format: Format, quiet: bool, color: ColorChoice) -> Self {
        Self {
            format,
            coloured: color.applies_to(&io::stdout()),
            buffer: Vec::new(),
            out: Stdout,
            remarks: Remarks::stderr(quiet, color),
        }
    }

    /// Returns the writer to stderr.
    pub fn remarks(&self) -> Remarks {
        self.remarks.clone()
    }

    /// Returns the format in use.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Changes the format.
    pub fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// Writes a result as text or as one line of JSON.
    pub fn report(&mut self, report: &impl Report) -> CliResult<()> {
        match self.format {
            Format::Text => {
                let coloured = self.coloured;
                let paint = |paint: Paint, text: &str| paint.dress(coloured, text);
                report.human(&mut self.buffer, &paint)?;
            }
            Format::Json => {
                serde_json::to_writer(&mut self.buffer, report).map_err(io::Error::from)?;
                self.buffer.push(b'\n');
            }
            Format::Event | Format::Data | Format::Raw | Format::Batch => {
                return Err(CliError::usage("this command does not print events")
                    .hint("use `-o text` or `-o json`"));
            }
            Format::Prometheus => return Err(no_metrics()),
        }
        Ok(self.spill()?)
    }

    /// Writes a message in the chosen format.
    pub fn message(&mut self, stored: &Stored) -> io::Result<()> {
        self.message_as(stored, None)
    }

    /// Writes a message in the chosen format, with its data decoded where people read them.
    pub fn message_as(&mut self, stored: &Stored, seen: Option<&Stored>) -> io::Result<()> {
        let out = &mut self.buffer;
        let shown = seen.unwrap_or(stored);
        match self.format {
            Format::Text => text::message(out, shown, self.coloured),
            Format::Json => match seen {
                Some(seen) => write_record_seen(out, stored, &seen.message, None),
                None => write_record(out, stored, None),
            },
            Format::Event | Format::Batch => {
                text::event(out, &identified(&shown.message, &shown.position));
            }
            Format::Data => text::data(out, &identified(&shown.message, &shown.position)),
            Format::Raw => out.extend_from_slice(stored.message.bytes()),
            // Refused before a command prints its first message.
            Format::Prometheus => return Ok(()),
        }
        out.push(b'\n');
        self.spill()
    }

    /// Writes an item in the chosen format; `text` writes its text form.
    pub fn item<T: Item>(&mut self, item: &T, text: Text<T>) -> io::Result<()> {
        match self.format {
            Format::Text => self.human(|out, paint| text(item, out, paint)),
            Format::Json => self.raw(&item.record()?),
            Format::Event | Format::Data | Format::Raw | Format::Batch | Format::Prometheus => {
                self.message_as(&item.stored(), item.seen())
            }
        }
    }

    /// Writes text with styles.
    pub fn human(
        &mut self,
        write: impl FnOnce(&mut dyn Write, Painter<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let coloured = self.coloured;
        write(&mut self.buffer, &|paint, text| paint.dress(coloured, text))?;
        self.spill()
    }

    /// Writes bytes unchanged.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(bytes);
        self.spill()
    }

    /// Writes the buffer.
    pub fn flush(&mut self) -> io::Result<()> {
        let result = self.out.write_all(&self.buffer);
        self.buffer.clear();
        result?;
        self.out.flush()
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.buffer.len() >= BUFFER {
            return self.flush();
        }
        Ok(())
    }
}

/// Returns the error of a command that has no metrics.
pub fn no_metrics() -> CliError {
    CliError::usage("this command does not print metrics")
        .hint("`-o prometheus` is for `pf dlq check`")
}
