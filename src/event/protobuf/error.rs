//! Errors of schemas, and of data that do not fit them.

use std::{io, path::PathBuf};

use crate::event::EventError;

/// The reason why a schema cannot be used, or why data do not fit it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProtobufError {
    /// A schema does not compile; the text begins with file, line and column where they are known.
    #[error("the schema does not compile: {0}")]
    Schema(String),
    /// A descriptor set cannot be read.
    #[error("{} cannot be read", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not a descriptor set.
    #[error("{} is not a descriptor set: {reason}", path.display())]
    Set {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// There is no such message.
    #[error("the schema has no message `{name}`")]
    UnknownMessage {
        /// The name that was given.
        name: String,
        /// The full names of all messages.
        known: Vec<String>,
    },
    /// JSON does not fit a message.
    #[error("the data is not a `{ty}`{}: {reason}", at(path))]
    Json {
        /// The full name of the message.
        ty: String,
        /// The path within the data, as in `items[0].price`; empty where that is all of them.
        path: String,
        /// Why.
        reason: String,
    },
    /// Bytes are not a message.
    #[error("the data is not a `{ty}`: {reason}")]
    Bytes {
        /// The full name of the message.
        ty: String,
        /// Why.
        reason: String,
    },
    /// A message has no JSON: one within it, of any type, is not in the schema, or a value is out of range.
    #[error("the data is a `{ty}` that cannot be shown as JSON: {reason}")]
    Unshown {
        /// The full name of the message.
        ty: String,
        /// Why.
        reason: String,
    },
    /// A message is not an event.
    #[error(transparent)]
    Event(#[from] EventError),
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" at `{path}`")
    }
}
