//! The record of `-o json`: one line that holds a message so that it can be rebuilt byte for byte.
//!
//! ```json
//! {"event":{…},"message":{"topic":"order.created","key":"7","headers":[["k","v"]],"position":"12","time":"…"}}
//! ```
//! The event stands as it is stored. Where it is not the payload itself, `payload` (text) or `payload_base64` is there
//! too, and `event` is `null` for a message that is no event. A key that is not text is `key_base64`, a header value
//! that is not text `["k",{"base64":"…"}]`; a null key, header or payload is `null`.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    Encoding, Envelope, EventError, Form, Headers, Message, Stored, Topic,
    draft::Draft,
    json::{self, push_base64, push_string},
    scan::{self, LINE_DEPTH},
    structured,
    time::{parse_time, write_time},
    wire,
};

/// A line of input: an event or a record.
#[derive(Debug, Clone)]
pub struct Record {
    /// The message; its topic is the record's, else the event's type.
    pub message: Message,
    /// When it was stored, if the record says so.
    pub time: Option<SystemTime>,
    /// A bare event's own delay (`pf_delay_ms`), which is not stored with it.
    pub delay: Option<Duration>,
    /// Whether the line was a bare event (its attempt bookkeeping is dropped already).
    pub bare: bool,
    /// `.dead_letter` as raw JSON, if there.
    pub dead_letter: Option<Box<RawValue>>,
}

/// Appends the record of a message, without a line break. `dead_letter` is the JSON to stand under that name.
pub fn write_record(out: &mut Vec<u8>, stored: &Stored, dead_letter: Option<&[u8]>) {
    let message = &stored.message;
    out.extend_from_slice(b"{\"event\":");
    let is_payload = push_event(out, message);
    out.extend_from_slice(b",\"message\":{\"topic\":");
    push_string(out, message.topic.as_str());
    push_key(out, message.key.as_deref());
    push_headers(out, &message.headers);
    out.extend_from_slice(b",\"position\":");
    push_string(out, stored.position.as_str());
    out.extend_from_slice(b",\"time\":\"");
    write_time(out, stored.time);
    out.push(b'"');
    if !is_payload {
        push_payload(out, message.payload.as_deref());
    }
    out.push(b'}');
    if let Some(json) = dead_letter {
        out.extend_from_slice(b",\"dead_letter\":");
        out.extend_from_slice(json);
    }
    out.push(b'}');
}

/// Appends the event, or `null`; tells whether what stands there is the payload itself.
fn push_event(out: &mut Vec<u8>, message: &Message) -> bool {
    let start = out.len();
    if let Ok(envelope) = Envelope::read(message) {
        if let (Form::Structured, Some(text)) = (envelope.form, structured::verbatim(message)) {
            out.extend_from_slice(text.as_bytes());
            return true;
        }
        if structured::write(out, &envelope).is_ok() {
            return false;
        }
        out.truncate(start);
    }
    out.extend_from_slice(b"null");
    false
}

fn push_key(out: &mut Vec<u8>, key: Option<&[u8]>) {
    match key.map(|key| (key, std::str::from_utf8(key))) {
        None => out.extend_from_slice(b",\"key\":null"),
        Some((_, Ok(text))) => {
            out.extend_from_slice(b",\"key\":");
            push_string(out, text);
        }
        Some((key, Err(_))) => {
            out.extend_from_slice(b",\"key_base64\":");
            push_base64(out, key);
        }
    }
}

fn push_headers(out: &mut Vec<u8>, headers: &Headers) {
    out.extend_from_slice(b",\"headers\":[");
    for (index, (name, value)) in headers.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"[" } else { b",[" });
        push_string(out, name);
        out.push(b',');
        match value.map(|value| (value, std::str::from_utf8(value))) {
            None => out.extend_from_slice(b"null"),
            Some((_, Ok(text))) => push_string(out, text),
            Some((value, Err(_))) => {
                out.extend_from_slice(b"{\"base64\":");
                push_base64(out, value);
                out.push(b'}');
            }
        }
        out.push(b']');
    }
    out.push(b']');
}

fn push_payload(out: &mut Vec<u8>, payload: Option<&[u8]>) {
    match payload.map(|payload| (payload, std::str::from_utf8(payload))) {
        None => out.extend_from_slice(b",\"payload\":null"),
        Some((_, Ok(text))) => {
            out.extend_from_slice(b",\"payload\":");
            push_string(out, text);
        }
        Some((payload, Err(_))) => {
            out.extend_from_slice(b",\"payload_base64\":");
            push_base64(out, payload);
        }
    }
}

/// Reads a line: an event, to be stored as events are by default, or a record as [`write_record`] writes it.
///
/// # Errors
/// If it is neither, or a bare event breaks a rule.
pub fn parse_record(line: &[u8]) -> Result<Record, EventError> {
    parse_record_as(line, Encoding::default())
}

