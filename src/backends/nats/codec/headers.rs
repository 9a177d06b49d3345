//! Messages as NATS messages and back: keys, nulls and binary values are stored in reserved headers.
//!
//! NATS carries only text in headers, has no keys and no nulls, and reads `Nats-*` as commands to the server.

use std::str::FromStr as _;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;

use crate::{
    backends::nats::error::error,
    event::{Headers, Message, Topic},
    transport::{ErrorKind, Lineage, Result},
};

/// The key, where it is valid as header text.
const KEY: &str = "pf-key";
/// Any other key, in base64.
const KEY_BYTES: &str = "pf-key-base64";
/// The name of a header whose value is null.
const NULL: &str = "pf-null";
/// `name:value` of a header whose value is not text, in base64.
const BYTES: &str = "pf-header-base64";
/// Takes the place of base64 where the value is null, beside others of the same name.
const NULL_VALUE: &str = "!";
/// Marks a payload that is null, not empty.
const NULL_PAYLOAD: &str = "pf-payload";
/// The lineage of a replayed message.
pub(crate) const REPLAY: &str = "pf-replay";
/// The metadata of a dead letter.
pub(crate) const LETTER: &str = "pf-letter";
/// The topic of the message of a dead letter, where it differs from that of its origin.
pub(crate) const TOPIC: &str = "pf-topic";
/// The reply subject of the delivery that became a dead letter.
pub(crate) const ACK_SUBJECT: &str = "pf-claim";
/// The sequence of the original, in a dead letter that had no room for its message.
pub(crate) const ORIGINAL: &str = "pf-original";

/// The mark of a publish, in a message whose id may be known from an earlier one.
pub(crate) const PUBLISH: &str = "pf-publish";

/// The id by which the server drops duplicates.
pub(crate) const MESSAGE_ID: &str = "Nats-Msg-Id";
/// The stream that a message is for; another one refuses it.
pub(crate) const EXPECTED_STREAM: &str = "Nats-Expected-Stream";

const RESERVED: [&str; 11] = [
    KEY,
    KEY_BYTES,
    NULL,
    BYTES,
    NULL_PAYLOAD,
    REPLAY,
    LETTER,
    TOPIC,
    ACK_SUBJECT,
    ORIGINAL,
    PUBLISH,
];

/// Encodes the key, headers and nulls of a message.
pub(crate) fn write(message: &Message) -> Result<HeaderMap> {
    match message.headers.iter().find(|(name, _)| is_command(name)) {
        None => write_with_commands(message),
        Some((name, _)) => {
            let message = format!("header `{name}` is a command to the server");
            Err(error(ErrorKind::Invalid, message).hint(
                "remove the `Nats-*` headers from the message, or allow them with `--allow-broker-headers`",
            ))
        }
    }
}

/// Encodes the key, headers and nulls of a message that may carry commands to the server.
pub(crate) fn write_with_commands(message: &Message) -> Result<HeaderMap> {
    let mut map = HeaderMap::new();
    match message.key.as_deref().map(|key| (as_value(key), key)) {
        None => {}
        Some((Some(value), _)) => map.insert(KEY, value),
        Some((None, key)) => map.insert(KEY_BYTES, STANDARD.encode(key)),
    }
    if message.payload.is_none() {
        map.insert(NULL_PAYLOAD, "null");
    }
    for (name, value) in message.headers.iter() {
        let known = checked(name)?;
        let text = |text: String| format!("{name}:{text}");
        match (Form::of(value), value) {
            _ if is_mixed(&message.headers, name) => {
                let value =
                    value.map_or_else(|| NULL_VALUE.to_owned(), |value| STANDARD.encode(value));
                map.append(BYTES, text(value));
            }
            (Form::Null, _) | (_, None) => map.append(NULL, name),
            (Form::Text(value), _) => map.append(known, value),
            (Form::Bytes, Some(value)) => map.append(BYTES, text(STANDARD.encode(value))),
        }
    }
    Ok(map)
}

/// How the value of a header is written.
enum Form {
    Null,
    Text(HeaderValue),
    Bytes,
}

impl Form {
    fn of(value: Option<&Bytes>) -> Self {
        match value.map(|value| as_value(value)) {
            None => Self::Null,
            Some(Some(value)) => Self::Text(value),
            Some(None) => Self::Bytes,
        }
    }
}

/// Reports whether values of one name would be written under several names, of which the client does not keep the order.
fn is_mixed(headers: &Headers, name: &str) -> bool {
    let mut same = headers.iter().filter(|(other, _)| *other == name);
    let (Some((_, first)), Some((_, second))) = (same.next(), same.next()) else {
        return false;
    };
    let form = std::mem::discriminant(&Form::of(first));
    let mut others = std::iter::once(second).chain(same.map(|(_, value)| value));
    others.any(|value| std::mem::discriminant(&Form::of(value)) != form)
}

fn is_command(name: &str) -> bool {
    let start = name.get(..5);
    start.is_some_and(|start| start.eq_ignore_ascii_case("nats-"))
}

fn checked(name: &str) -> Result<HeaderName> {
    let invalid = |message: String| error(ErrorKind::Invalid, message);
    if RESERVED.contains(&name) {
        return Err(invalid(format!("header `{name}` is reserved")));
    }
    match HeaderName::from_str(name) {
        Ok(known) if !name.is_empty() => Ok(known),
        _ => Err(invalid(format!("`{name}` is not a valid header name"))),
    }
}

