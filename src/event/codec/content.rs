//! The data of an event by its kind: JSON, text or bytes.

use std::borrow::Cow;

use crate::event::{Data, EventError, codec::media, json::walk, json::write};

/// Data, decoded from its envelope.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::event) enum Content<'a> {
    None,
    Json(Cow<'a, str>),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Content<'a> {
    /// Returns the bytes that binary mode carries.
    pub(in crate::event) fn into_bytes(self) -> Option<Cow<'a, [u8]>> {
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

/// Interprets data according to its content type. Bytes that contradict their content type stay bytes.
pub(in crate::event) fn content<'e>(
    data: &'e Data<'_>,
    kind: Option<&str>,
) -> Result<Content<'e>, EventError> {
    Ok(match data {
        Data::None => Content::None,
        Data::Json(raw) => from_json(raw, kind)?,
        Data::Base64(text) => {
            let bytes = write::from_base64(text)
                .ok_or_else(|| EventError::Data("is not valid base64".to_owned()))?;
            match String::from_utf8(bytes) {
                Ok(text) => {
                    match walk::json_in(&text).filter(|_| kind.is_none_or(media::is_json)) {
                        Some(json) => Content::Json(Cow::Owned(json.to_owned())),
                        None => Content::Bytes(Cow::Owned(text.into_bytes())),
                    }
                }
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
    Ok(match walk::string_of(raw) {
        Some(text) => Content::Text(text?),
        None => Content::Json(Cow::Borrowed(raw)),
    })
}

fn from_bytes<'e>(bytes: &'e [u8], kind: Option<&str>) -> Content<'e> {
    let json = kind.is_none_or(media::is_json);
    if bytes.is_empty() && json {
        return Content::None;
    }
    let text = std::str::from_utf8(bytes);
    if let Some(text) = text.ok().filter(|_| json).and_then(walk::json_in) {
        return Content::Json(Cow::Borrowed(text));
    }
    match text {
        Ok(text) if kind.is_none_or(media::is_text) => Content::Text(Cow::Borrowed(text)),
        _ => Content::Bytes(Cow::Borrowed(bytes)),
    }
}
