//! Data on stdout: buffered, flushed when a command is idle or ends.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsFd as _,
};

use protoflow::event::{Stored, write_record};

use super::{ColorChoice, Format, Paint, Painter, Remarks, Report, text};
use crate::error::{CliError, CliResult};

/// Written at once when so much is waiting.
const BUFFER: usize = 256 * 1024;

/// Writes data.
pub struct Printer {
    format: Format,
    coloured: bool,
    waiting: Vec<u8>,
    out: Box<dyn Write + Send>,
    remarks: Remarks,
}

impl Printer {
    /// Prepares stdout and stderr.
    pub fn stdio(format: Format, quiet: bool, color: ColorChoice) -> Self {
        let stdout = io::stdout();
        // Not through the line buffer of the standard library, which would look for line breaks.
        let out: Box<dyn Write + Send> = match stdout.as_fd().try_clone_to_owned() {
            Ok(descriptor) => Box::new(File::from(descriptor)),
            Err(_) => Box::new(io::stdout()),
        };
        Self {
            format,
            coloured: color.applies_to(&stdout),
            waiting: Vec::new(),
            out,
            remarks: Remarks::stderr(quiet, color),
        }
    }

    /// Returns the other half: stderr.
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

    /// Shows a result: people get text, programs one JSON object per line.
    pub fn report(&mut self, report: &impl Report) -> CliResult<()> {
        match self.format {
            Format::Text => {
                let coloured = self.coloured;
                let paint = |paint: Paint, text: &str| paint.dress(coloured, text);
                report.human(&mut self.waiting, &paint)?;
            }
            Format::Json => {
                serde_json::to_writer(&mut self.waiting, report).map_err(io::Error::from)?;
                self.waiting.push(b'\n');
            }
            Format::Event | Format::Data | Format::Raw => {
                return Err(CliError::usage("this command shows no events")
                    .hint("it can write `-o text` and `-o json`"));
            }
        }
        Ok(self.spill()?)
    }

    /// Shows a message in the chosen format.
    pub fn message(&mut self, stored: &Stored) -> io::Result<()> {
        let out = &mut self.waiting;
        match self.format {
            Format::Text => text::message(out, stored, self.coloured),
            Format::Json => write_record(out, stored, None),
            Format::Event => text::event(out, &stored.message),
            Format::Data => text::data(out, &stored.message),
            Format::Raw => out.extend_from_slice(stored.message.bytes()),
        }
        out.push(b'\n');
        self.spill()
    }

    /// Writes for people.
    pub fn human(
        &mut self,
        write: impl FnOnce(&mut dyn Write, Painter<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let coloured = self.coloured;
        write(&mut self.waiting, &|paint, text| {
            paint.dress(coloured, text)
        })?;
        self.spill()
    }

    /// Writes bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.waiting.extend_from_slice(bytes);
        self.spill()
    }

    /// Writes what is waiting.
    pub fn flush(&mut self) -> io::Result<()> {
        let result = self.out.write_all(&self.waiting);
        self.waiting.clear();
        result?;
        self.out.flush()
    }

    fn spill(&mut self) -> io::Result<()> {
        if self.waiting.len() >= BUFFER {
            return self.flush();
        }
        Ok(())
    }
}
