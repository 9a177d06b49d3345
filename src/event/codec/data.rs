//! The data of an event as it is stored in its message.

use std::borrow::Cow;

/// The data of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// No data.
    None,
    /// JSON, verbatim.
    Json(&'a str),
    /// `data_base64`, still encoded.
    Base64(Cow<'a, str>),
    /// The payload of a binary-mode message.
    Bytes(&'a [u8]),
}
