//! The data of an event as what it is: JSON, text or bytes.

use std::borrow::Cow;

use super::{Data, Envelope, EventError, json, media, scan};

/// Data, taken out of its wrapping.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    None,
    Json(Cow<'a, str>),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Content<'a> {
    /// Returns the bytes that binary mode carries.
    pub(super) fn into_bytes(self) -> Option<Cow<'a, [u8]>> {
        Some(match self {
            Self::None => return None,
            Self::Json(text) | Self::Text(text) => match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            Self::Bytes(bytes) => bytes,
        })
    }
}

/// Looks at data as its content type has it. Bytes that belie their content type stay bytes.
pub(super) fn content<'e>(envelope: &'e Envelope<'_>) -> Result<Content<'e>, EventError> {
    let kind = envelope.datacontenttype.as_deref();
    Ok(match &envelope.data {
        Data::None => Content::None,
        Data::Json(raw) => from_json(raw, kind)?,
        Data::Base64(text) => {
            let bytes = json::from_base64(text)
                .ok_or_else(|| EventError::Data("is not valid base64".to_owned()))?;
            match String::from_utf8(bytes) {
                Ok(text) if kind.is_none_or(media::is_json) && scan::is_json(&text) => {
                    Content::Json(Cow::Owned(text))
                }
                Ok(text) => Content::Bytes(Cow::Owned(text.into_bytes())),
                Err(error) => Content::Bytes(Cow::Owned(error.into_bytes())),
            }
        }
        Data::Bytes(bytes) => from_bytes(bytes, kind),
    })
}

fn from_json<'e>(raw: &'e str, kind: Option<&str>) -> Result<Content<'e>, EventError> {
    if kind.is_none_or(media::is_json) {
        return Ok(Content::Json(Cow::Borrowed(raw)));
    }
    Ok(match scan::string_of(raw) {
        Some(text) => Content::Text(text?),
        None => Content::Json(Cow::Borrowed(raw)),
    })
}

fn from_bytes<'e>(bytes: &'e [u8], kind: Option<&str>) -> Content<'e> {
    let json = kind.is_none_or(media::is_json);
    if bytes.is_empty() && json {
        return Content::None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if json && scan::is_json(text) => Content::Json(Cow::Borrowed(text)),
        Ok(text) if kind.is_none_or(media::is_text) => Content::Text(Cow::Borrowed(text)),
        _ => Content::Bytes(Cow::Borrowed(bytes)),
    }
}

impl Envelope<'_> {
    /// Returns the data as bytes: JSON as written, text without its quotes, `data_base64` decoded.
    ///
    /// # Errors
    /// If `data_base64` is not base64.
    pub fn data_bytes(&self) -> Result<Option<Cow<'_, [u8]>>, EventError> {
        content(self).map(Content::into_bytes)
    }
}
