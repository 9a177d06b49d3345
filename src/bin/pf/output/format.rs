//! Output formats.

use std::io::{self, Write};

use protoflow::event::Stored;
use serde::{Deserialize, Serialize};

use super::Painter;

/// Output format.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON record per line, from which the message can be rebuilt byte for byte
    Json,
    /// The bare event, one per line
    Event,
    /// The data of the event, one per line
    Data,
    /// The payload as stored, one per line
    Raw,
    /// One JSON array of bare events; only `pf tail` with an end
    Batch,
    /// Metrics for Prometheus, of `pf dlq check`
    Prometheus,
}

/// A result with a text form and a JSON form.
pub trait Report: Serialize {
    /// Writes the text form.
    fn human(&self, out: &mut dyn Write, paint: Painter<'_>) -> io::Result<()>;
}

/// Writes the text form of a `T`.
pub type Text<T> = fn(&T, &mut dyn Write, Painter<'_>) -> io::Result<()>;

/// An item of a list that contains a message.
pub trait Item {
    /// Returns the JSON record on one line, with its line break.
    fn record(&self) -> io::Result<Vec<u8>>;

    /// Returns the message alone.
    fn stored(&self) -> Stored;

    /// Returns the message with its data decoded, where they are.
    fn seen(&self) -> Option<&Stored> {
        None
    }
}
