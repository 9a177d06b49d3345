//! In which forms data is written.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use super::Painter;

/// How to write data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One record per line, from which the message can be rebuilt byte for byte
    Json,
    /// The bare event, one per line
    Event,
    /// The data of the event, one per line
    Data,
    /// The payload as it is stored, one per line
    Raw,
}

/// A result that can be shown to people and to programs.
pub trait Report: Serialize {
    /// Writes it for people.
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()>;
}

/// Writes a thing for people where its record is not made from it alone.
pub type Text<T> = fn(&T, &mut dyn Write, Painter<'_>) -> io::Result<()>;
