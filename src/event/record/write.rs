//! The record of `-o json`: one line that holds a message so that it can be rebuilt byte for byte.
//!
//! ```json
//! {"event":{…},"message":{"topic":"order.created","key":"7","headers":[["k","v"]],"position":"12","time":"…"}}
//! ```
//! The event is verbatim as stored. If it is not the payload itself, there is also `payload` (text) or `payload_base64`,
//! and `event` is `null` for a message that is not an event. A key that is not text is `key_base64`, a header value
//! that is not text `["k",{"base64":"…"}]`; a null key, header or payload is `null`.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use crate::event::{
    Envelope, Form, Headers, Message, Stored, codec::hexa::identity::identified, codec::structured,
    json::write::push_base64, json::write::push_string, time::write_time,
};

/// A line of input: an event or a record.
#[derive(Debug, Clone)]
pub struct Record {
    /// The message; its topic is the record's, else the event's type.
    pub message: Message,
    /// When it was stored, if the record has that.
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
    write(out, stored, None, dead_letter);
}

/// Appends the same record with the event as people see it, its data decoded. The payload beside it is the one that is
/// stored.
pub fn write_record_seen(
    out: &mut Vec<u8>,
    stored: &Stored,
    seen: &Message,
    dead_letter: Option<&[u8]>,
) {
    write(out, stored, Some(seen), dead_letter);
}

fn write(out: &mut Vec<u8>, stored: &Stored, seen: Option<&Message>, dead_letter: Option<&[u8]>) {
    let message = &stored.message;
    out.extend_from_slice(b"{\"event\":");
    let is_payload = match seen {
        Some(seen) => {
            write_event_of(out, seen);
            false
        }
        None => write_event_of(out, &identified(message, &stored.position)),
    };
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

/// Appends the event of a message that is [`identified`], or `null`; reports whether that is the payload itself.
pub(crate) fn write_event_of(out: &mut Vec<u8>, message: &Message) -> bool {
    if let Some(text) = structured::plain(message) {
        out.extend_from_slice(text);
        return true;
    }
    let start = out.len();
    if let Ok(envelope) = Envelope::read(message) {
        if let (Form::Structured, Some(text)) = (envelope.form, structured::verbatim(message)) {
            out.extend_from_slice(text);
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