/// Returns the value as header text, if NATS returns that text unchanged.
fn as_value(bytes: &[u8]) -> Option<HeaderValue> {
    let text = std::str::from_utf8(bytes).ok()?;
    let kept = text.trim() == text && !text.contains(char::is_control);
    kept.then(|| HeaderValue::from_str(text).ok()).flatten()
}

/// Decodes a message. Headers are ordered by name, as the client does not keep their order. A message that was not
/// written by Protoflow is decoded as it is.
pub(crate) fn read(topic: Topic, map: Option<&HeaderMap>, payload: Bytes) -> Message {
    let mut message = Message {
        topic,
        key: None,
        headers: Headers::new(),
        payload: Some(payload),
    };
    let mut found = Vec::new();
    for (name, values) in map.into_iter().flat_map(HeaderMap::iter) {
        for value in values {
            found.extend(take(&mut message, name.as_ref(), value.as_str()));
        }
    }
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    message.headers = found.into_iter().collect();
    message
}

/// Decodes one value; returns it if it is a header of the user.
fn take(message: &mut Message, name: &str, value: &str) -> Option<(String, Option<Bytes>)> {
    let text = || Bytes::copy_from_slice(value.as_bytes());
    let decoded = |value: &str| STANDARD.decode(value).map_or_else(|_| text(), Bytes::from);
    match name {
        KEY => message.key = Some(text()),
        KEY_BYTES => message.key = Some(decoded(value)),
        NULL => return Some((value.to_owned(), None)),
        NULL_PAYLOAD => message.payload = None,
        BYTES => {
            let (name, value) = value.split_once(':').unwrap_or((name, value));
            let value = (value != NULL_VALUE).then(|| decoded(value));
            return Some((name.to_owned(), value));
        }
        REPLAY | LETTER | TOPIC | ACK_SUBJECT | ORIGINAL | PUBLISH => {}
        name if name.starts_with("Nats-") => {}
        name => return Some((name.to_owned(), Some(text()))),
    }
    None
}

/// Returns the first value of a header. There are few, and comparing each is faster than hashing a name.
pub(crate) fn find<'a>(map: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = map.iter();
    let (_, values) = all.find(|(known, _)| AsRef::<str>::as_ref(*known) == name)?;
    values.first().map(HeaderValue::as_str)
}

/// Adds the lineage of a replayed message.
pub(crate) fn write_lineage(map: &mut HeaderMap, lineage: &Lineage) -> Result<()> {
    map.insert(REPLAY, json(lineage)?);
    Ok(())
}

/// Returns the lineage of a replayed message.
pub(crate) fn read_lineage(map: Option<&HeaderMap>) -> Option<Box<Lineage>> {
    serde_json::from_str(find(map?, REPLAY)?).ok()
}

/// Serializes a record as JSON on one line.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    let failed = "a record cannot be serialized";
    // The metadata of a dead letter take about this much.
    let mut line = Vec::with_capacity(1024);
    serde_json::to_writer(&mut line, value)
        .map_err(|source| error(ErrorKind::Other, failed).because(source))?;
    String::from_utf8(line).map_err(|source| error(ErrorKind::Other, failed).because(source))
}

/// Returns the bytes that headers take on the wire.
pub(crate) fn size(map: &HeaderMap) -> usize {
    let line = |name: &HeaderName, value: &HeaderValue| {
        let name: &str = name.as_ref();
        name.len() + value.as_str().len() + 4
    };
    let values = map
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    values.map(|(name, value)| line(name, value)).sum::<usize>() + 12
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message::new("order".parse().unwrap(), "{}")
    }

    fn round_trip(message: &Message) -> Message {
        let map = write(message).unwrap();
        read(
            message.topic.clone(),
            Some(&map),
            message.payload.clone().unwrap_or_default(),
        )
    }

    #[test]
    fn keys_and_nulls_come_back() {
        for key in [None, Some("k"), Some(""), Some(" k"), Some("a\r\nb")] {
            let message = Message {
                key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
                payload: None,
                ..message()
            };
            assert_eq!(round_trip(&message), message);
        }
    }

    #[test]
    fn values_of_one_name_keep_their_order() {
        let values = [
            Some(&b"text"[..]),
            None,
            Some(b"\xff"),
            Some(b""),
            None,
            Some(b"more"),
        ];
        for count in 1..=values.len() {
            let mut message = message();
            for value in &values[..count] {
                message
                    .headers
                    .push("x-many", value.map(Bytes::copy_from_slice));
            }
            assert_eq!(round_trip(&message), message);
        }
    }

    #[test]
    fn values_come_back() {
        for value in [
            None,
            Some(&b"text"[..]),
            Some(b""),
            Some(b"\xff\r\n"),
            Some(b" x"),
        ] {
            let mut message = message();
            message
                .headers
                .push("X-Case", value.map(Bytes::copy_from_slice));
            assert_eq!(round_trip(&message), message);
        }
    }

    #[test]
    fn commands_and_reserved_names_are_refused() {
        for name in ["Nats-Rollup", "nats-msg-id", "pf-letter", "a b", "a:b", ""] {
            let mut message = message();
            message.headers.push(name, Some(Bytes::from_static(b"x")));
            let error = write(&message).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        }
    }

    #[test]
    fn broker_headers_are_not_copied() {
        let mut map = HeaderMap::new();
        map.insert("Nats-Scheduler", "x");
        map.insert("ce_id", "1");
        let read = read("order".parse().unwrap(), Some(&map), Bytes::new());
        assert_eq!(read.headers.len(), 1);
        assert_eq!(read.headers.text("ce_id"), Some("1"));
    }
}