/// Reads a line: an event, to be stored as `encoding` has it, or a record as [`write_record`] writes it.
///
/// A bare event is checked strictly and loses what belonged to an earlier delivery; its bytes stay as they are unless
/// that, or `encoding`, changes something. A record is taken over as it is.
///
/// # Errors
/// If it is neither, or a bare event breaks a rule.
pub fn parse_record_as(line: &[u8], encoding: Encoding) -> Result<Record, EventError> {
    let text = trim(scan::utf8(line)?);
    let draft = Draft::from_json(text, LINE_DEPTH)?;
    if is_record(&draft) {
        rebuild(&draft)
    } else {
        bare(draft, encoding, Some(text))
    }
}

/// Returns a line without the white space around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

/// Reports whether an object is a record, not an event.
pub(super) fn is_record(draft: &Draft<'_>) -> bool {
    draft.specversion.is_none() && draft.has_extension("message")
}

/// Makes the message of an event that stands alone in its line.
pub(super) fn bare(
    mut draft: Draft<'_>,
    encoding: Encoding,
    written: Option<&str>,
) -> Result<Record, EventError> {
    if let Some(flaw) = draft.flaw.take() {
        return Err(flaw);
    }
    let envelope = draft.finish(Form::Structured)?;
    let (message, delay) = wire::store(envelope, None, encoding, written)?;
    Ok(Record {
        message,
        time: None,
        delay,
        bare: true,
        dead_letter: None,
    })
}

/// The message of a record; the event stands beside it.
#[derive(Deserialize)]
struct Envelopment {
    topic: Option<Topic>,
    key: Option<String>,
    key_base64: Option<String>,
    #[serde(default)]
    headers: Vec<(String, Option<HeaderValue>)>,
    time: Option<String>,
    #[serde(default, deserialize_with = "present")]
    payload: Option<Option<String>>,
    payload_base64: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum HeaderValue {
    Text(String),
    Bytes { base64: String },
}

/// Tells `null` from a member that is not there.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Rebuilds the message of a record.
pub(super) fn rebuild(draft: &Draft<'_>) -> Result<Record, EventError> {
    let raw = |wanted: &str| {
        let member = draft.extensions.iter().find(|(name, _)| name == wanted);
        member.map(|(_, json)| json.as_ref())
    };
    let outer: Envelopment = serde_json::from_str(raw("message").unwrap_or_default())
        .map_err(|error| EventError::Record(format!("`message`: {error}")))?;
    let time = outer.time.as_deref().map(|text| {
        let broken = || EventError::Record(format!("`time` is `{text}`"));
        parse_time(text).ok_or_else(broken)
    });
    let time = time.transpose()?;
    let dead_letter = raw("dead_letter").map(|json| RawValue::from_string(json.to_owned()));
    let dead_letter = dead_letter
        .transpose()
        .map_err(|error| EventError::Record(format!("`dead_letter`: {error}")))?;
    Ok(Record {
        message: message_of(outer, raw("event"))?,
        time,
        delay: None,
        bare: false,
        dead_letter,
    })
}

fn message_of(outer: Envelopment, event: Option<&str>) -> Result<Message, EventError> {
    let mut headers = Headers::new();
    for (name, value) in outer.headers {
        let value = match value {
            None => None,
            Some(HeaderValue::Text(text)) => Some(text.into()),
            Some(HeaderValue::Bytes { base64 }) => Some(bytes_of("headers", &base64)?),
        };
        headers.push(name, value);
    }
    let key = match outer.key_base64 {
        Some(base64) => Some(bytes_of("key_base64", &base64)?),
        None => outer.key.map(Bytes::from),
    };
    let payload = match (outer.payload_base64, outer.payload) {
        (Some(base64), _) => Some(bytes_of("payload_base64", &base64)?),
        (None, Some(payload)) => payload.map(Bytes::from),
        (None, None) => {
            let what = || EventError::Record("there is neither an event nor a payload".to_owned());
            Some(Bytes::copy_from_slice(event.ok_or_else(what)?.as_bytes()))
        }
    };
    let topic = match outer.topic {
        Some(topic) => topic,
        None => own_topic(event)?,
    };
    Ok(Message {
        topic,
        key,
        headers,
        payload,
    })
}

/// Returns the topic of a record that names none: the type of its event.
fn own_topic(event: Option<&str>) -> Result<Topic, EventError> {
    let draft = Draft::from_json(event.unwrap_or("null"), LINE_DEPTH);
    let missing =
        || EventError::Record("`message` has no `topic`, and there is no event".to_owned());
    let draft = draft.map_err(|_| missing())?;
    wire::topic_of(&draft.finish(Form::Structured)?)
}

fn bytes_of(name: &str, base64: &str) -> Result<Bytes, EventError> {
    let broken = || EventError::Record(format!("`{name}` is not valid base64"));
    json::from_base64(base64)
        .map(Bytes::from)
        .ok_or_else(broken)
}
