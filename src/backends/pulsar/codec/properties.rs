//! Headers of messages as properties and back.
//!
//! Properties are pairs of strings. A header that is null or not text keeps its name; what it was is listed in the property
//! `pf-values`. Order and duplicates of names survive on the wire, though other clients make a map of them.

use super::protocol::KeyValue;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;

use crate::{
    backends::pulsar::error::error,
    event::{Headers, Message},
    transport::{ErrorKind, Result},
};

/// Which headers are null or not text, as in `0=null 3=base64`.
const VALUES: &str = "pf-values";
/// The metadata of a dead letter.
pub(crate) const LETTER: &str = "pf-letter";
/// The id of a dead letter.
pub(crate) const LETTER_ID: &str = "pf-letter-id";
/// The history of a replayed message.
pub(crate) const LINEAGE: &str = "pf-replay";
/// The state of a retry.
pub(crate) const RETRY: &str = "pf-retry";
/// The user's key of a message that is stored under another.
pub(crate) const KEY: &str = "pf-key";
/// Which properties of Java's clients were added to a dead letter, by name.
pub(crate) const ADDED: &str = "pf-added";
/// The topic of a dead letter's message, if it is not that of the original.
pub(crate) const TOPIC: &str = "pf-topic";
/// How often a dead letter was imported after it had been resolved.
pub(crate) const COPY: &str = "pf-copy";

/// Names that only this backend writes; every other property is a header of the user.
const RESERVED: [&str; 9] = [
    VALUES, LETTER, LETTER_ID, LINEAGE, RETRY, KEY, ADDED, TOPIC, COPY,
];

/// Common headers, whose names are not allocated.
const KNOWN: [&str; 9] = [
    "content-type",
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "traceparent",
    "ce_datacontenttype",
];

/// The internal properties of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks(Vec<(&'static str, String)>);

impl Marks {
    /// Returns the value of an internal property.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut marks = self.0.iter();
        let found = marks.find(|(mark, _)| *mark == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Adds an internal property.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.0.push((name, value.into()));
        self
    }
}

/// Refuses headers that a reader would take for internal properties.
pub(crate) fn check(message: &Message) -> Result<()> {
    let mut headers = message.headers.iter();
    match headers.find(|(name, _)| RESERVED.contains(name)) {
        Some((name, _)) => Err(error(
            ErrorKind::Invalid,
            format!("header `{name}` is reserved"),
        )),
        None => Ok(()),
    }
}

/// Returns headers as properties, and internal ones behind them.
pub(crate) fn write(headers: &Headers, marks: &Marks) -> Vec<KeyValue> {
    let mut properties = Vec::with_capacity(headers.len() + marks.0.len());
    let mut values = String::new();
    for (number, (name, value)) in headers.iter().enumerate() {
        let text = value.map(|value| std::str::from_utf8(value));
        let (text, how) = match text {
            Some(Ok(text)) => (text.to_owned(), None),
            Some(Err(_)) => (
                BASE64.encode(value.map_or(&[][..], |value| &value[..])),
                Some("base64"),
            ),
            None => (String::new(), Some("null")),
        };
        if let Some(how) = how {
            let space = if values.is_empty() { "" } else { " " };
            values.extend([space, &number.to_string(), "=", how]);
        }
        properties.push(property(name, text));
    }
    if !values.is_empty() {
        properties.push(property(VALUES, values));
    }
    properties.extend(
        marks
            .0
            .iter()
            .map(|(name, value)| property(name, value.as_str())),
    );
    properties
}

/// Splits properties into headers and internal ones.
pub(crate) fn read(properties: Vec<KeyValue>) -> (Headers, Marks) {
    let mut headers: Vec<(String, Option<Bytes>)> = Vec::with_capacity(properties.len());
    let mut marks = Marks::default();
    let mut values = None;
    for KeyValue { key, value } in properties {
        if key == VALUES {
            values = Some(value);
        } else if let Some(mark) = RESERVED.iter().find(|mark| **mark == key) {
            marks.0.push((mark, value));
        } else {
            headers.push((key, Some(Bytes::from(value))));
        }
    }
    restore(&mut headers, values.as_deref().unwrap_or_default());
    let mut list = Headers::with_capacity(headers.len());
    for (name, value) in headers {
        match KNOWN.iter().find(|known| **known == name) {
            Some(known) => list.push_known(known, value),
            None => list.push(name, value),
        }
    }
    (list, marks)
}

/// Undoes what [`VALUES`] lists.
fn restore(headers: &mut [(String, Option<Bytes>)], values: &str) {
    for value in values.split(' ') {
        let Some((number, how)) = value.split_once('=') else {
            continue;
        };
        let number: Option<usize> = number.parse().ok();
        let Some((_, slot)) = number.and_then(|number| headers.get_mut(number)) else {
            continue;
        };
        match how {
            "null" => *slot = None,
            "base64" => {
                let bytes = slot.as_ref().and_then(|text| BASE64.decode(text).ok());
                *slot = bytes.map(Bytes::from).or(slot.take());
            }
            _ => {}
        }
    }
}

fn property(name: &str, value: impl Into<String>) -> KeyValue {
    KeyValue {
        key: name.to_owned(),
        value: value.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_comes_back() {
        let mut headers = Headers::new();
        headers.push("content-type", Some(Bytes::from("text/plain")));
        headers.push("n", None);
        headers.push("n", Some(Bytes::from_static(b"\xff\x00")));
        headers.push("lines", Some(Bytes::from("a\nb")));
        headers.push("empty", Some(Bytes::new()));
        let marks = Marks::default().with(RETRY, "{}");
        let written = write(&headers, &marks);
        assert_eq!(read(written), (headers, marks));
    }

    #[test]
    fn internal_names_are_reserved() {
        let mut message = Message::new("order".parse().unwrap(), "{}");
        assert!(check(&message).is_ok());
        message.headers.push("pf-letter", None);
        assert_eq!(check(&message).unwrap_err().kind(), ErrorKind::Invalid);
    }
}
