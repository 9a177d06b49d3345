//! Text form of a message, and its event and data alone.

use std::{io::Write as _, time::SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use protoflow::event::{
    Data, Envelope, Form, Message, Stored, format_time, identified, write_event,
};

use super::Paint;

/// Characters of data that are shown.
const SHOWN: usize = 160;

/// Appends one line: time, topic, id, data.
pub fn message(out: &mut Vec<u8>, stored: &Stored, coloured: bool) {
    let time = format_time(stored.time);
    let topic = stored.message.topic.as_str();
    let message = identified(&stored.message, &stored.position);
    let envelope = Envelope::read(&message).ok();
    let id = envelope.as_ref().map_or("-", |envelope| &envelope.id);
    let data = match &envelope {
        Some(envelope) => shown(envelope),
        None => abridged(&String::from_utf8_lossy(stored.message.bytes())),
    };
    let _ = if coloured {
        let (dim, name, end) = (Paint::Dim.start(), Paint::Name.start(), Paint::END);
        write!(
            out,
            "{dim}{time}{end}  {name}{topic}{end}  {dim}{id}{end}  {data}"
        )
    } else {
        write!(out, "{time}  {topic}  {id}  {data}")
    };
}

/// Appends the event as one line of JSON; `null` if the message is not a CloudEvent.
pub fn event(out: &mut Vec<u8>, message: &Message) {
    let start = out.len();
    if write_event(out, message).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"null");
    }
}

/// Appends the data of the event: text without its quotes, bytes without base64. If the message is not a CloudEvent or the
/// data cannot be decoded, appends the whole payload.
pub fn data(out: &mut Vec<u8>, message: &Message) {
    let envelope = Envelope::read(message);
    match envelope.as_ref().map(Envelope::data_bytes) {
        Ok(Ok(data)) => out.extend_from_slice(data.as_deref().unwrap_or_default()),
        Ok(Err(_)) | Err(_) => out.extend_from_slice(message.bytes()),
    }
}

fn shown(envelope: &Envelope<'_>) -> String {
    match &envelope.data {
        Data::Base64(_) if envelope.form == Form::Hexa => {
            let bytes = envelope.data_bytes().ok().flatten().unwrap_or_default();
            abridged(&String::from_utf8_lossy(&bytes))
        }
        Data::None => "-".to_owned(),
        Data::Json(text) => abridged(text),
        Data::Base64(text) => abridged(text),
        Data::Bytes(bytes) => abridged(&String::from_utf8_lossy(bytes)),
    }
}

/// Returns the number with the singular or plural noun.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Returns a time in UTC to the second.
pub fn to_the_second(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Returns the start of the text on one line, without control characters, which a terminal would interpret.
pub fn abridged(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(SHOWN)
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if text.chars().nth(SHOWN).is_some() {
        short.push('…');
    }
    short
}
